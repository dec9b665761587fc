//go:build linux

// Package kerneltime has the clock by which programs in the kernel tell when something
// was: CLOCK_MONOTONIC, the time after boot without that in which the host was suspended
// (clock_gettime(2)). The sensors that observe turn it into times of the host's clock.
package kerneltime

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Now is the time after boot.
func Now() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0, fmt.Errorf("read the kernel's clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// Clock turns times after boot into those of the host's clock, as it was when the Clock
// was made.
type Clock struct{ boot time.Time }

// New is a Clock of now.
func New() (Clock, error) {
	now, err := Now()
	if err != nil {
		return Clock{}, err
	}
	return Clock{time.Now().Add(-now)}, nil
}

// Time is a time after boot, to the millisecond, in UTC; of 0, which is none, the zero
// time.
func (c Clock) Time(since time.Duration) time.Time {
	if since == 0 {
		return time.Time{}
	}
	return c.boot.Add(since).UTC().Truncate(time.Millisecond)
}

//go:build linux

package kerneltime

import (
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	before := time.Now().Add(-time.Millisecond) // times are told to the millisecond
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	now, err := Now()
	if err != nil || now <= 0 {
		t.Fatal(now, err)
	}
	if at := c.Time(now); at.Before(before) || at.After(time.Now()) || at.Location() != time.UTC {
		t.Errorf("now is told as %v", at)
	}
	if !c.Time(now).Equal(c.Time(now-time.Hour).Add(time.Hour)) || !c.Time(0).IsZero() {
		t.Errorf("%v, %v", c.Time(now-time.Hour), c.Time(0))
	}
}

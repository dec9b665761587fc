//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the processor time of a process so far, all its threads
// together, to the nanosecond: its clock, clock_getcpuclockid(3). 0 is this one.
func processorTime(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED of a whole process
	clock := int32(unix.CLOCK_PROCESS_CPUTIME_ID)
	if pid != 0 {
		clock = int32(^pid<<3 | sched)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// spent is the processor time that a process spends while fn runs.
func spent(pid int, fn func() error) (time.Duration, error) {
	before, err := processorTime(pid)
	if err != nil {
		return 0, err
	}
	if err := fn(); err != nil {
		return 0, err
	}
	after, err := processorTime(pid)
	return after - before, err
}

// memory is a line of /proc/PID/status, in megabytes of 2^20 bytes.
func memory(pid int, name string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, name)
}

// cost is what a command took.
type cost struct {
	Seconds float64 // processor time
	Wall    float64 // seconds by the clock
	Peak    float64 // resident memory at its highest, in megabytes of 2^20 bytes
	Code    int
}

// command runs a command to its end and tells what it took. The command is the
// child of a small process, because the kernel counts in a child's peak what its
// parent has in memory when it forks. Only these exit codes count as success.
func command(ctx context.Context, good []int, args ...string) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"run"}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w: %s", args[0], err, tail(problems.String()))
	}
	var c cost
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		return c, err
	}
	for _, code := range good {
		if c.Code == code {
			return c, nil
		}
	}
	return c, fmt.Errorf("%s exited with %d: %s", strings.Join(args, " "), c.Code, tail(problems.String()))
}

// tail is the end of what a command said.
func tail(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-400):]
}

// runMeasured is the small process: it runs a command, throws its output away and
// prints its cost.
func runMeasured(args []string) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := cmd.ProcessState
	c := cost{Seconds: (s.UserTime() + s.SystemTime()).Seconds(), Wall: wall.Seconds(), Code: s.ExitCode()}
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		c.Peak = float64(usage.Maxrss) / 1024
	}
	json.NewEncoder(os.Stdout).Encode(c)
}

// pairs runs two commands in turn, so that both see the same machine, and returns
// the medians of each.
func pairs(ctx context.Context, rounds int, ours, theirs func(context.Context) (cost, error)) (a, b cost, err error) {
	var as, bs []cost
	for range rounds {
		one, err := ours(ctx)
		if err != nil {
			return a, b, err
		}
		other, err := theirs(ctx)
		if err != nil {
			return a, b, err
		}
		as, bs = append(as, one), append(bs, other)
	}
	return middle(as), middle(bs), nil
}

// middle is the medians of costs.
func middle(all []cost) cost {
	var seconds, walls, peaks []float64
	for _, c := range all {
		seconds, walls, peaks = append(seconds, c.Seconds), append(walls, c.Wall), append(peaks, c.Peak)
	}
	return cost{Seconds: median(seconds), Wall: median(walls), Peak: median(peaks)}
}

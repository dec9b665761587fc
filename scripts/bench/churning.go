//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"assay/internal/inspector"
)

// churned is the agent, at one time of a run that observes.
type churned struct {
	after   time.Duration
	memory  float64 // MiB
	seconds float64 // on a processor
	spool   float64 // MB on disk
}

// churning lets the real agent observe for the real service while processes come and
// go, and tells how its memory and its spool change.
func (b *bench) churning(ctx context.Context) error {
	s, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	a, err := b.startAgent(ctx, s)
	if err != nil {
		return err
	}
	defer func() { a.Process.Signal(syscall.SIGTERM); a.Wait() }()
	time.Sleep(3 * time.Second) // its first heartbeat
	run, err := s.startWith(ctx, b.churn, []inspector.PackageID{inspector.PackageBehavior})
	if err != nil {
		return err
	}
	load := exec.CommandContext(ctx, "nice", self(), "work", "churn", strconv.Itoa(1<<30))
	if err := load.Start(); err != nil {
		return err
	}
	curve, err := b.curve(ctx, a.Process.Pid)
	load.Process.Signal(syscall.SIGTERM)
	load.Wait()
	if err != nil {
		return err
	}
	state, err := s.await(ctx, run)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(state, "COMPLETED") {
		return fmt.Errorf("the assessment ended as %s", state)
	}
	var most float64
	for _, c := range curve {
		most = max(most, c.memory)
		fmt.Fprintf(os.Stderr, "%8s  %5.1f MiB  %6.2f s of CPU  %6.2f MB spooled\n", c.after.Round(time.Second), c.memory, c.seconds, c.spool)
	}
	first, last := curve[0], curve[len(curve)-1]
	b.table.below(fmt.Sprintf("agent, observing for %s of churn: resident memory, the highest", b.churn), most, "MiB", 25)
	b.table.add("  after the first minute, at the end", fmt.Sprintf("%.1f MiB, %.1f MiB", first.memory, last.memory), "")
	b.table.plain("  CPU", 100*(last.seconds-first.seconds)/(last.after-first.after).Seconds(), "% of a core")
	return nil
}

// curve looks at the agent again and again, until the run's time is over.
func (b *bench) curve(ctx context.Context, pid int) (all []churned, err error) {
	began := time.Now()
	tick := time.NewTicker(min(time.Minute, b.churn/10))
	defer tick.Stop()
	for time.Since(began) < b.churn-time.Second {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		c := churned{after: time.Since(began)}
		if c.memory, err = memory(pid, "VmRSS"); err != nil {
			return nil, err
		}
		cpu, err := processorTime(pid)
		if err != nil {
			return nil, err
		}
		c.seconds = cpu.Seconds()
		if c.spool, err = size(filepath.Join(b.work, "agent")); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("the time of the churn is too short to look at the agent")
	}
	return all, nil
}

// size is what a folder holds, in megabytes. Files may go meanwhile.
func size(folder string) (float64, error) {
	var sum int64
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return float64(sum) / 1e6, err
}

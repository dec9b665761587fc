//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"assay/internal/telemetry"
)

// agent measures the real agent beside the real service, with the default time
// between heartbeats: idle, and while it collects for an assessment; and a
// collection of all sensors, with and without the walk over the files.
func (b *bench) agent(ctx context.Context) error {
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
	if err := b.idleAgent(ctx, s, a.Process.Pid); err != nil {
		return err
	}
	return b.collections(ctx)
}

func (b *bench) startAgent(ctx context.Context, s *running) (*exec.Cmd, error) {
	token, err := s.token(ctx)
	if err != nil {
		return nil, err
	}
	state := filepath.Join(b.work, "agent")
	enrol := exec.CommandContext(ctx, b.program("assay-agent"), "enroll", "-state", state, "-server", s.use.Gateway, "-ca-pin", s.use.Pin)
	enrol.Env = append(os.Environ(), "ASSAY_AGENT_TOKEN="+token)
	if out, err := enrol.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("enrol the agent: %w: %s", err, tail(string(out)))
	}
	run := exec.CommandContext(ctx, b.program("assay-agent"), "run", "-state", state)
	return run, run.Start()
}

// idleAgent watches the agent while it has nothing to do, assesses the host, and
// watches what the agent has kept of it.
func (b *bench) idleAgent(ctx context.Context, s *running, pid int) error {
	time.Sleep(3 * time.Second) // its first heartbeat
	cpu, err := spent(pid, func() error {
		select {
		case <-time.After(b.idle):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	idle, err := memory(pid, "VmRSS")
	if err != nil {
		return err
	}
	b.table.below("agent, idle: resident memory", idle, "MiB", 25)
	b.table.below(fmt.Sprintf("agent, idle for %s: CPU", b.idle), 100*cpu.Seconds()/b.idle.Seconds(), "% of a core", 0.1)
	var state string
	cpu, err = spent(pid, func() error {
		run, err := s.start(ctx)
		if err != nil {
			return err
		}
		state, err = s.await(ctx, run)
		return err
	})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(state, "COMPLETED") {
		return fmt.Errorf("the assessment ended as %s", state)
	}
	peak, err := memory(pid, "VmHWM")
	if err != nil {
		return err
	}
	after, err := memory(pid, "VmRSS")
	b.table.plain("agent, an assessment of this host: CPU", cpu.Seconds(), "s")
	b.table.plain("  resident memory, the highest", peak, "MiB")
	b.table.below("  resident memory, afterwards", after, "MiB", 25)
	return err
}

// notWalking are the sensors without that which looks at every file there is, and that
// which takes the time that it is given.
func (b *bench) notWalking(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, b.program("assay-agent"), "sensors").Output()
	if err != nil {
		return "", fmt.Errorf("list the sensors: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		if name, _, ok := strings.Cut(line, ":"); ok && name != "" && name[0] != ' ' && name != telemetry.SensorWalk && name != telemetry.SensorActivity {
			names = append(names, name)
		}
	}
	return strings.Join(names, ","), nil
}

func (b *bench) collections(ctx context.Context) error {
	sensors, err := b.notWalking(ctx)
	if err != nil {
		return err
	}
	collect := func(extra ...string) func(context.Context) (cost, error) {
		args := append([]string{b.program("assay-agent"), "collect", "-o", filepath.Join(b.work, "collected")}, extra...)
		return func(ctx context.Context) (cost, error) { return command(ctx, []int{0, 3}, args...) }
	}
	all, without, err := pairs(ctx, 5, collect(), collect("-sensors", sensors))
	if err != nil {
		return err
	}
	b.table.below("a collection without the file walk: CPU", without.Seconds, "s", 2)
	b.table.plain("a collection of everything: CPU", all.Seconds, "s")
	b.table.plain("  resident memory, the highest", all.Peak, "MiB")
	return nil
}

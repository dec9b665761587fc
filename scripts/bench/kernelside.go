//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// observer is the agent while it observes this host, in a process of its own.
type observer struct {
	cmd      *exec.Cmd
	attached time.Duration // from its start until its programs were in the kernel
	programs []ebpf.ProgramID
	maps     []ebpf.MapID
	name     string // of the snapshot that it writes at its end
}

// observing starts the agent's sensors, and waits until all their programs are in the
// kernel: nothing was added for a while.
func (b *bench) observing(ctx context.Context, sensors string, d time.Duration) (*observer, error) {
	oldPrograms, oldMaps := programs(), maps()
	o := &observer{name: filepath.Join(b.work, "observed")}
	o.cmd = exec.CommandContext(ctx, b.program("assay-agent"), "collect", "-o", o.name, "-sensors", sensors, "-observe", d.String())
	began := time.Now()
	if err := o.cmd.Start(); err != nil {
		return nil, err
	}
	for end := began.Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		fresh := added(programs(), oldPrograms)
		if len(fresh) > len(o.programs) {
			o.programs, o.attached = fresh, time.Since(began)
		}
		switch {
		case len(o.programs) > 0 && time.Since(began) > o.attached+200*time.Millisecond:
			o.maps = added(maps(), oldMaps)
			return o, nil
		case time.Now().After(end):
			o.stop()
			return nil, errors.New("the agent has no programs in the kernel after a minute")
		}
	}
}

// stop ends the agent at once; with it go its programs. They have to be gone before
// anything is measured without them.
func (o *observer) stop() error {
	o.cmd.Process.Kill()
	o.cmd.Wait()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left := added(programs(), nil); !slices.ContainsFunc(o.programs, func(id ebpf.ProgramID) bool { return slices.Contains(left, id) }) {
			return nil
		}
	}
	return errors.New("the agent is gone, its programs are not")
}

// finish lets the agent end what it does, which is its snapshot.
func (o *observer) finish() error {
	err := o.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 { // written, and not complete
		return nil
	}
	return err
}

// taken is the time on a processor that the kernel measured of the programs. It measures
// only while somebody asks for it (ebpf.EnableStats).
func (o *observer) taken() (sum time.Duration, err error) {
	for _, id := range o.programs {
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			return 0, fmt.Errorf("ask for a program of the agent's: %w", err)
		}
		stats, err := p.Stats()
		p.Close()
		if err != nil {
			return 0, err
		}
		sum += stats.Runtime
	}
	return sum, nil
}

// mapped is the memory of the maps, in bytes.
func (o *observer) mapped() (sum uint64, err error) {
	for _, id := range o.maps {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return 0, fmt.Errorf("ask for a map of the agent's: %w", err)
		}
		info, err := m.Info()
		m.Close()
		if err != nil {
			return 0, err
		}
		n, _ := info.Memlock()
		sum += n
	}
	return sum, nil
}

func programs() (all []ebpf.ProgramID) {
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		all = append(all, id)
	}
	return all
}

func maps() (all []ebpf.MapID) {
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		all = append(all, id)
	}
	return all
}

func added[T comparable](now, before []T) []T {
	return slices.DeleteFunc(now, func(id T) bool { return slices.Contains(before, id) })
}

// observersOf are the agent's sensors that have programs in the kernel: those that are
// always on when a run observes, and all of them.
func (b *bench) observersOf(ctx context.Context) (usual, all string, err error) {
	out, err := exec.CommandContext(ctx, b.program("assay-agent"), "sensors").Output()
	if err != nil {
		return "", "", fmt.Errorf("list the sensors: %w", err)
	}
	usual, all = "activity", "activity"
	if strings.Contains("\n"+string(out), "\nprotocols:") {
		all += ",protocols"
	}
	return usual, all, nil
}

// self is this program.
func self() string {
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}

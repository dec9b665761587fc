//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Meter measures what the programs take. While there is one the kernel measures every
// eBPF program of the host, which makes each call of one some 20 ns longer: have one for
// a while only.
type Meter struct {
	programs *Programs
	stats    io.Closer
	before   Spent
}

// Spent is what the programs took, all of them together.
type Spent struct {
	Time  time.Duration // on processors
	Calls uint64
}

// Measure begins to measure. It needs CAP_SYS_ADMIN.
func (p *Programs) Measure() (*Meter, error) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return nil, fmt.Errorf("have the kernel measure its programs: %w", err)
	}
	before, err := p.spent()
	if err != nil {
		return nil, errors.Join(err, stats.Close())
	}
	return &Meter{p, stats, before}, nil
}

// Stop ends the measuring, and tells what the programs took since Measure.
func (m *Meter) Stop() (Spent, error) {
	now, err := m.programs.spent()
	return Spent{now.Time - m.before.Time, now.Calls - m.before.Calls}, errors.Join(err, m.stats.Close())
}

func (p *Programs) spent() (all Spent, err error) {
	for _, program := range p.programs {
		stats, err := program.Stats()
		if err != nil {
			return all, fmt.Errorf("read what the kernel measured of its programs: %w", err)
		}
		all.Time += stats.Runtime
		all.Calls += stats.RunCount
	}
	return all, nil
}

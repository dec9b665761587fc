//go:build linux

package bpf

import (
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
	before   [Hooks]time.Duration
}

// Measure begins to measure. It needs CAP_SYS_ADMIN.
func (p *Programs) Measure() (*Meter, error) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return nil, fmt.Errorf("have the kernel measure its programs: %w", err)
	}
	m := &Meter{programs: p, stats: stats}
	m.before, err = p.runtimes()
	if err != nil {
		stats.Close()
		return nil, err
	}
	return m, nil
}

// Spent is the time on a processor that each program took since Measure, by Hook.
func (m *Meter) Spent() ([Hooks]time.Duration, error) {
	spent, err := m.programs.runtimes()
	for i := range spent {
		spent[i] -= m.before[i]
	}
	return spent, err
}

// Close ends the measuring. Of nil it does nothing.
func (m *Meter) Close() error {
	if m == nil {
		return nil
	}
	return m.stats.Close()
}

func (p *Programs) runtimes() (times [Hooks]time.Duration, err error) {
	for i := range p.hooks {
		if p.hooks[i].program == nil {
			continue
		}
		stats, err := p.hooks[i].program.Stats()
		if err != nil {
			return times, fmt.Errorf("read what the kernel measured of its programs: %w", err)
		}
		times[i] = stats.Runtime
	}
	return times, nil
}

// Skipped is how often the kernel did not call each program, by Hook, because it was called
// already on that processor: an interrupt, in which connections are accepted, came while one was
// counted that is made. The kernel counts them since Linux 5.12, and skips tracepoints so
// since 6.1 (commit 05b24ff9b2cf). Not all of them had to be counted.
func (p *Programs) Skipped() (times [Hooks]uint64, err error) {
	for i := range p.hooks {
		if p.hooks[i].program == nil {
			continue
		}
		stats, err := p.hooks[i].program.Stats()
		if err != nil {
			return times, fmt.Errorf("read how often the kernel skipped its programs: %w", err)
		}
		times[i] = stats.RecursionMisses
	}
	return times, nil
}

//go:build linux

package bpf

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

//go:embed activity_core.o activity_direct.o
var objects embed.FS

// builds are the objects, best first.
var builds = []string{"direct", "core"}

// Programs are loaded and attached. Its methods may be used by several goroutines.
type Programs struct {
	Build string // "direct" or "core"; see c/activity.bpf.c

	executions, flows, listeners, totals, sights *ebpf.Map
	programs                                     []*ebpf.Program
	closers                                      []io.Closer
}

// Load loads and attaches the programs. It needs CAP_BPF and CAP_PERFMON, and a kernel
// with BTF, 5.10 or newer. The error has the reasons of every build.
func Load() (*Programs, error) {
	var errs []error
	for _, build := range builds {
		p, err := load(build, 0)
		if err == nil {
			return p, nil
		}
		errs = append(errs, fmt.Errorf("the build %q of the kernel programs: %w", build, err))
	}
	return nil, errors.Join(errs...)
}

// load loads one build, with tables of so many entries; 0: of those that they have.
func load(build string, entries uint32) (_ *Programs, err error) {
	object, err := objects.ReadFile("activity_" + build + ".o")
	if err != nil {
		return nil, err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	for _, table := range []string{"executions", "flows", "listeners"} {
		if entries > 0 {
			spec.Maps[table].MaxEntries = entries
		}
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	p := &Programs{Build: build}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.take(c)
	for _, program := range p.programs {
		attached, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return nil, fmt.Errorf("attach: %w", err)
		}
		p.closers = append(p.closers, attached)
	}
	return p, nil
}

// take takes the collection's parts over.
func (p *Programs) take(c *ebpf.Collection) {
	for _, name := range []string{"on_exec", "on_state"} {
		p.programs = append(p.programs, c.Programs[name])
		p.closers = append(p.closers, c.Programs[name])
	}
	for name, m := range map[string]**ebpf.Map{
		"executions": &p.executions, "flows": &p.flows, "listeners": &p.listeners, "totals": &p.totals, "sights": &p.sights,
	} {
		*m = c.Maps[name]
		p.closers = append(p.closers, c.Maps[name])
	}
}

// Close detaches the programs and lets go of all they have counted.
func (p *Programs) Close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i].Close())
	}
	return errors.Join(errs...)
}

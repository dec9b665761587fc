//go:build linux

package bpf

import (
	"bytes"
	_ "embed" // the object
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/protocols/firstbytes"
)

//go:embed protocols.o
var object []byte

// Programs are loaded and attached. Its methods may be used by several goroutines, but
// for Detach and Close.
type Programs struct {
	conversations, spoken, totals *ebpf.Map

	programs []*ebpf.Program
	links    []*link.RawLink
	closers  []io.Closer
}

// hooks are where the programs are attached. The last one begins to follow connections:
// by then the others see all of their packets.
var hooks = []struct {
	name string
	at   ebpf.AttachType
}{
	{"on_ingress", ebpf.AttachCGroupInetIngress}, {"on_egress", ebpf.AttachCGroupInetEgress}, {"on_connection", ebpf.AttachCGroupSockOps},
}

// Load loads the programs and attaches them to a control group, a folder of a file system
// of type cgroup2. It needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel with BTF,
// 5.10 or newer.
//
// Kernels before 5.11 account maps to the memory that a process may lock; if they refuse,
// this process's limit is raised.
func Load(group string) (*Programs, error) { return loadWith(group, 0) }

// loadWith is Load with a table of so many entries; 0: of those that it has.
func loadWith(group string, entries uint32) (*Programs, error) {
	p, err := load(group, entries)
	if !errors.Is(err, unix.EPERM) {
		return p, err
	}
	if unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) != nil {
		return p, err
	}
	return load(group, entries)
}

func load(group string, entries uint32) (_ *Programs, err error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	if entries > 0 {
		spec.Maps["spoken"].MaxEntries = entries
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	p := &Programs{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.take(c)
	for _, by := range []firstbytes.Role{firstbytes.Client, firstbytes.Server} {
		if err := c.Maps["tables"].Put(uint32(by), firstbytes.Of(by)); err != nil {
			return nil, fmt.Errorf("fill the table of signs: %w", err)
		}
	}
	return p, p.attach(group)
}

// take takes the collection's parts over.
func (p *Programs) take(c *ebpf.Collection) {
	for _, m := range c.Maps {
		p.closers = append(p.closers, m)
	}
	for _, h := range hooks {
		p.programs = append(p.programs, c.Programs[h.name])
		p.closers = append(p.closers, c.Programs[h.name])
	}
	p.conversations, p.spoken, p.totals = c.Maps["conversations"], c.Maps["spoken"], c.Maps["totals"]
}

// attach uses links only, which go with the process: what BPF_PROG_ATTACH attaches stays.
func (p *Programs) attach(group string) error {
	folder, err := unix.Open(group, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the control group %s: %w", group, err)
	}
	defer unix.Close(folder)
	for i, h := range hooks {
		l, err := link.AttachRawLink(link.RawLinkOptions{Target: folder, Program: p.programs[i], Attach: h.at})
		if err != nil {
			return fmt.Errorf("attach to the control group %s: %w", group, err)
		}
		p.links = append(p.links, l)
	}
	return nil
}

// Detach ends the looking; what was counted stays.
func (p *Programs) Detach() error {
	var errs []error
	for _, l := range p.links {
		errs = append(errs, l.Close())
	}
	p.links = nil
	return errors.Join(errs...)
}

// Close detaches the programs and lets go of all they have counted.
func (p *Programs) Close() error {
	errs := []error{p.Detach()}
	for _, c := range p.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

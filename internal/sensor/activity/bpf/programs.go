//go:build linux

package bpf

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

//go:embed activity_core.o activity_direct.o loads_core.o loads_direct.o exits_direct.o
var objects embed.FS

// build is how the programs are tried.
type build struct {
	name  string
	paths bool // of what is executed
}

// builds are those of activity.bpf.c, best first: following pointers costs less than
// reading what they point to, and lockdown=confidentiality refuses to let paths be read.
var builds = []build{{"direct", true}, {"direct", false}, {"core", true}}

// Programs are loaded and attached. Its methods may be used by several goroutines, but
// for Detach and Close.
type Programs struct {
	Build string // "direct" or "core"; see c/activity.bpf.c
	Paths bool   // whether executions have the paths that the kernel knows
	Loads Way    // how loads are counted; None until CountLoads

	// Refused is why loads are not counted in a better way; nil: they are in the best.
	Refused error

	executions, flows, listeners, totals, sights *ebpf.Map
	loads                                        *ebpf.Map // nil: they are not counted

	hooks   [Hooks]hook // by Hook
	closers []io.Closer
}

// Hook is where one of the programs is attached.
type Hook int

// The hooks.
const (
	Exec   Hook = iota // counts executions
	Socket             // counts connections and listeners
	Map                // counts what is mapped executable; optional
	Hooks              // how many there are
)

// functions are the programs' names in c/activity.bpf.c, by Hook.
var functions = [...]string{Exec: "on_exec", Socket: "on_state"}

type hook struct {
	program *ebpf.Program
	link    link.Link
}

// Load loads and attaches the programs. It needs CAP_BPF and CAP_PERFMON, and a kernel
// with BTF, 5.10 or newer. The error has the reasons of every build.
//
// Kernels before 5.11 account maps to the memory that a process may lock; if they refuse,
// this process's limit is raised.
func Load() (*Programs, error) { return raising(func() (*Programs, error) { return loadAny(builds) }) }

// LoadOnly is Load of one build, "direct" or "core".
func LoadOnly(name string) (*Programs, error) {
	only := slices.DeleteFunc(slices.Clone(builds), func(b build) bool { return b.name != name })
	if len(only) == 0 {
		return nil, fmt.Errorf("the kernel programs have no build %q", name)
	}
	return raising(func() (*Programs, error) { return loadAny(only) })
}

// raising loads again with this process's limit raised, if it is refused.
func raising(load func() (*Programs, error)) (*Programs, error) {
	p, err := load()
	if !errors.Is(err, unix.EPERM) {
		return p, err
	}
	if unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) != nil {
		return p, err
	}
	return load()
}

func loadAny(of []build) (*Programs, error) {
	var errs []error
	for _, b := range of {
		p, err := load(b, 0)
		if err == nil {
			return p, nil
		}
		errs = append(errs, fmt.Errorf("the build %q of the kernel programs: %w", b.name, err))
	}
	return nil, errors.Join(errs...)
}

// load loads one build, with tables of so many entries; 0: of those that they have.
func load(b build, entries uint32) (_ *Programs, err error) {
	spec, err := read("activity_" + b.name)
	if err != nil {
		return nil, err
	}
	if !b.paths {
		if err := withoutPaths(spec); err != nil {
			return nil, err
		}
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
	p := &Programs{Build: b.name, Paths: b.paths}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.take(c)
	for i := range functions {
		h := &p.hooks[i]
		if h.link, err = link.AttachTracing(link.TracingOptions{Program: h.program}); err != nil {
			return nil, fmt.Errorf("attach: %w", err)
		}
	}
	return p, nil
}

// read reads an object that is embedded, for an agent in this mount namespace.
func read(name string) (*ebpf.CollectionSpec, error) {
	object, err := objects.ReadFile(name + ".o")
	if err != nil {
		return nil, err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	var own unix.Stat_t
	if err := unix.Stat("/proc/self/ns/mnt", &own); err != nil {
		return nil, fmt.Errorf("tell the agent's own mount namespace: %w", err)
	}
	if err := spec.Variables["host_mount_ns"].Set(uint32(own.Ino)); err != nil {
		return nil, fmt.Errorf("tell the kernel programs the agent's own mount namespace: %w", err)
	}
	return spec, nil
}

// withoutPaths has the verifier leave out the calls that ask for paths.
func withoutPaths(spec *ebpf.CollectionSpec) error {
	if err := spec.Variables["paths"].Set(uint32(0)); err != nil {
		return fmt.Errorf("do without paths: %w", err)
	}
	return nil
}

// take takes the collection's parts over.
func (p *Programs) take(c *ebpf.Collection) {
	for i, name := range functions {
		p.hooks[i].program = c.Programs[name]
		p.closers = append(p.closers, c.Programs[name])
	}
	for name, m := range map[string]**ebpf.Map{
		"executions": &p.executions, "flows": &p.flows, "listeners": &p.listeners, "totals": &p.totals, "sights": &p.sights,
	} {
		*m = c.Maps[name]
		p.closers = append(p.closers, c.Maps[name])
	}
	if constants := c.Maps[".rodata"]; constants != nil {
		p.closers = append(p.closers, constants)
	}
}

// Attached tells whether one of the programs is.
func (p *Programs) Attached(at Hook) bool { return p.hooks[at].link != nil }

// Detach ends the counting of one of the programs; what it counted stays.
func (p *Programs) Detach(at Hook) error {
	h := &p.hooks[at]
	if h.link == nil {
		return nil
	}
	err := h.link.Close()
	h.link = nil
	return err
}

// Close detaches the programs and lets go of all they have counted.
func (p *Programs) Close() error {
	errs := []error{p.Detach(Exec), p.Detach(Socket), p.Detach(Map)}
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i].Close())
	}
	return errors.Join(errs...)
}

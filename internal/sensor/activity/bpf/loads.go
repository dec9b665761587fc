//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
)

// Way is how loads are counted.
type Way string

// The ways, best first.
const (
	None   Way = ""
	AtMap  Way = "lsm"   // each mapping, when it is made
	AtExit Way = "exits" // what a process has mapped when it ends
)

// ways are the objects that count loads, best first. What is read is never followed
// unguarded: that goes before what it costs, which is little, as mappings of files that are
// executable are few.
var ways = []way{
	{AtMap, "loads_core", "on_map", true},
	{AtMap, "loads_core", "on_map", false},  // before Linux 5.11
	{AtMap, "loads_direct", "on_map", true}, // lockdown=confidentiality
	{AtExit, "exits_direct", "on_exit", true},
	{AtExit, "exits_direct", "on_exit", false}, // lockdown=confidentiality
}

type way struct {
	way              Way
	object, function string
	paths            bool // are asked for, if it can
}

// CountLoads begins to count what is mapped executable, too, which many kernels do not
// let: then all else goes on, and the error has the reasons. A program that the kernel
// takes and does not call is let go again. Call it before anything else is done with p.
func (p *Programs) CountLoads() error {
	var errs []error
	for _, w := range ways {
		err := p.countLoads(w)
		if err == nil {
			p.Refused = join(errs)
			return nil
		}
		if errors.Is(err, unix.EPERM) {
			err = errors.New("it is not permitted") // what the library adds misleads
		}
		errs = append(errs, fmt.Errorf("%s of %s: %w", w.function, w.object, err))
	}
	return join(errs)
}

// join has each error once, in one line; nil of none.
func join(errs []error) error {
	var texts []string
	for _, err := range errs {
		if text := err.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

func (p *Programs) countLoads(w way) (err error) {
	spec, err := read(w.object)
	if err != nil {
		return err
	}
	if !w.paths {
		if err := withoutPaths(spec); err != nil {
			return err
		}
	}
	c, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{"totals": p.totals, "sights": p.sights},
	})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	h := hook{program: c.DetachProgram(w.function)}
	table := c.DetachMap("loads")
	c.Close()
	if w.way == AtMap {
		h.link, err = link.AttachLSM(link.LSMOptions{Program: h.program})
	} else {
		h.link, err = link.AttachTracing(link.TracingOptions{Program: h.program})
	}
	if err == nil && w.way == AtMap {
		err = loadCanary(table)
	}
	if err == nil {
		p.hooks[Map], p.loads, p.Loads = h, table, w.way
		p.closers = append(p.closers, h.program, table)
		return nil
	}
	err = fmt.Errorf("attach: %w", err)
	if h.link != nil {
		err = errors.Join(err, h.link.Close())
	}
	return errors.Join(err, h.program.Close(), table.Close())
}

// loadCanary proves that loads are counted: this process maps the beginning of its own
// program, which it has mapped already. What was counted of it is taken out again; the
// totals keep it, as they keep what else a program maps of itself.
func loadCanary(loads *ebpf.Map) error {
	fd, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the agent's own program to map it: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("tell the agent's own program: %w", err)
	}
	mapped, err := unix.Mmap(fd, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map the agent's own program: %w", err)
	}
	if err := unix.Munmap(mapped); err != nil {
		return fmt.Errorf("unmap the agent's own program: %w", err)
	}
	k, v := make([]byte, loadKey), make([]byte, loadValue)
	it := loads.Iterate()
	for it.Next(&k, &v) {
		if l := parseLoad(k, v); l.Own() && l.Inode == st.Ino {
			if err := loads.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return fmt.Errorf("take out what was counted of the agent's own program: %w", err)
			}
			return nil
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("look for the agent's own program: %w", err)
	}
	return ErrDeaf
}

// Mapped are the loads counted so far.
func (p *Programs) Mapped() iter.Seq2[seen.Load, error] {
	if p.loads == nil {
		return func(func(seen.Load, error) bool) {}
	}
	return entries(p.loads, loadKey, loadValue, parseLoad)
}

func parseLoad(k, v []byte) seen.Load {
	return seen.Load{
		File: file(k), By: program(k[16:]),
		Counts: counts(v), PID: int(order.Uint32(v[24:])), MountNS: order.Uint32(v[28:]),
		Name: name(v[32:48]), Root: order.Uint32(v[48:]) != 0, Host: order.Uint32(v[52:]) != 0,
	}
}

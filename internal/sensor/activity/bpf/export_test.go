//go:build linux

package bpf

import (
	"bytes"
	"errors"
	"os"

	"github.com/cilium/ebpf"
)

// LoadBuild is Load for one build, with tables of so many entries.
func LoadBuild(name string, entries uint32) (*Programs, error) {
	return raising(func() (*Programs, error) {
		return load(build{name: name, paths: !confidential()}, entries)
	})
}

// confidential tells whether the kernel is locked down so far (kernel_lockdown(7)).
func confidential() bool {
	mode, _ := os.ReadFile("/sys/kernel/security/lockdown")
	return bytes.Contains(mode, []byte("[confidentiality]"))
}

// CountLoadsBy is CountLoads by one object.
func (p *Programs) CountLoadsBy(object string) error {
	err := errors.New("no such object")
	for _, w := range ways {
		if w.object != object {
			continue
		}
		if err = p.countLoads(w); err == nil {
			return nil
		}
	}
	return err
}

// IDs are the kernel's numbers of the programs.
func (p *Programs) IDs() (ids []ebpf.ProgramID, err error) {
	for _, h := range p.hooks {
		if h.program == nil {
			continue
		}
		info, err := h.program.Info()
		if err != nil {
			return nil, err
		}
		id, _ := info.ID()
		ids = append(ids, id)
	}
	return ids, nil
}

// Memory is what the maps take in the kernel, in bytes, as it tells.
func (p *Programs) Memory() (all uint64, err error) {
	for _, m := range []*ebpf.Map{p.executions, p.flows, p.listeners, p.totals, p.sights, p.loads} {
		if m == nil {
			continue
		}
		info, err := m.Info()
		if err != nil {
			return 0, err
		}
		bytes, _ := info.Memlock()
		all += bytes
	}
	return all, nil
}

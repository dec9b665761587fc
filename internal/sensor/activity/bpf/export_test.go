//go:build linux

package bpf

import "github.com/cilium/ebpf"

// LoadBuild is Load for one build, with tables of so many entries.
func LoadBuild(build string, entries uint32) (*Programs, error) {
	return raising(func() (*Programs, error) { return load(build, entries) })
}

// IDs are the kernel's numbers of the programs.
func (p *Programs) IDs() (ids []ebpf.ProgramID, err error) {
	for _, h := range p.hooks {
		info, err := h.program.Info()
		if err != nil {
			return nil, err
		}
		id, _ := info.ID()
		ids = append(ids, id)
	}
	return ids, nil
}

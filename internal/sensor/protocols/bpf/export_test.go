//go:build linux

package bpf

import "github.com/cilium/ebpf"

// LoadEntries is Load with a table of so many entries.
func LoadEntries(group string, entries uint32) (*Programs, error) { return loadWith(group, entries) }

// Parse parses an entry of the table.
func Parse(k, v []byte) Spoken { return parse(k, v) }

// The sizes of an entry.
const KeySize, ValueSize = spokenKey, spokenValue

// IDs are the kernel's numbers of the programs.
func (p *Programs) IDs() (ids []ebpf.ProgramID, err error) {
	for _, program := range p.programs {
		info, err := program.Info()
		if err != nil {
			return nil, err
		}
		id, _ := info.ID()
		ids = append(ids, id)
	}
	return ids, nil
}

// Kept is what is kept with a socket.
func (p *Programs) Kept(socket int) ([]byte, error) {
	v := make([]byte, conversationSize)
	err := p.conversations.Lookup(uint32(socket), &v)
	return v, err
}

//go:build linux

package activity

import "assay/internal/sensor/activity/seen"

// where is the mount namespace of the first to execute or map a file, and its container. What
// the host did, too, is the host's, whoever was first: nothing that it did is told as a
// container's.
func (n *namer) where(p program, first uint32, host bool) (mountNS uint64, container string) {
	if host || first != 0 && uint64(first) == n.mountNS {
		return 0, ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.containers[uint64(first)]; ok {
		return uint64(first), known
	}
	return uint64(first), p.container
}

// shared is what the host has of a program that it executed. If it was only seen elsewhere,
// its path means something here only if the file is there.
func (n *namer) shared(e seen.Execution, p program) program {
	if p.host || p.path == "" || p.unverified {
		return p
	}
	if here := n.called(e.Program, e.Path, n.mountNS); e.Path != "" && !here.unverified {
		p = here
	} else {
		p.container, p.unverified = "", true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.programs[e.File] = p
	return p
}

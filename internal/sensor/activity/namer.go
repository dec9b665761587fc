//go:build linux

package activity

import (
	"os"
	"strings"
	"sync"
	"time"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
)

// maxPrograms bounds what is remembered.
const maxPrograms = 50_000

// namer finds out which file it is that the kernel knows by device and inode, and has
// it looked at. It is safe for concurrent use: look is called when something was just
// seen.
type namer struct {
	proc    proc.FS
	fs      *hostfs.FS
	mountNS uint64 // the agent's own: what its paths mean
	self    place  // the agent's program
	looker  *looker
	spaces  *spaces
	ages    ages
	stats   int       // names that were looked at to find unknown files
	until   time.Time // when that has to be over

	mu         sync.Mutex
	programs   map[file]program
	containers map[uint64]string // by mount namespace; "": in none
	unknown    map[place]file    // asked for, and gone before they were looked at
	paths      map[file]string   // that the kernel has for files that were mapped
}

type file = seen.File

// place is where a file is, which may be another's later.
type place struct{ device, inode uint64 }

func placeOf(id file) place { return place{id.Device, id.Inode} }

// program is what is known of a file.
type program struct {
	path, container, owner string
	host                   bool // path is one of the host's own
	unverified             bool // path is what a process called it
}

func newNamer(p proc.FS, fs *hostfs.FS) *namer {
	n := &namer{proc: p, fs: fs, programs: map[file]program{}, unknown: map[place]file{}, ages: newAges(), containers: map[uint64]string{}, paths: map[file]string{}}
	n.mountNS, _ = p.Namespace(os.Getpid(), "mnt")
	n.self.device, n.self.inode, _ = p.ExeFile(os.Getpid())
	n.looker = newLooker(p, fs)
	n.spaces = newSpaces(p, fs)
	return n
}

// look looks at the process that made something be seen, while it is there.
func (n *namer) look(s seen.Sight) {
	id := s.File
	known, ok := n.lookup(id)
	if ok = ok && !known.unverified; ok && (s.Kind == seen.SawFlow || n.looker.has(id)) {
		return
	}
	switch s.Kind {
	case seen.SawLoad:
		n.mapped(s.PID, id)
		n.note(id, s.Path)
	case seen.SawExecution:
		if own := n.see(s.PID, id); id.Inode == 0 {
			id = own // the source does not tell
		}
		n.looker.hold(n.proc.Path(s.PID, "exe"), s.PID, id)
	case seen.SawFlow:
		n.see(s.PID, id)
	}
}

// note keeps the path that the kernel has for a file, as long as it has no name.
func (n *namer) note(id file, path string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.programs[id]; !ok && path != "" && len(n.paths) < maxPrograms {
		n.paths[id] = path
	}
}

// noted is what note has kept.
func (n *namer) noted(id file) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.paths[id]
}

// see looks at the program of a process, and tells which file it is. want is another name
// of it if it has the same inode: some file systems give stat(2) another device number than
// the kernel has.
func (n *namer) see(pid int, want file) (own file) {
	own, name := executes(n.proc.Path(pid, "exe"))
	if name == "" {
		return file{}
	}
	p := n.here(pid, name)
	if want.Generation == 0 || want.Inode != own.Inode {
		n.keep(own, p)
	}
	if want.Inode == own.Inode {
		n.keep(want, p)
	}
	return own
}

// executes is the file that one of the kernel's links leads to, and its path. It is held
// meanwhile: a process may execute another one before its name is read, as env(1) does.
func executes(link string) (own file, name string) {
	o, err := hostfs.OpenObject(link)
	if err != nil {
		return own, ""
	}
	defer o.Close()
	info, err := o.Stat()
	if err != nil {
		return own, ""
	}
	if name, err = o.Path(); err != nil {
		return own, ""
	}
	return file{Device: info.Device, Inode: info.Inode}, strings.TrimSuffix(name, " (deleted)")
}

// mapped looks for a file among those that a process has mapped.
func (n *namer) mapped(pid int, want file) {
	maps, _ := n.proc.Mappings(pid)
	for _, m := range maps.Files {
		if (place{m.Device, m.Inode}) == placeOf(want) {
			n.keep(want, n.here(pid, m.Path))
			n.looker.hold(n.proc.Path(pid, "map_files/"+m.Range), pid, want)
		}
	}
}

// here is a file by the path that a process has for it.
func (n *namer) here(pid int, name string) program {
	theirs, _ := n.proc.Namespace(pid, "mnt")
	p := program{path: name, host: theirs == n.mountNS}
	if p.host {
		return p
	}
	p.container = n.proc.Container(pid).ID
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.containers) < maxPrograms {
		n.containers[theirs] = p.container
	}
	return p
}

// keep remembers what was looked at; of a file that containers share with the host, what
// the host has.
func (n *namer) keep(id file, p program) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.programs[id]
	if len(n.programs) < maxPrograms && (p.host || !known.host || known.unverified) {
		n.programs[id] = p
	}
	delete(n.unknown, placeOf(id))
}

// name is what is known of a program; pid may be one that executes it.
func (n *namer) name(p seen.Program, pid int) program {
	id := p.File
	if known, ok := n.lookup(id); ok {
		return known
	}
	if !n.ages.youngest(id) {
		return program{}
	}
	n.see(pid, id)
	known, ok := n.lookup(id)
	if !ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.unknown[placeOf(id)] = id
	}
	return known
}

func (n *namer) lookup(id file) (program, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.programs[id]
	return p, ok
}

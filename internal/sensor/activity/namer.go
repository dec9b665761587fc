//go:build linux

package activity

import (
	"context"
	"fmt"
	"os"
	"path"
	"sync"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/proc"
)

// Bounds of what is remembered, and of a folder's names.
const (
	maxPrograms = 50_000
	maxNames    = 20_000
)

// namer finds out which file a program is that the kernel knows by device and inode.
// It is safe for concurrent use: see is called when a process was just seen.
type namer struct {
	proc    proc.FS
	fs      *hostfs.FS
	mountNS uint64 // the agent's own: what its paths mean
	self    file   // the agent's program

	mu       sync.Mutex
	programs map[file]program
	unknown  map[file]bool // asked for, and gone before they were looked at
}

type file struct{ device, inode uint64 }

// program is what is known of a file.
type program struct {
	path, container, owner string
	host                   bool // path is one of the host's own
}

func newNamer(p proc.FS, fs *hostfs.FS) *namer {
	n := &namer{proc: p, fs: fs, programs: map[file]program{}, unknown: map[file]bool{}}
	n.mountNS, _ = p.Namespace(os.Getpid(), "mnt")
	n.self.device, n.self.inode, _ = p.ExeFile(os.Getpid())
	return n
}

// see looks at a process while it is there.
func (n *namer) see(pid int) {
	name, _, err := n.proc.Exe(pid)
	if err != nil {
		return
	}
	device, inode, err := n.proc.ExeFile(pid)
	if err != nil {
		return
	}
	theirs, _ := n.proc.Namespace(pid, "mnt")
	n.keep(file{device, inode}, program{path: name, container: n.proc.Container(pid).ID, host: theirs == n.mountNS})
}

func (n *namer) keep(id file, p program) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.programs) < maxPrograms {
		n.programs[id] = p
	}
	delete(n.unknown, id)
}

// name is what is known of a program; pid may be one that executes it.
func (n *namer) name(p seen.Program, pid int) program {
	id := file{p.Device, p.Inode}
	if known, ok := n.lookup(id); ok {
		return known
	}
	n.see(pid)
	known, ok := n.lookup(id)
	if !ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.unknown[id] = true
	}
	return known
}

func (n *namer) lookup(id file) (program, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.programs[id]
	return p, ok
}

// folders are where programs are that ended before anybody could look at them.
var folders = []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin", "/usr/libexec", "/usr/lib/git-core"}

// own finds the packages of the host's programs, and in the usual folders those that
// were too short to be looked at. It tells what could not be found out.
func (n *namer) own(ctx context.Context) (missing []string) {
	for _, folder := range folders {
		n.search(folder)
	}
	var paths []string
	for _, p := range n.programs {
		if p.host {
			paths = append(paths, p.path)
		}
	}
	owners, err := packages.Owners(ctx, n.fs, paths)
	if err != nil {
		missing = append(missing, fmt.Sprintf("the packages that own the programs are not known: %v", err))
	}
	for id, p := range n.programs {
		if p.host {
			p.owner = owners[p.path]
			n.programs[id] = p
		}
	}
	return missing
}

// search looks for unknown programs in a folder.
func (n *namer) search(folder string) {
	if len(n.unknown) == 0 {
		return
	}
	names, _, err := n.fs.ReadDir(folder, maxNames)
	if err != nil {
		return
	}
	for _, name := range names {
		full := path.Join(folder, name)
		info, err := n.fs.Lstat(full)
		if id := (file{info.Device, info.Inode}); err == nil && info.Mode.IsRegular() && n.unknown[id] {
			n.keep(id, program{path: full, host: true})
		}
	}
}

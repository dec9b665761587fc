//go:build linux

package activity

import (
	"context"
	"fmt"
	"path"
	"time"

	"assay/internal/sensor/packages"
)

// Bounds of a folder's names, and of the processes whose mappings are looked at to find
// what is known by its inode only.
const (
	maxNames  = 20_000
	maxMapped = 4_096
	maxDepth  = 6
	maxStats  = 200_000 // names that are looked at in all

	// The agent waits ten seconds for the end of an observation; without names its counts are
	// worth as much.
	maxSearching = 3 * time.Second
)

// folders are where programs are that ended before anybody could look at them.
var folders = []string{
	"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin", "/usr/libexec", "/usr/lib/git-core",
}

// libraries are folders below which libraries and plug-ins are.
var libraries = []string{"/usr/lib64", "/usr/lib", "/usr/local/lib", "/lib64", "/lib", "/opt"}

// own finds the packages of the host's files, and among what processes have mapped, and
// in the usual folders, those that were too short to be looked at. It tells what could not be
// found out.
func (n *namer) own(ctx context.Context) (missing []string) {
	n.looker.drain()
	n.until = time.Now().Add(maxSearching)
	n.searchMapped(ctx)
	for _, folder := range folders {
		n.search(folder, 0)
	}
	for _, folder := range libraries {
		n.search(folder, maxDepth)
	}
	n.home()
	var paths []string
	for id, p := range n.programs {
		if p.host && !p.unverified {
			paths = append(paths, p.path)
			n.lookAgain(id, p.path)
		}
	}
	owners, err := packages.Owners(ctx, n.fs, paths)
	if err != nil {
		missing = append(missing, fmt.Sprintf("the packages that own the programs are not known: %v", err))
	}
	for id, p := range n.programs {
		if p.host && !p.unverified {
			p.owner = owners[p.path]
			n.programs[id] = p
		}
	}
	return missing
}

// home finds the host's own files among those that were executed in another mount
// namespace only, as a service's with PrivateTmp= or what ip netns exec has started: they
// are the same file at the same path.
func (n *namer) home() {
	for id, p := range n.programs {
		if p.host || p.unverified || p.container != "" || n.spaces.away(n.mountNS, p.path) {
			continue
		}
		if info, err := n.fs.Lstat(p.path); err == nil && info.Device == id.Device && info.Inode == id.Inode {
			p.host = true
			n.programs[id] = p
		}
	}
}

// lookAgain looks at a file by its path that was over before it could be looked at.
func (n *namer) lookAgain(id file, name string) {
	if !n.looker.has(id) && n.ages.youngest(id) && !n.spaces.away(n.mountNS, name) {
		n.looker.named(n.fs, name, n.looker.self, id)
	}
}

// searchMapped looks for unknown files among what processes have mapped now.
func (n *namer) searchMapped(ctx context.Context) {
	pids, _ := n.proc.PIDs()
	for _, pid := range pids[:min(len(pids), maxMapped)] {
		if len(n.unknown) == 0 || ctx.Err() != nil || time.Now().After(n.until) {
			return
		}
		maps, _ := n.proc.Mappings(pid)
		for _, m := range maps.Files {
			if id, ok := n.unknown[place{m.Device, m.Inode}]; ok && n.ages.youngest(id) {
				n.keep(id, n.here(pid, m.Path))
				n.looker.hold(n.proc.Path(pid, "map_files/"+m.Range), pid, id)
			}
		}
		n.looker.drain()
	}
}

// search looks for unknown files in a folder, and so many folders deep below it.
func (n *namer) search(folder string, depth int) {
	if len(n.unknown) == 0 || n.stats > maxStats || n.spaces.away(n.mountNS, folder) {
		return
	}
	names, _, err := n.fs.ReadDir(folder, maxNames)
	if err != nil {
		return
	}
	n.stats += len(names)
	for _, name := range names {
		if time.Now().After(n.until) {
			return
		}
		full := path.Join(folder, name)
		info, err := n.fs.Lstat(full)
		if err != nil {
			continue
		}
		if info.Mode.IsDir() && depth > 0 {
			n.search(full, depth-1)
		}
		if id, ok := n.unknown[place{info.Device, info.Inode}]; ok && info.Mode.IsRegular() && n.ages.youngest(id) {
			n.keep(id, program{path: full, host: true})
			n.looker.named(n.fs, full, n.looker.self, id)
		}
	}
}

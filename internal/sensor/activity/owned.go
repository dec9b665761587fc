//go:build linux

package activity

import (
	"context"
	"fmt"
	"path"
	"strings"

	"assay/internal/sensor/packages"
)

// Bounds of a folder's names, and of the processes whose mappings are looked at to find
// what is known by its inode only.
const (
	maxNames  = 20_000
	maxMapped = 4_096
)

// folders are where programs and libraries are of processes that ended before anybody
// could look at them.
var folders = []string{
	"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin", "/usr/libexec", "/usr/lib/git-core",
	"/usr/lib64", "/usr/lib", "/usr/local/lib", "/lib64", "/lib",
}

// own finds the packages of the host's files, and among what processes have mapped, and
// in the usual folders, those that were too short to be looked at. It tells what could not be
// found out.
func (n *namer) own(ctx context.Context) (missing []string) {
	n.looker.drain()
	n.searchMapped(ctx)
	for _, folder := range folders {
		n.search(folder)
	}
	var paths []string
	for _, p := range n.programs {
		if p.host && !p.unverified {
			paths = append(paths, p.path)
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

// searchMapped looks for unknown files among what processes have mapped now.
func (n *namer) searchMapped(ctx context.Context) {
	pids, _ := n.proc.PIDs()
	for _, pid := range pids[:min(len(pids), maxMapped)] {
		if len(n.unknown) == 0 || ctx.Err() != nil {
			return
		}
		maps, _ := n.proc.Mappings(pid)
		for _, m := range maps.Files {
			if id := (file{m.Device, m.Inode}); n.unknown[id] {
				n.keep(id, n.here(pid, m.Path))
				n.looker.hold(n.proc.Path(pid, "map_files/"+m.Range), pid, id)
			}
		}
		n.looker.drain()
	}
}

// search looks for unknown files in a folder, and in those of its folders that are
// named as an architecture (x86_64-linux-gnu).
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
		if err != nil {
			continue
		}
		if info.Mode.IsDir() && strings.Contains(name, "-linux-") {
			n.search(full)
		}
		if id := (file{info.Device, info.Inode}); info.Mode.IsRegular() && n.unknown[id] {
			n.keep(id, program{path: full, host: true})
			n.looker.named(n.fs, full, n.looker.self, id)
		}
	}
}

package roots

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/proc"
)

// Bounds of the search in containers. The host's own packages have none.
const (
	maxContainers = 1000
	maxEach       = 10 * time.Second
	maxTotal      = time.Minute
)

// Owners finds the packages that own files of processes, each in the root file
// system that the file is on.
type Owners struct {
	table *Table
	proc  proc.FS
	host  *hostfs.FS
	owner map[*Root]map[string]string // by the path below the root
	known *Known
}

// NewOwners makes a search that wants nothing yet, and searches for nothing that is known;
// nil: nothing is.
func NewOwners(t *Table, p proc.FS, host *hostfs.FS, known *Known) *Owners {
	return &Owners{table: t, proc: p, host: host, owner: map[*Root]map[string]string{}, known: known}
}

// Want asks for the owner of a file of a process, by the path that the kernel tells,
// without " (deleted)". A file that was deleted or replaced has the owner that its
// path has now: the package whose old code still runs.
func (o *Owners) Want(pid int, path string) {
	root, inside := o.table.Place(pid, path)
	if root == nil || !root.Host && root.Container == "" || !isFile(inside) {
		return
	}
	if o.owner[root] == nil {
		o.owner[root] = map[string]string{}
	}
	o.owner[root][inside] = ""
}

// isFile tells a path from the names that the kernel gives to memory which is
// shared, and which it maps like files.
func isFile(path string) bool {
	for _, memory := range []string{"/memfd:", "/SYSV", "/dev/zero", "/[", "/anon_hugepage"} {
		if strings.HasPrefix(path, memory) {
			return false
		}
	}
	return strings.HasPrefix(path, "/")
}

// Of is the owner that Find has found, as packages.Owners tells it; empty: none is
// known.
func (o *Owners) Of(pid int, path string) string {
	root, inside := o.table.Place(pid, path)
	return o.owner[root][inside]
}

// Find searches. host says why the owners of the host's files may not all be known,
// and contained the same of containers; err is ctx's alone.
func (o *Owners) Find(ctx context.Context) (host error, contained []string, err error) {
	if o.owner[o.table.host] != nil {
		if host = o.find(ctx, o.table.host, o.host); ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	var containers []*Root
	for root := range o.owner {
		if !root.Host {
			containers = append(containers, root)
		}
	}
	slices.SortFunc(containers, func(a, b *Root) int { return cmp.Compare(a.PIDs[0], b.PIDs[0]) })
	o.known.forget(containers)
	end := time.Now().Add(maxTotal)
	for i, root := range containers {
		if i == maxContainers || time.Now().After(end) {
			contained = append(contained, fmt.Sprintf("the packages that own the files of %d containers were not looked for", len(containers)-i))
			break
		}
		if err := o.within(ctx, root); ctx.Err() != nil {
			return nil, nil, ctx.Err()
		} else if err != nil {
			contained = append(contained, fmt.Sprintf("the packages that own the files of container %.12s are not known: %v", root.Container, err))
		}
	}
	return host, contained, nil
}

// within searches in a container. One that has ended is no fault: neither are its
// processes there any more.
func (o *Owners) within(ctx context.Context, root *Root) error {
	fs, _, err := root.Open(o.proc)
	if proc.Gone(err) || err == ErrEnded {
		return nil
	} else if err != nil {
		return err
	}
	defer fs.Close()
	limited, cancel := context.WithTimeout(ctx, maxEach)
	defer cancel()
	if err = o.find(limited, root, fs); limited.Err() != nil {
		return fmt.Errorf("they were not found within %s", maxEach)
	}
	return err
}

func (o *Owners) find(ctx context.Context, root *Root, fs *hostfs.FS) error {
	stamp := packages.Stamp(fs)
	known := o.known.of(root, stamp)
	wanted := make([]string, 0, len(o.owner[root]))
	for path := range o.owner[root] {
		if owner, ok := known[path]; ok {
			o.owner[root][path] = owner
		} else {
			wanted = append(wanted, path)
		}
	}
	owners, err := packages.Owners(ctx, fs, wanted)
	for path, owner := range owners {
		o.owner[root][path] = owner
	}
	if err == nil {
		o.known.keep(root, stamp, o.owner[root])
	}
	return err
}

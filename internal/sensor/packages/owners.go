package packages

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Owners tells which package owns each of the wanted paths: absolute ones, of
// executables and mapped libraries as the kernel names them, without symbolic
// links. A path that no package lists is not in the answer. The owner is the
// package's name; for a package of dpkg that can be installed for several
// architectures at once (Multi-Arch: same) it is "name:arch", as in dpkg's own
// output.
//
// The lists of files are streamed past the wanted paths, so memory grows with
// these alone. Where a package lists /lib/x and the host's /lib is a link to
// /usr/lib, that is /usr/lib/x, and the other way round; the same holds for the
// other top folders that are links. dpkg's diversions are followed.
//
// An error that is not ctx's says which databases could not be read; the answer
// then has what the others know, and a path that is missing in it may have an
// owner all the same.
func Owners(ctx context.Context, fs *hostfs.FS, wanted []string) (map[string]string, error) {
	o := newOwners(fs, wanted)
	c := &collection{ctx: ctx, fs: fs, emit: func(telemetry.Record) error { return nil }}
	if len(wanted) > 0 {
		for _, read := range []func(*collection) error{o.readDpkg, o.readRPM, o.readApk, o.readPacman} {
			if err := read(c); err != nil {
				c.problem("lists of files", err)
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	if len(c.problems) > 0 {
		return o.answer(wanted), errors.New(reason(c.problems))
	}
	return o.answer(wanted), nil
}

// owners is a search under way.
type owners struct {
	links map[string]string   // top folders that are links, and where they lead
	owner map[string]string   // by canonical path; "" as long as none is known
	bases map[string]struct{} // last elements of the wanted paths
}

func newOwners(fs *hostfs.FS, wanted []string) *owners {
	o := &owners{links: links(fs), owner: map[string]string{}, bases: map[string]struct{}{}}
	for _, w := range wanted {
		o.owner[o.canonical(w)] = ""
		o.bases[path.Base(w)] = struct{}{}
	}
	return o
}

// links finds out which of the folders that hold programs and libraries are
// links: to their namesakes below /usr, and on some systems sbin to bin and lib64
// to lib.
func links(fs *hostfs.FS) map[string]string {
	links := map[string]string{}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"} {
		for _, folder := range []string{"/" + name, "/usr/" + name} {
			if real, err := fs.Resolve(folder); err == nil && real != folder {
				links[folder] = real
			}
		}
	}
	return links
}

// canonical returns the path that does not lead through one of the links.
func (o *owners) canonical(name string) string {
	if name == "" || name[0] != '/' {
		return name
	}
	end := strings.IndexByte(name[1:], '/') + 1
	if end > 0 && name[:end] == "/usr" {
		end += strings.IndexByte(name[end+1:], '/') + 1
	}
	if real, ok := o.links[name[:max(end, 0)]]; ok {
		return real + name[end:]
	}
	return name
}

// offer takes a path that a package lists. The first package that does is the
// owner.
func (o *owners) offer(pkg, name string) {
	name = o.canonical(name)
	if known, ok := o.owner[name]; ok && known == "" {
		o.owner[name] = pkg
	}
}

// wantedBase tells whether a wanted path ends in that element.
func (o *owners) wantedBase(base []byte) bool {
	_, ok := o.bases[string(base)]
	return ok
}

func (o *owners) answer(wanted []string) map[string]string {
	out := map[string]string{}
	for _, w := range wanted {
		if pkg := o.owner[o.canonical(w)]; pkg != "" {
			out[w] = pkg
		}
	}
	return out
}

// each calls read for each of the names, until the context is over, and makes what
// it returns a problem.
func (c *collection) each(folder string, names []string, read func(name string) error) error {
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := read(name); err != nil && !missing(err) {
			c.problem(folder+"/"+name, fmt.Errorf("its files are not known: %w", err))
		}
	}
	return nil
}

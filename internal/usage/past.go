package usage

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// pasts are what was loaded while a run went on, by the package without architecture,
// and by file.
type pasts struct {
	packages map[string][]pastLoad
	files    map[file][]pastLoad
}

// pastLoad is that a program had a file loaded.
type pastLoad struct {
	by   *Past // of all loads of one record's
	path string
	pkg  string
}

// pastsOf joins the processes that are over to the files that they had mapped, and adds
// what the kernel saw loaded by programs that no longer have it.
func (u *Usage) pastsOf(h *host.Host) pasts {
	all := pasts{map[string][]pastLoad{}, map[file][]pastLoad{}}
	objects := h.SeenObjects().Values
	byID, known := make(map[int]*telemetry.Object, len(objects)), ownersOf(objects)
	for _, o := range objects {
		byID[o.ID] = o
	}
	for _, p := range h.SeenProcesses().Values {
		if !p.Gone || p.Kernel {
			continue
		}
		by := &Past{PID: p.PID, Name: p.Name, Exe: p.Exe, UID: p.UID, First: unix(p.First), Last: unix(p.Last),
			Container: cmp.Or(p.Container, u.spaces[p.MountNS]), Record: telemetry.Key(p)}
		if p.Exe != "" {
			all.add(by, p.Exe, p.Package)
		}
		for _, id := range p.Objects {
			o := byID[id]
			if o == nil || !isFile(o.Path) || o.Path == p.Exe {
				continue
			}
			owner := o.Package
			if owner == "" && by.Container == "" {
				owner = known.of(o)
			}
			all.add(by, o.Path, owner)
		}
	}
	still := u.still()
	for _, l := range h.Loads().Values {
		at := file{cmp.Or(l.Container, u.spaces[l.MountNS]), l.Path}
		if l.Path != "" && !l.Unverified && !still[holding{at, l.By}] {
			all.add(&Past{Name: l.Name, Exe: l.By, UID: l.UID, Count: l.Count, First: unix(l.First), Last: unix(l.Last),
				Container: at.container, Record: telemetry.Key(l)}, l.Path, l.Package)
		}
	}
	return all
}

// holding is that a program has a file loaded.
type holding struct {
	file
	exe string
}

// still are the files that programs have loaded at the end.
func (u *Usage) still() map[holding]bool {
	all := map[holding]bool{}
	for at, loads := range u.files {
		for _, l := range loads {
			all[holding{at, l.process.Exe}] = true
		}
	}
	return all
}

func (x pasts) add(by *Past, path, pkg string) {
	l := pastLoad{by, path, pkg}
	at := file{by.Container, path}
	x.files[at] = append(x.files[at], l)
	if pkg != "" && by.Container == "" {
		bare, _, _ := strings.Cut(pkg, ":")
		x.packages[bare] = append(x.packages[bare], l)
	}
}

// of are a package's, by its name or by that with its architecture.
func (x pasts) of(name string) []Past {
	bare, arch, _ := strings.Cut(name, ":")
	var found []pastLoad
	for _, l := range x.packages[bare] {
		if arch == "" || l.pkg == name || l.pkg == bare {
			found = append(found, l)
		}
	}
	return pastOf(found)
}

// pastOf are loads as an answer has them, each program once.
func pastOf(loads []pastLoad) (all []Past) {
	files := map[*Past][]string{}
	for _, l := range loads {
		files[l.by] = append(files[l.by], l.path)
	}
	for by, paths := range files {
		p := *by
		slices.Sort(paths)
		p.Files = cut(slices.Compact(paths), maxFiles)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Past) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Exe, b.Exe), cmp.Compare(a.PID, b.PID), cmp.Compare(a.Record, b.Record))
	})
	return cut(all, maxProcesses)
}

package usage

import (
	"path"
	"strings"

	"assay/internal/telemetry"
)

// owners are the packages of mapped files, to find those of files of which the agent
// found none: because another version has taken their place, or because the process
// sees them in a mount namespace of its own.
type owners struct {
	byPath map[string]*telemetry.Object
	byStem map[string]string
}

func ownersOf(objects []*telemetry.Object) owners {
	o := owners{map[string]*telemetry.Object{}, map[string]string{}}
	for _, x := range objects {
		if x.Package == "" {
			continue
		}
		if old := o.byPath[x.Path]; old == nil || old.Deleted {
			o.byPath[x.Path] = x
		}
		if s := stem(x.Path); s != "" {
			if other, ok := o.byStem[s]; ok && other != x.Package {
				o.byStem[s] = "" // it does not tell
			} else {
				o.byStem[s] = x.Package
			}
		}
	}
	return o
}

// of is the owner of a file of the host, as far as other files tell. In another mount
// namespace the same path may be another file (snaps), so that it has to be the same
// one, or one that is gone.
func (o owners) of(x *telemetry.Object) string {
	same := o.byPath[x.Path]
	switch {
	case same != nil && (x.Deleted || x.MountNS == 0 || same.Device == x.Device && same.Inode == x.Inode):
		return same.Package
	case same == nil && x.Deleted:
		return o.byStem[stem(x.Path)]
	}
	return ""
}

// stem is a shared library's path without its version, but for the first number: that
// of "libcrypto.so.3.0.7", which an update replaces by "libcrypto.so.3.0.12". Empty if
// it has none.
func stem(name string) string {
	base := path.Base(name)
	at := strings.Index(base, ".so.")
	if at <= 0 {
		return ""
	}
	major, _, _ := strings.Cut(base[at+len(".so."):], ".")
	return path.Dir(name) + "/" + base[:at] + ".so." + major
}

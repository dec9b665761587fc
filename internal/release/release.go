// Package release knows which release of Assay a program is.
package release

import "runtime/debug"

// version is set by the linker (see the Makefile); a plain `go build` leaves it
// empty.
var version string

// Version is the program's version: the release's, or the revision that it was
// built from.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return "dev"
}

package host

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

func (h *Host) addFile(r *telemetry.File) {
	switch r.Sensor {
	case telemetry.SensorWalk:
		h.found = append(h.found, r)
		return
	case telemetry.SensorPrograms:
		h.programFiles[r.Path] = r
		return
	case telemetry.SensorActivity:
		if was := h.programFiles[r.Path]; was == nil || was.Sensor == telemetry.SensorActivity {
			h.programFiles[r.Path] = r // the snapshot's is the newer one
		}
		return
	}
	h.files[r.Path] = r
	h.gaps[telemetry.SensorFiles].add(r.Path, cmp.Or(r.Problem, r.Unlisted))
}

// File is a file's metadata, as lstat(2) finds it: symbolic links on the way are
// followed, the last element is itself. It is absent only where the files sensor's
// scope has the path and the sensor saw all of it.
func (h *Host) File(name string) Answer[*telemetry.File] {
	if _, ok := h.files[name]; !ok {
		if parent := path.Dir(name); parent != name && h.behindLink(parent) {
			return h.fileIn(parent, path.Base(name))
		}
	}
	return h.file(name)
}

// behindLink tells whether a folder's path has a symbolic link.
func (h *Host) behindLink(folder string) bool {
	for ; folder != "/" && folder != "."; folder = path.Dir(folder) {
		if f, ok := h.files[folder]; ok && f.Kind == telemetry.Symlink {
			return true
		}
	}
	return false
}

func (h *Host) fileIn(folder, name string) Answer[*telemetry.File] {
	at := h.Resolve(folder)
	switch at.Presence {
	case Absent:
		return absent[*telemetry.File]()
	case NotCollected:
		return notCollected[*telemetry.File](at.Reason)
	}
	return h.file(path.Join(at.Value, name))
}

// file answers for a path of which only the last element may be a link.
func (h *Host) file(name string) Answer[*telemetry.File] {
	f, ok := h.files[name]
	if ok && f.Problem == "" {
		return present(f)
	}
	if ok {
		return notCollected[*telemetry.File](fmt.Sprintf("%s could not be looked at: %s", name, f.Problem))
	}
	return missing[*telemetry.File](h, telemetry.SensorFiles, name)
}

// Files are the files whose paths match the pattern, sorted by path; those that
// could not be looked at are left out and make the answer incomplete.
func (h *Host) Files(pattern string) All[*telemetry.File] {
	all := All[*telemetry.File]{}
	all.Complete, all.Reason = h.complete(telemetry.SensorFiles, pattern)
	begin := literal(pattern)
	for name, f := range h.files {
		if f.Problem == "" && strings.HasPrefix(name, begin) && telemetry.Match(pattern, name) {
			all.Values = append(all.Values, f)
		}
	}
	slices.SortFunc(all.Values, func(a, b *telemetry.File) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// Exceptions are the files of all local file systems that a walk found to be
// setuid, setgid, world-writable, unowned, ...: see their Found.
func (h *Host) Exceptions() All[*telemetry.File] {
	return all(h, telemetry.SensorWalk, "", h.found)
}

// complete tells whether a sensor saw everything that a pattern matches.
func (h *Host) complete(sensor, pattern string) (ok bool, reason string) {
	c := h.Coverage(sensor)
	if c.State != telemetry.Complete {
		return false, why(sensor, c.Part(""))
	}
	if !telemetry.Within(c.Scope, pattern) {
		return false, fmt.Sprintf("%s is outside the scope of the sensor %q", pattern, sensor)
	}
	if gap, ok := h.gaps[sensor].within(pattern); ok {
		return false, gap
	}
	return true, ""
}

// missing tells an absence from a gap for a path that no record names.
func missing[T any](h *Host, sensor, name string) Answer[T] {
	if len(name) > maxPath {
		return notCollected[T](fmt.Sprintf("%.40s... is longer than a path may be", name))
	}
	c := h.Coverage(sensor)
	if c.State != telemetry.Complete {
		return notCollected[T](why(sensor, c.Part("")))
	}
	if gap, ok := h.gaps[sensor].above(name); ok {
		return notCollected[T](gap)
	}
	if !telemetry.InScope(c.Scope, name) {
		return notCollected[T](fmt.Sprintf("%s is outside the scope of the sensor %q", name, sensor))
	}
	return absent[T]()
}

// maxPath is how long a path may be in the kernel, in bytes (PATH_MAX). Longer ones
// would be compared with a scope for long.
const maxPath = 4096

// maxLinks is how many symbolic links a path may lead through, as in the kernel.
const maxLinks = 40

// Resolve follows the symbolic links of a path as far as the files sensor's
// records tell. The answer is the path without links.
func (h *Host) Resolve(name string) Answer[string] {
	rest := elements(path.Clean("/" + name))
	at := "/"
	for links := 0; len(rest) > 0; {
		step := path.Join(at, rest[0])
		f := h.file(step)
		switch {
		case f.Presence == Absent || !f.OK() && h.nothingAt(step, rest[1:]):
			return absent[string]()
		case !f.OK():
			return notCollected[string](f.Reason)
		case f.Value.Kind != telemetry.Symlink:
			at, rest = step, rest[1:]
			continue
		}
		if links++; links > maxLinks || len(f.Value.Target) > 4*maxPath {
			return notCollected[string](fmt.Sprintf("%s leads through more than %d symbolic links, or one that is too long", name, maxLinks))
		}
		target := f.Value.Target
		if path.IsAbs(target) {
			at = "/"
		}
		// The elements are walked one by one: ".." after a link means the
		// parent of where the link leads.
		rest = append(elements(target), rest[1:]...)
	}
	return present(at)
}

// nothingAt tells whether a path is absent although the scope does not name the
// folder that it is in by itself: every file of the scope is there or absent, and
// this one has no record, whatever its folders are.
func (h *Host) nothingAt(step string, rest []string) bool {
	if _, ok := h.files[step]; ok || len(rest) == 0 || slices.Contains(rest, "..") {
		return false
	}
	name := path.Join(step, path.Join(rest...))
	if _, ok := h.files[name]; ok {
		return false
	}
	return missing[string](h, telemetry.SensorFiles, name).Presence == Absent
}

func elements(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}

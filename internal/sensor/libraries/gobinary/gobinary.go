// Package gobinary reads what a Go program was built of, out of the program: its
// own module, those it depends on, and the release of Go. Settings of the build,
// which may hold anything, are not looked at.
package gobinary

import (
	"debug/buildinfo"
	"errors"
	"io"
	"regexp"
	"runtime/debug"
	"strings"

	"assay/internal/telemetry"
)

// Section is the ELF section that only Go programs have.
const Section = ".go.buildinfo"

// maxRead bounds the bytes that are read of one program. The information of the
// largest has some hundred kilobytes, and what leads to it a few.
const maxRead = 8 << 20

const ecosystem = "Go"

var (
	// ErrNotGo says that a program was not built by Go, or that its format is
	// not known: it may be damaged.
	ErrNotGo = errors.New("it is no Go program, or a damaged one")

	// ErrMuch says that more would have to be read than any program of Go has.
	ErrMuch = errors.New("its build information, or what leads to it, is larger than any")

	errDamaged = errors.New("its build information is damaged")
)

// Read adds the modules of a program: ELF, PE or Mach-O.
func Read(r io.ReaderAt, add func(telemetry.Library) error) error {
	limited := &limited{r: r, left: maxRead}
	info, err := buildinfo.Read(limited)
	switch {
	case limited.failed != nil:
		return limited.failed
	case err != nil && (strings.Contains(err.Error(), "not a Go executable") || strings.Contains(err.Error(), "unrecognized file format")):
		return ErrNotGo
	case err != nil:
		return errDamaged // buildinfo's error may quote it
	}
	return modules(info, add)
}

func modules(info *debug.BuildInfo, add func(telemetry.Library) error) error {
	release := Release(info.GoVersion)
	all := []telemetry.Library{{Name: "stdlib", Version: release}}
	if info.Path == "cmd" || strings.HasPrefix(info.Path, "cmd/") {
		// Go's own commands, whose flaws are published under this name.
		all = append(all, telemetry.Library{Name: "toolchain", Version: release})
	} else if info.Main.Path != "" {
		main := module(&info.Main)
		main.Main = true
		all = append(all, main)
	}
	for _, m := range info.Deps {
		all = append(all, module(m))
	}
	for _, l := range all {
		l.Ecosystem = ecosystem
		if err := add(l); err != nil {
			return err
		}
	}
	return nil
}

// module is what was built. A replacement by a folder has no version of its own:
// it is known by the name that it stands for.
func module(m *debug.Module) telemetry.Library {
	if r := m.Replace; r != nil && local(r.Path) {
		m = &debug.Module{Path: m.Path, Version: r.Version}
	} else if r != nil {
		m = r
	}
	version := m.Version
	if version == "" {
		version = "(devel)"
	}
	return telemetry.Library{Name: m.Path, Version: version}
}

func local(path string) bool {
	return path == "." || path == ".." || strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || strings.HasPrefix(path, "/") ||
		len(path) > 2 && path[1] == ':' // of Windows
}

var preRelease = regexp.MustCompile(`^(\d+\.\d+)(\.\d+)?(rc|beta)(\d+)`)

// Release is a release of Go as advisories have it: "1.22.1" for "go1.22.1
// X:nocoverage", "1.22.0-rc.1" for "go1.22rc1".
func Release(version string) string {
	words := strings.Fields(version)
	if len(words) > 1 && words[0] == "devel" {
		words = words[1:]
	}
	if len(words) == 0 {
		return version
	}
	release := strings.TrimPrefix(words[0], "go")
	if m := preRelease.FindStringSubmatch(release); m != nil {
		patch := m[2]
		if patch == "" {
			patch = ".0"
		}
		return m[1] + patch + "-" + m[3] + "." + m[4]
	}
	return release
}

// limited stops reading after so many bytes, and keeps the error of reading apart
// from what is made of it.
type limited struct {
	r      io.ReaderAt
	left   int64
	failed error
}

func (l *limited) ReadAt(p []byte, off int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		l.failed = ErrMuch
		return 0, ErrMuch
	}
	n, err := l.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		l.failed = err
	}
	return n, err
}

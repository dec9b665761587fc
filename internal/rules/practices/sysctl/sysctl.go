// Package sysctl tells which value of a kernel parameter a host's configuration
// sets at boot: sysctl.d(5) as systemd-sysctl applies it, and sysctl(8) --system
// with /etc/sysctl.conf where there is no systemd. It reads no host by itself.
package sysctl

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Folders hold drop-ins, named *.conf. A file in an earlier one hides those of
// the same name in later ones; an empty file, or a link to /dev/null, too.
var Folders = []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// Conf is read last by sysctl --system; systemd-sysctl does not read it, but
// where a distribution links to it from sysctl.d.
const Conf = "/etc/sysctl.conf"

// File is a configuration file.
type File struct{ Path, Text string }

// Order sorts files into the order in which they are applied, and drops those
// that are hidden. Conf stays only if it is to be read.
func Order(files []File, readConf bool) []File {
	byName := map[string]File{}
	var conf []File
	for _, f := range files {
		if f.Path == Conf {
			conf = append(conf, f)
			continue
		}
		name := path.Base(f.Path)
		if before, ok := byName[name]; !ok || rank(f.Path) < rank(before.Path) {
			byName[name] = f
		}
	}
	var all []File
	for _, f := range byName {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(path.Base(a.Path), path.Base(b.Path)) })
	if readConf {
		all = append(all, conf...)
	}
	return all
}

func rank(file string) int {
	if i := slices.Index(Folders, path.Dir(file)); i >= 0 {
		return i
	}
	return len(Folders)
}

// Entry is a line that sets a parameter.
type Entry struct {
	File, Text, Value string
	Line              int
}

// Lookup finds the value that is set in the end by files in their order. A line
// that names the parameter counts before one whose pattern matches it, and
// "-name" without a value takes the parameter out of all patterns.
func Lookup(files []File, name string) (Entry, bool) {
	var exact, pattern Entry
	var isExact, isPattern, excluded bool
	for _, f := range files {
		number := 0
		for line := range strings.Lines(f.Text) {
			number++
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			key, value, assigned := strings.Cut(line, "=")
			key = strings.TrimSpace(key)
			bare, dash := strings.CutPrefix(key, "-")
			bare = normal(strings.TrimSpace(bare))
			e := Entry{File: f.Path, Text: line, Value: strings.TrimSpace(value), Line: number}
			switch {
			case !assigned:
				excluded = excluded || dash && bare == name
			case bare == name:
				exact, isExact = e, true
			case strings.ContainsAny(bare, "*?[") && match(bare, name):
				pattern, isPattern = e, true
			}
		}
	}
	if isExact {
		return exact, true
	}
	return pattern, isPattern && !excluded
}

// normal writes a name with dots: where the first separator is a slash, slashes
// separate, and dots are part of names.
func normal(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '.' {
		return name
	}
	return strings.NewReplacer("/", ".", ".", "/").Replace(name)
}

// match is a glob over the parameter's path, in which "*" stops at a separator.
func match(pattern, name string) bool {
	swap := strings.NewReplacer("/", ".", ".", "/")
	ok, err := path.Match(swap.Replace(pattern), swap.Replace(name))
	return ok && err == nil
}

package pam

import (
	"errors"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// files is a host's configuration by path; modules that are not in missing are
// there.
type files struct {
	texts   map[string]string
	missing []string
}

func etc(texts map[string]string) files {
	f := files{texts: map[string]string{}}
	for name, text := range texts {
		f.texts["/etc/"+name] = text
	}
	return f
}

func (f files) Text(path string) (string, bool, error) {
	text, ok := f.texts[path]
	if text == "<not collected>" {
		return "", false, errors.New("not collected")
	}
	return text, ok, nil
}

func (f files) Names(pattern string) ([]string, error) {
	var names []string
	for name := range f.texts {
		if telemetry.Match(pattern, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f files) Folder(path string) (bool, error) {
	for name := range f.texts {
		if strings.HasPrefix(name, path+"/") {
			return true, nil
		}
	}
	return false, nil
}

func (f files) Module(name string) (bool, error) {
	return !slices.Contains(f.missing, name) && name != "pam_nowhere.so", nil
}

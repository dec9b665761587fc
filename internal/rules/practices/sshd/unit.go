package sshd

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// fromUnits are the command lines of the units of systemd; none if there is no
// unit.
func fromUnits(h *host.Host) ([][]placed, error) {
	var all [][]placed
	for _, name := range unitNames {
		u, err := readUnit(h, name)
		if err != nil {
			return nil, err
		}
		for _, start := range u.starts {
			words, err := u.expand(h, start)
			if err != nil {
				return nil, err
			}
			if len(words) > 0 && strings.HasPrefix(path.Base(words[0].word), "sshd") {
				all = append(all, words[1:])
			}
		}
	}
	return all, nil
}

// unit is what counts of a unit and its drop-ins.
type unit struct {
	starts      []placed // ExecStart
	environment []placed // Environment: NAME=VALUE
	files       []placed // EnvironmentFile
}

func readUnit(h *host.Host, name string) (unit, error) {
	var u unit
	main, err := firstText(h, name)
	if err != nil || main == nil {
		return u, err
	}
	dropIns, err := dropIns(h, name)
	if err != nil {
		return u, err
	}
	for _, t := range append([]*telemetry.Text{main}, dropIns...) {
		u.read(t)
	}
	return u, nil
}

// folders are systemd's of this host.
func folders(h *host.Host) []string {
	if linkTo(h, "/lib") != "" {
		return unitFolders[:len(unitFolders)-1]
	}
	return unitFolders
}

func linkTo(h *host.Host, name string) string {
	if f := h.File(name); f.OK() && f.Value.Kind == telemetry.Symlink {
		return f.Value.Target
	}
	return ""
}

func firstText(h *host.Host, name string) (*telemetry.Text, error) {
	for _, folder := range folders(h) {
		file := folder + "/" + name
		t := h.Text(file)
		if t.OK() && t.Value.Resolved == "/dev/null" {
			return nil, nil // masked, see systemctl(1): what other folders have does not count
		}
		if t.OK() {
			return t.Value, nil
		}
		if t.Presence == host.Absent {
			continue
		}
		if linkTo(h, file) == "/dev/null" {
			return nil, nil // masked
		}
		return nil, &Gap{t.Reason}
	}
	return nil, nil
}

// dropIns are a unit's, in the order in which they count; of several with the
// same name only the first folder's does.
func dropIns(h *host.Host, name string) ([]*telemetry.Text, error) {
	byName := map[string]*telemetry.Text{}
	for _, folder := range folders(h) {
		found := h.Texts(folder + "/" + name + ".d/*.conf")
		if !found.Complete {
			return nil, &Gap{fmt.Sprintf("whether there are drop-ins of %s in %s is not known: %s", name, folder, found.Reason)}
		}
		for _, t := range found.Values {
			if base := path.Base(t.Path); byName[base] == nil {
				byName[base] = t
			}
		}
	}
	texts := make([]*telemetry.Text, 0, len(byName))
	for _, t := range byName {
		texts = append(texts, t)
	}
	slices.SortFunc(texts, func(a, b *telemetry.Text) int { return cmp.Compare(path.Base(a.Path), path.Base(b.Path)) })
	return texts, nil
}

// read adds the lines of a file; an empty value takes back what was before.
func (u *unit) read(t *telemetry.Text) {
	at := Place{File: t.Path, Record: telemetry.Key(t)}
	section, joined := "", ""
	for line := range strings.SplitSeq(t.Text, "\n") {
		at.Line++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if head, goesOn := strings.CutSuffix(line, `\`); goesOn {
			joined += head + " "
			continue
		}
		line, joined = joined+line, ""
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, found := strings.Cut(line, "=")
		if found && section == "[Service]" {
			u.set(strings.TrimSpace(key), strings.TrimSpace(value), at)
		}
	}
}

func (u *unit) set(key, value string, at Place) {
	into := map[string]*[]placed{"ExecStart": &u.starts, "Environment": &u.environment, "EnvironmentFile": &u.files}[key]
	switch {
	case into == nil:
	case value == "":
		*into = nil
	case key == "Environment":
		for _, word := range shellWords(value) {
			*into = append(*into, placed{word, at})
		}
	default:
		*into = append(*into, placed{value, at})
	}
}

// expand splits an ExecStart into words and replaces its variables: "$NAME"
// alone by any number of words, "${NAME}" in place (systemd.service(5)).
func (u *unit) expand(h *host.Host, start placed) ([]placed, error) {
	values := map[string]placed{}
	if strings.Contains(start.word, "$") {
		var err error
		if values, err = u.values(h); err != nil {
			return nil, err
		}
	}
	var words []placed
	for _, word := range shellWords(strings.TrimLeft(start.word, "@-:+!|")) {
		name, whole := strings.CutPrefix(word, "$")
		if whole && !strings.HasPrefix(name, "{") {
			v := values[name]
			for _, w := range shellWords(v.word) {
				words = append(words, placed{w, v.Place})
			}
			continue
		}
		at := start.Place
		for name, v := range values {
			if replaced := strings.ReplaceAll(word, "${"+name+"}", v.word); replaced != word {
				word, at = replaced, v.Place
			}
		}
		words = append(words, placed{word, at})
	}
	return words, nil
}

func (u *unit) values(h *host.Host) (map[string]placed, error) {
	values := map[string]placed{}
	for _, e := range u.environment {
		name, value, _ := strings.Cut(e.word, "=")
		values[name] = placed{value, e.Place}
	}
	for _, f := range u.files {
		t := h.Text(strings.TrimPrefix(f.word, "-"))
		if t.Presence == host.NotCollected {
			return nil, &Gap{t.Reason}
		}
		if t.OK() {
			assignmentsOf(t.Value, values)
		}
	}
	return values, nil
}

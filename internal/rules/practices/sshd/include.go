package sshd

import (
	"fmt"
	"path"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// include reads the files that an Include line names.
func (p *parser) include(n *node, st *state, level int) error {
	if len(n.setting.Args) == 0 {
		return &Refused{n.setting.Place, "include missing filename argument"}
	}
	for _, pattern := range n.setting.Args {
		if pattern == "" {
			return &Refused{n.setting.Place, "keyword include empty argument"}
		}
		if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "~") {
			pattern = "/etc/ssh/" + pattern
		}
		if p.globs++; p.globs > maxGlobs {
			return &Gap{fmt.Sprintf("the configuration has more than %d Include patterns, over all its files", maxGlobs)}
		}
		if len(pattern) > maxPath {
			return &Gap{fmt.Sprintf("an Include pattern is longer than %d bytes", maxPath)}
		}
		texts, err := p.glob(pattern)
		if err != nil {
			return err
		}
		for _, t := range texts {
			inner := st.inside()
			nodes, err := p.file(t, &inner, level+1)
			if err != nil {
				return err
			}
			n.includes = append(n.includes, nodes)
		}
	}
	return nil
}

// glob finds files as glob(3) does: in order of their names, hidden ones only
// where the pattern says so, and none at all being fine.
func (p *parser) glob(pattern string) ([]*telemetry.Text, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		answer := p.files.Text(path.Clean(pattern))
		if answer.Presence == host.NotCollected {
			return nil, &Gap{answer.Reason}
		}
		if !answer.OK() {
			return nil, nil
		}
		return []*telemetry.Text{answer.Value}, nil
	}
	found := p.files.Texts(widen(path.Clean(pattern)))
	if !found.Complete {
		return nil, &Gap{fmt.Sprintf("whether there are other files %s is not known: %s", pattern, found.Reason)}
	}
	var texts []*telemetry.Text
	for _, t := range found.Values {
		if p.compared += len(pattern) * len(t.Path); p.compared > maxCompared {
			return nil, &Gap{"the Include patterns match more files than can be gone through"}
		}
		if globMatch(path.Clean(pattern), t.Path) {
			texts = append(texts, t)
		}
	}
	return texts, nil
}

// widen makes of a pattern of glob(3) one of the telemetry's that matches at
// least as much, and that a scope can be compared with.
func widen(pattern string) string {
	elements := strings.Split(pattern, "/")
	for i, e := range elements {
		if strings.ContainsAny(e, `?[\`) {
			elements[i] = "*"
		}
	}
	return strings.Join(elements, "/")
}

func globMatch(pattern, name string) bool {
	patterns, names := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(patterns) != len(names) {
		return false
	}
	for i, p := range patterns {
		if strings.HasPrefix(names[i], ".") && !strings.HasPrefix(p, ".") {
			return false
		}
		// glob(3) negates a set with "!", package path with "^".
		if ok, err := path.Match(strings.ReplaceAll(p, "[!", "[^"), names[i]); !ok || err != nil {
			return false
		}
	}
	return true
}

package host

import (
	"fmt"
	"path"

	"assay/internal/telemetry"
)

// gaps are the paths of a sensor that could not be read, with the reason. Below
// each of them there may be anything.
type gaps map[string]string

func (g gaps) add(name, why string) {
	if why != "" {
		g[name] = why
	}
}

// above is the gap that a path is below, if there is one.
func (g gaps) above(name string) (why string, ok bool) {
	for len(g) > 0 && name != "/" && name != "." {
		name = path.Dir(name)
		if problem, ok := g[name]; ok {
			return fmt.Sprintf("%s could not be read: %s", name, problem), true
		}
	}
	return "", false
}

// within is a gap in which there may be something that a pattern matches. Of
// several it is the first by name, so that the answer is always the same.
func (g gaps) within(pattern string) (why string, ok bool) {
	first := ""
	for name := range g {
		if (first == "" || name < first) && (telemetry.Match(pattern, name) || telemetry.MayHold(pattern, name)) {
			first = name
		}
	}
	if first == "" {
		return "", false
	}
	return fmt.Sprintf("%s could not be read: %s", first, g[first]), true
}

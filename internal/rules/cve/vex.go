package cve

import (
	"strings"
	"sync"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/vex"
	"assay/internal/inventory"
	"assay/internal/rules"
)

// overlays keeps the statements of the last set that was used in a form that can be
// asked: a set is used for many hosts.
type overlays struct {
	mu      sync.Mutex
	set     *index.Set
	overlay *vex.Overlay
	err     error
}

func (o *overlays) of(s *index.Set) (*vex.Overlay, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set == s {
		return o.overlay, o.err
	}
	statements, err := s.Statements()
	o.set, o.overlay, o.err = s, &vex.Overlay{}, err
	for _, stated := range statements {
		o.overlay.Add(stated)
	}
	return o.overlay, err
}

// stated is what suppliers say of a vulnerability in an item; nil if nothing is said
// that holds for all of it.
func (e *evaluation) stated(v *vulnerable) *advisory.Statement {
	ids := v.names()
	var said []*advisory.Statement
	for _, c := range v.same {
		said = append(said, e.statedOf(c, ids, v))
	}
	return agreed(said)
}

// statedOf is what is said of one component, by whatever name of the vulnerability: of
// the source package or library, or of its binary packages, whichever is later.
func (e *evaluation) statedOf(c *inventory.Component, ids []string, v *vulnerable) *advisory.Statement {
	within := e.within(c)
	about := func(purl string) (last *advisory.Statement) {
		if purl == "" {
			return nil
		}
		for _, id := range ids {
			s, ok := e.overlay.About(id, v.asRuns(purl), within...)
			if ok && (last == nil || s.Time.After(last.Time) || s.Time.Equal(last.Time) && !dismisses(&s)) {
				last = &s
			}
		}
		return last
	}
	var said []*advisory.Statement
	for _, b := range c.Binaries {
		if v.affects(b.Name) {
			said = append(said, about(b.PURL))
		}
	}
	source, binaries := about(c.PURL), agreed(said)
	if source == nil || binaries != nil && (binaries.Time.After(source.Time) || binaries.Time.Equal(source.Time) && !dismisses(binaries)) {
		return binaries
	}
	return source
}

// asRuns is a package URL without its version where the item is code that runs and is
// not that on disk any more, whose version the package URL has: what is said of that
// version is not said of the one that runs.
func (v *vulnerable) asRuns(purl string) string {
	if !v.runs && !v.old {
		return purl
	}
	name, rest, more := strings.Cut(purl, "?")
	if at := strings.LastIndex(name, "@"); at > strings.LastIndex(name, "/") {
		name = name[:at]
	}
	if more {
		name += "?" + rest
	}
	return name
}

// agreed is the statement that holds for several things of which each has one, or nil.
// What is said to be harmless in some of them is no reason to pass over the others: it
// is as old as the oldest of what is said, and what says otherwise as new as the newest.
func agreed(said []*advisory.Statement) *advisory.Statement {
	var oldest, newest *advisory.Statement
	harmless := len(said) > 0
	for _, s := range said {
		switch {
		case s == nil:
			harmless = false
		case dismisses(s):
			if oldest == nil || s.Time.Before(oldest.Time) {
				oldest = s
			}
		default:
			harmless = false
			if newest == nil || s.Time.After(newest.Time) {
				newest = s
			}
		}
	}
	if harmless {
		return oldest
	}
	return newest
}

// within is what a component is part of, as statements name it: packages of the
// system's vendor of the system. What is said of that is not said of what somebody has
// put beside it.
func (e *evaluation) within(c *inventory.Component) []string {
	s := e.system(c.Container)
	if s.CPE == "" || c.Kind != inventory.Package || e.isForeign(c) {
		return nil
	}
	return []string{s.CPE}
}

// names are the ids by which statements may be about a vulnerability.
func (v *vulnerable) names() []string {
	names := []string{v.ID}
	for _, m := range v.Matches {
		if len(m.Advisory.CVEs) <= 1 && m.Advisory.ID != v.ID {
			names = append(names, m.Advisory.ID)
		}
	}
	return names
}

// dismisses tells whether a statement says that there is nothing to mend. That
// something is fixed counts only for the version that is said to be: what leaves the
// version open would be said of those before, too.
func dismisses(s *advisory.Statement) bool {
	switch s.Status {
	case advisory.StatedNotAffected:
		return true
	case advisory.StatedFixed:
		about := s.Product
		if s.Component != "" {
			about = s.Component
		}
		name, _, _ := strings.Cut(about, "?")
		return strings.Contains(name[strings.LastIndex(name, "/")+1:], "@")
	}
	return false
}

// suppression is a statement as the reason why a result is no finding.
func suppression(s *advisory.Statement) *rules.Suppression {
	parts := []string{strings.ReplaceAll(string(s.Status), "_", " ")}
	for _, text := range []string{s.Justification, s.Impact} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return &rules.Suppression{By: "vex", ID: s.Source, Author: s.Author, Reason: strings.Join(parts, ": ")}
}

package groundtruth

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/telemetry"
)

// transcript is all that was said of the stage, in words that are the same each time:
// coverage, what was counted, findings, and what could not be told in full.
func (s *stage) transcript(records []telemetry.Record) string {
	s.t.Helper()
	h := s.asHost(records)
	var lines []string
	lines = append(lines, s.coverage(h)...)
	lines = append(lines, s.counted(h)...)
	lines = append(lines, s.findings(h)...)
	for i, line := range lines {
		lines[i] = s.constant(line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// coverage says of each part of the observation how far it was complete.
func (s *stage) coverage(h *host.Host) (lines []string) {
	c := h.Coverage(telemetry.SensorActivity)
	for _, o := range h.Observations().Values {
		lines = append(lines, "observed by "+strings.TrimSuffix(strings.TrimSuffix(o.Tier, "/direct"), "/core"))
	}
	lines = append(lines, fmt.Sprintf("coverage: %s", c.State))
	for _, p := range c.Parts {
		if p.Reason != "" {
			s.t.Logf("%s: %s", p.Name, p.Reason)
		}
		lines = append(lines, fmt.Sprintf("coverage of %s: %s", p.Name, p.State))
	}
	return lines
}

// counted are the records about the stage's programs and namespaces.
func (s *stage) counted(h *host.Host) (lines []string) {
	sums := map[string]uint64{} // of executions by whomever, as not every way tells by whom
	for _, e := range h.Executions().Values {
		if s.owns(e.Path) && e.Path != s.path("probe") || e.Path == s.inside() {
			lines = append(lines, fmt.Sprintf("executed %s (%s): %d times by %s", s.whose(e.Container, e.Path), e.Name, e.Count, user(e.UID)))
			s.within(h, e.Path, e.First, e.Last)
			sums[e.Path] += e.Count
		}
	}
	for path, sum := range sums {
		lines = append(lines, fmt.Sprintf("executed in all %s: %d times", path, sum))
	}
	for _, c := range h.Connections().Values {
		if at := s.place(c.NetNS); at != "" {
			lines = append(lines, fmt.Sprintf("connected %s %s (%s) -> %s %d: %d times by %s, local %t, package %q", at, s.whose(c.Container, c.Path), c.Name, c.Remote, c.Port, c.Count, user(c.UID), c.Local, c.Package))
			s.within(h, c.Path, c.First, c.Last)
		}
	}
	for _, a := range h.Accepting().Values {
		if at := s.place(a.NetNS); at != "" {
			lines = append(lines, fmt.Sprintf("accepted %s IPv%d %d: %d times, %d from elsewhere, %d times listened", at, a.Family, a.Port, a.Count, a.Foreign, a.Listens))
		}
	}
	slices.Sort(lines)
	return lines
}

// within has the first and the last time lie within the observation, or not long before:
// what counts does so a moment before all of it is ready.
func (s *stage) within(h *host.Host, what string, first, last time.Time) {
	for _, o := range h.Observations().Values {
		if first.Before(o.Began.Add(-time.Second)) || last.Before(first) || last.After(o.Ended.Add(time.Second)) {
			s.t.Errorf("%s: from %s to %s, observed from %s to %s", what, first, last, o.Began, o.Ended)
		}
	}
}

func (s *stage) place(id uint64) string {
	for _, p := range []*place{s.here, s.there} {
		if p.id == id {
			return p.name
		}
	}
	return ""
}

func (s *stage) owns(path string) bool {
	in, err := filepath.Rel(s.dir, path)
	return err == nil && filepath.IsLocal(in)
}

// holds tells whether a container is the stage's.
func (s *stage) holds(container string) bool { return container != "" && container == s.container }

func user(uid uint32) string {
	if uid == math.MaxUint32 {
		return "somebody"
	}
	return fmt.Sprintf("uid %d", uid)
}

func (s *stage) whose(container, path string) string {
	if s.holds(container) {
		return "contained:" + path
	}
	return path
}

// findings are those about the stage, and what the package could not tell in full.
func (s *stage) findings(h *host.Host) (lines []string) {
	results, err := behavior.Package{}.Evaluate(s.t.Context(), h, rules.Input{})
	must(s.t, err)
	found, _ := rules.Derive(behavior.Package{}.Describe(), rules.Subject{
		Key: []byte("k"), Now: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), Agent: inspector.Asset{Agent: "i-0123456789abcdef0"},
	}, results)
	about := s.about(h)
	for _, f := range found {
		if !strings.Contains(f.Subject, s.dir) && !slices.ContainsFunc(f.Evidence, func(e rules.Evidence) bool { return about[e.Record] }) {
			continue
		}
		said, _, _ := strings.Cut(f.Description, "\n\n")
		lines = append(lines, fmt.Sprintf("%s %s: %s\n  %s", f.Severity, f.Rule, f.Subject, said))
		for _, e := range f.Evidence {
			lines = append(lines, "  - "+e.Found)
		}
	}
	for _, r := range results {
		// Of what else could not be looked at the stage is no cause: this machine is.
		if r.Verdict == rules.NotEvaluated && strings.Contains(r.Reason, fmt.Sprintf("%q", telemetry.SensorActivity)) {
			lines = append(lines, "not in full: "+r.Rule)
		}
	}
	return lines
}

// about are the keys of the records about the stage. A socket's does not tell network
// namespaces apart; but the stage's listeners are its own programs, which findings name.
func (s *stage) about(h *host.Host) map[string]bool {
	keys := map[string]bool{}
	for _, c := range h.Connections().Values {
		keys[telemetry.Key(c)] = s.place(c.NetNS) != ""
	}
	for _, p := range h.Programs().Values {
		keys[telemetry.Key(p)] = s.owns(p.Path) || p.Path == s.inside()
	}
	for _, p := range h.Processes().Values {
		keys[telemetry.Key(p)] = s.owns(p.Exe) || p.Exe == s.inside()
	}
	return keys
}

var (
	when     = regexp.MustCompile(`(at|from) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d( to \d{4}-\d\d-\d\d \d\d:\d\d:\d\d)? UTC`)
	process  = regexp.MustCompile(`process \d+`)
	observed = regexp.MustCompile(`: \d+ programs executed, \d+ connections made, \d+ accepted`)
	everyone = regexp.MustCompile(`everyone \([^)]*\)`) // with the names of this machine's accounts
)

// constant replaces what differs each time.
func (s *stage) constant(line string) string {
	line = strings.ReplaceAll(line, s.dir, "$STAGE")
	line = strings.ReplaceAll(line, s.inside(), "/inside")
	line = when.ReplaceAllString(line, "WHEN")
	line = observed.ReplaceAllString(line, "")
	line = everyone.ReplaceAllString(line, "everyone (all)")
	return process.ReplaceAllString(line, "process N")
}

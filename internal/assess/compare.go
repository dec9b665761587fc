package assess

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/rules"
)

// A comparison tells what became of findings between two runs. It goes host by host,
// over the results that both runs have kept, so that it needs the memory of one host
// however many findings the runs have.

// Change is what became of a finding.
type Change string

// The changes.
const (
	ChangeNew        Change = "new"         // it is there, and was not a finding before
	ChangeOpen       Change = "still open"  // it is there, as before
	ChangeFixed      Change = "fixed"       // its rule was evaluated completely, and does not fail any more
	ChangeSuppressed Change = "suppressed"  // it would be there, but is suppressed, or hidden for a reason that the rule gives
	ChangeUnchecked  Change = "not checked" // it was there, and nobody can tell whether it is
)

// Presence is what a run says about a finding.
type Presence string

// The presences.
const (
	PresentOpen       Presence = "open"
	PresentSuppressed Presence = "suppressed"
	Absent            Presence = "absent"      // its rule was evaluated completely
	NotChecked        Presence = "not checked" // the host, the package or the rule was not
)

// FindingChange is a finding in a comparison.
type FindingChange struct {
	rules.Observed // as the later run that has it saw it
	Change         Change
	Before         Presence
	Reason         string // of ChangeUnchecked, and of ChangeSuppressed where it is hidden
	Life           ledger.Life
}

// HostChanges is what became of the findings of a rules package on a host.
type HostChanges struct {
	Agent   string
	Package inspector.PackageID
	Changes []FindingChange // by id
}

// Compare compares two runs, a page of hosts by their agents' ids. Hosts on which
// there is nothing to tell are left out. A page has at least one host; it ends early
// where there are many changes.
func (s *Service) Compare(ctx context.Context, before, after inspector.Run, p inspector.Page) (all []HostChanges, next string, err error) {
	agents, next, err := s.agentsOfBoth(ctx, before.ID, after.ID, p)
	if err != nil {
		return nil, "", err
	}
	n := 0
	for i, agent := range agents {
		for _, pkg := range inspector.Packages() {
			changes, err := s.compareOn(ctx, before, after, agent, pkg)
			if err != nil {
				return nil, "", err
			}
			if n += len(changes); len(changes) > 0 {
				all = append(all, HostChanges{agent, pkg, changes})
			}
		}
		if n >= manyChanges && i+1 < len(agents) {
			return all, agent, nil
		}
	}
	return all, next, nil
}

// manyChanges is after how many a page ends.
const manyChanges = 5000

// agentsOfBoth merges the agents of two runs, both in order, into a page.
func (s *Service) agentsOfBoth(ctx context.Context, before, after string, p inspector.Page) (agents []string, next string, err error) {
	more := false
	for _, run := range []string{before, after} {
		parts, next, err := s.Store.RunAgents(ctx, run, inspector.RunAgentFilter{}, p)
		if err != nil {
			return nil, "", err
		}
		more = more || next != ""
		for _, part := range parts {
			agents = append(agents, part.Agent)
		}
	}
	slices.Sort(agents)
	agents = slices.Compact(agents)
	if len(agents) > p.Limit {
		agents, more = agents[:p.Limit], true
	}
	if more {
		next = agents[len(agents)-1]
	}
	return agents, next, nil
}

// view is what a run says about the findings of a package on a host.
type view struct {
	evaluated bool
	found     map[string]rules.Observed
	hidden    map[string]rules.Concealed
	checked   map[string]bool
	unchecked map[string]string
}

// viewOf reads a view from what was kept of an evaluation.
func (s *Service) viewOf(ctx context.Context, run inspector.Run, agent string, pkg inspector.PackageID) (view, error) {
	v := view{found: map[string]rules.Observed{}, checked: map[string]bool{}}
	data, ok, err := s.Store.Results(ctx, run.ID, agent, pkg)
	if err != nil || !ok {
		return v, err
	}
	kept, err := DecodeResults(data)
	if err != nil {
		return v, err
	}
	d := rules.Description{ID: pkg}
	if p := s.packages[pkg]; p != nil {
		d = p.Describe()
	}
	o := rules.Observe(d, s.subject(run, inspector.Agent{ID: agent}, ""), kept.Results)
	v.evaluated, v.unchecked, v.hidden = true, o.Unchecked, o.Hidden
	for _, f := range o.Failed {
		v.found[f.ID] = f
	}
	for _, rule := range o.Checked {
		v.checked[rule] = true
	}
	return v, nil
}

func (s *Service) compareOn(ctx context.Context, before, after inspector.Run, agent string, pkg inspector.PackageID) ([]FindingChange, error) {
	was, err := s.viewOf(ctx, before, agent, pkg)
	if err != nil {
		return nil, err
	}
	is, err := s.viewOf(ctx, after, agent, pkg)
	if err != nil {
		return nil, err
	}
	if len(was.found)+len(is.found) == 0 {
		return nil, nil
	}
	lives, err := s.Store.Ledger(ctx, agent, pkg)
	if err != nil {
		return nil, err
	}
	var changes []FindingChange
	for _, f := range is.found {
		changes = append(changes, changeOf(f, was, is))
	}
	for id, f := range was.found {
		if _, both := is.found[id]; !both {
			changes = append(changes, changeOf(f, was, is))
		}
	}
	for i := range changes {
		changes[i].Life, _ = lives.Of(changes[i].ID)
	}
	slices.SortFunc(changes, func(a, b FindingChange) int { return strings.Compare(a.ID, b.ID) })
	return changes, nil
}

// changeOf tells what became of a finding that one of two views has at least.
func changeOf(f rules.Observed, was, is view) FindingChange {
	c := FindingChange{Observed: f, Before: was.presence(f)}
	switch now := is.presence(f); {
	case now == PresentSuppressed:
		c.Change, c.Reason = ChangeSuppressed, is.hidden[f.ID].Reason
	case now == PresentOpen && c.Before == PresentOpen:
		c.Change = ChangeOpen
	case now == PresentOpen:
		c.Change = ChangeNew
	case now == Absent:
		c.Change = ChangeFixed
	default:
		c.Change, c.Reason = ChangeUnchecked, is.why(f.Result.Rule)
	}
	return c
}

func (v view) presence(f rules.Observed) Presence {
	there, ok := v.found[f.ID]
	_, hidden := v.hidden[f.ID]
	switch {
	case ok && there.Result.Suppressed != nil:
		return PresentSuppressed
	case ok:
		return PresentOpen
	case hidden:
		return PresentSuppressed
	case v.checked[f.Result.Rule]:
		return Absent
	}
	return NotChecked
}

// why says why a rule was not checked.
func (v view) why(rule string) string {
	if !v.evaluated {
		return "The rules package was not evaluated on the host in this run."
	}
	return cmp.Or(v.unchecked[rule], "The rules package does not have this rule any more.")
}

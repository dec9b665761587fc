package assess

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/ledger"
	"assay/internal/rules"
	"assay/internal/wire"
)

const (
	rootLogin   = "PermitRootLogin yes\n"
	noRootLogin = "PermitRootLogin no\n"
)

// assessed runs a template to its end: what each agent sends, by agent. One that is
// not named does not answer.
func (w *world) over(template inspector.Template, texts map[string]string) inspector.Run {
	w.t.Helper()
	run := w.start(template)
	for agent, text := range texts {
		w.collect(agent, run.ID, text)
	}
	w.clock.add(time.Minute)
	w.mustWork()
	if got := w.run(run.ID); !got.State.Final() {
		w.clock.add(2 * time.Hour)
		w.mustWork()
	}
	return w.run(run.ID)
}

func (w *world) life(agent string, id string) ledger.Life {
	w.t.Helper()
	l, err := w.Store.Ledger(w.t.Context(), agent, inspector.PackagePractices)
	if err != nil {
		w.t.Fatal(err)
	}
	life, _ := l.Of(id)
	return life
}

func (w *world) finding(run string) inspector.Finding {
	w.t.Helper()
	all, _, err := w.Store.FindingsOfRun(w.t.Context(), run, inspector.Page{Limit: 100})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d findings, %v", len(all), err)
	}
	return all[0]
}

// A suppression takes a finding out of the runs that are evaluated while it is in
// force, and of no others; the ledger knows all the time.
func TestSuppressionInForce(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol(inspector.Tag{Key: "env", Value: "test"})
	template := w.template(time.Hour)
	bad := map[string]string{agent: rootLogin}
	first := w.over(template, bad)
	found := w.finding(first.ID)

	add := inspector.Suppression{Rule: "root-login", Tags: []inspector.Tag{{Key: "env", Value: "test"}}, Reason: "a bastion", Until: w.clock.Now().Add(30 * time.Minute), Author: "chosen"}
	added, err := w.AddSuppression(t.Context(), "arn:alice", add)
	if err != nil || added.Author != "arn:alice" || len(added.ID) != 10 || !added.CreatedAt.Equal(w.clock.Now()) {
		t.Fatalf("the suppression is %+v, %v", added, err)
	}
	second := w.over(template, bad)
	nothing := w.finding(second.ID)
	if nothing.Title != inspector.TitleNoIssues || !strings.Contains(nothing.Description, "1 finding:\n1 by the rule "+added.ID+" of arn:alice") {
		t.Errorf("the finding is %q: %s", nothing.Title, nothing.Description)
	}
	data, _, err := w.Store.Results(t.Context(), second.ID, agent, inspector.PackagePractices)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := DecodeResults(data)
	if err != nil || kept.Results[0].Verdict != rules.Failed || kept.Results[0].Suppressed == nil || kept.Results[0].Suppressed.ID != added.ID {
		t.Errorf("the results are %+v, %v", kept.Results, err)
	}
	if life := w.life(agent, found.ID); life.State != ledger.Suppressed || life.First.Run != first.ID || life.Last.Run != second.ID {
		t.Errorf("its life is %+v", life)
	}
	if again := w.finding(first.ID); again.ID != found.ID || again.UpdatedAt != found.UpdatedAt {
		t.Error("a run that is over has changed")
	}

	// Evaluated at the very moment of its end.
	run := w.start(template)
	w.collect(agent, run.ID, rootLogin)
	w.clock.add(added.Until.Sub(w.clock.Now()))
	w.mustWork()
	if again := w.finding(run.ID); again.ID != found.ID {
		t.Errorf("after the end of the suppression the finding is %+v", again)
	}
	if life := w.life(agent, found.ID); life.State != ledger.Open || life.First.Run != first.ID {
		t.Errorf("its life is %+v", life)
	}
}

func TestSuppressionIsRevoked(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	template := w.template(time.Hour)
	added, err := w.AddSuppression(t.Context(), "arn:alice", inspector.Suppression{Finding: "Disable root login *", Reason: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeSuppression(t.Context(), "arn:bob", added.ID); err != nil {
		t.Fatal(err)
	}
	run := w.over(template, map[string]string{agent: rootLogin})
	if got := w.findings(run.ID); len(got) != 1 || !strings.Contains(got[0], "Disable root login") {
		t.Errorf("the findings are %v", got)
	}
	kept, err := w.Store.Suppressions(t.Context(), []string{added.ID})
	if got := kept[added.ID]; err != nil || got.RevokedBy != "arn:bob" || got.RevokedAt.IsZero() {
		t.Errorf("what stays on record is %+v, %v", got, err)
	}
	if _, err := w.AddSuppression(t.Context(), "arn:alice", inspector.Suppression{Package: inspector.PackagePractices, Reason: "r"}); err == nil {
		t.Error("everything that a package finds can be suppressed")
	}
}

// What became of findings is told from what was looked at: a host that did not
// answer, and a rule that could not be evaluated, have nothing fixed.
func TestCompare(t *testing.T) {
	w := newWorld(t)
	fixed, open, fresh, silent, partial := w.enrol(), w.enrol(), w.enrol(), w.enrol(), w.enrol()
	template := w.template(time.Hour)
	first := w.over(template, map[string]string{fixed: rootLogin, open: rootLogin, fresh: noRootLogin, silent: rootLogin, partial: rootLogin})
	late := w.enrol()

	run := w.start(template)
	for agent, text := range map[string]string{fixed: noRootLogin, open: rootLogin, fresh: rootLogin, late: rootLogin} {
		w.collect(agent, run.ID, text)
	}
	w.put(partial, run.ID, 1, kernelSegment(t, partial, run.ID, 1))
	if err := w.CompleteCollection(t.Context(), partial, run.ID, wire.CompleteRequest{Protocol: wire.Version, Segments: 1}); err != nil {
		t.Fatal(err)
	}
	w.clock.add(2 * time.Hour)
	w.mustWork()
	second := w.run(run.ID)
	want := map[string]Change{fixed: ChangeFixed, open: ChangeOpen, fresh: ChangeNew, late: ChangeNew, silent: ChangeUnchecked, partial: ChangeUnchecked}
	before := map[string]Presence{fixed: PresentOpen, open: PresentOpen, fresh: Absent, late: NotChecked, silent: PresentOpen, partial: PresentOpen}

	for limit := 1; limit <= 7; limit++ {
		got, page := map[string]Change{}, inspector.Page{Limit: limit}
		for {
			hosts, next, err := w.Compare(t.Context(), first, second, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hosts {
				c := h.Changes[0]
				got[h.Agent] = c.Change
				if len(h.Changes) != 1 || h.Package != inspector.PackagePractices || c.Before != before[h.Agent] || c.Title != "Disable root login over SSH" || c.Severity != inspector.Medium ||
					(c.Reason != "") != (c.Change == ChangeUnchecked) || c.Life.First.Run == "" {
					t.Errorf("%s: %+v", c.Change, h)
				}
			}
			if page.After = next; next == "" {
				break
			}
		}
		for agent, change := range want {
			if got[agent] != change || len(got) != len(want) {
				t.Errorf("in pages of %d hosts %s has %q of %d, want %q of %d", limit, agent, got[agent], len(got), change, len(want))
			}
		}
	}
	for agent, state := range map[string]ledger.State{fixed: ledger.Gone, open: ledger.Open, fresh: ledger.Open} {
		id := w.idOn(first, second, agent)
		if life := w.life(agent, id); life.State != state {
			t.Errorf("the ledger says %+v, want %s", life, state)
		}
	}
	// The partial host was evaluated, which says nothing about the rule; the silent one
	// was evaluated with nothing.
	for _, agent := range []string{silent, partial} {
		if life := w.life(agent, w.idOn(first, second, agent)); life.State == ledger.Gone || life.Last.Run != first.ID {
			t.Errorf("the ledger says %+v of a finding that nobody looked for", life)
		}
	}
	if err := w.DeleteRun(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	all, err := w.Store.Ledger(t.Context(), open, inspector.PackagePractices)
	if err != nil || all.Len() != 1 {
		t.Errorf("of the ledger %d findings are left, %v", all.Len(), err)
	}
}

// idOn is the id of the finding of an agent in one of two runs.
func (w *world) idOn(a, b inspector.Run, agent string) string {
	w.t.Helper()
	hosts, _, err := w.Compare(w.t.Context(), a, b, inspector.Page{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	if i := slices.IndexFunc(hosts, func(h HostChanges) bool { return h.Agent == agent }); i >= 0 {
		return hosts[i].Changes[0].ID
	}
	return ""
}

// An evaluation that is done twice, by two workers or after a crash, tells the ledger
// once.
func TestLifeIsToldOnce(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	run := w.start(w.template(time.Hour))
	w.collect(agent, run.ID, rootLogin)
	r, part, err := w.part(t.Context(), &w.Store.Reader, run.ID, agent)
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.outcome(t.Context(), r, part)
	if err != nil {
		t.Fatal(err)
	}
	ledgerNow := func() string {
		l, err := w.Store.Ledger(t.Context(), agent, inspector.PackagePractices)
		if err != nil {
			t.Fatal(err)
		}
		return string(l.Encode())
	}
	if err := w.save(t.Context(), r, agent, out); err != nil {
		t.Fatal(err)
	}
	once := ledgerNow()
	for range 2 {
		if err := w.save(t.Context(), r, agent, out); err != nil {
			t.Fatal(err)
		}
		if err := w.evaluate(t.Context(), jobs.Job{Payload: []byte(run.ID + "/" + agent)}); err != nil {
			t.Fatal(err)
		}
	}
	w.mustWork()
	if ledgerNow() != once || len(once) == 0 {
		t.Error("the ledger has changed")
	}
}

// A report tells that there is more than its findings.
func TestReportTellsOfSuppression(t *testing.T) {
	w := newWorld(t)
	if _, err := w.AddSuppression(t.Context(), "arn:alice", inspector.Suppression{Rule: "root-login", Reason: "a bastion"}); err != nil {
		t.Fatal(err)
	}
	run := w.completed()
	asked := w.ask(run.ID, inspector.ReportFull, inspector.ReportHTML)
	w.mustWork()
	text := string(w.document(asked.ID))
	for _, want := range []string{"but for 1 that somebody has decided to be none", "is not among the findings: 1 result", "It is suppressed by the rule 0-", "arn:alice: a bastion"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

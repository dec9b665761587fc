package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testReports(t *testing.T, s *store.Store) {
	ctx, run := t.Context(), addRun(t, s, addTemplate(t, s), 1)
	advance(t, s, run.ID, inspector.Completed, 2)
	make := func(id string, kind inspector.ReportType) inspector.Report {
		p := inspector.Report{ID: id, Run: run.ID, Type: kind, Format: inspector.ReportPDF, Status: inspector.ReportInProgress, Blob: "reports/" + id, RequestedAt: at(3)}
		update(t, s, func(tx *store.Tx) error { return tx.CreateReport(ctx, p, []byte("key of "+id)) })
		return p
	}
	finding, full := make("a", inspector.ReportFinding), make("b", inspector.ReportFull)
	got, ok, err := s.ReportOf(ctx, run.ID, inspector.ReportFull, inspector.ReportPDF)
	equal(t, err, got, full)
	if _, none, err := s.ReportOf(ctx, run.ID, inspector.ReportFull, inspector.ReportHTML); !ok || none || err != nil {
		t.Errorf("there is a report: %v, and one that was not asked for: %v, %v", ok, none, err)
	}
	if err := s.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateReport(ctx, inspector.Report{ID: "c", Run: run.ID, Type: full.Type, Format: full.Format, Blob: "reports/c"}, nil)
	}); err == nil {
		t.Error("there are two reports of a type and format")
	}
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_RUN_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.CreateReport(ctx, inspector.Report{ID: "d", Run: "0-aaaaaaaa", Blob: "reports/d"}, nil)
	})
	finish := func(id string, status inspector.ReportStatus) (ok bool) {
		update(t, s, func(tx *store.Tx) (err error) {
			ok, err = tx.FinishReport(ctx, id, status, 42, at(10))
			return err
		})
		return ok
	}
	if !finish("a", inspector.ReportCompleted) || finish("a", inspector.ReportFailed) || finish("x", inspector.ReportFailed) {
		t.Error("a report is finished twice, or not at all")
	}
	finding.Status, finding.Size, finding.DoneAt = inspector.ReportCompleted, 42, at(10)
	got, wrapped, _, err := s.Report(ctx, "a")
	equal(t, err, got, finding)
	if !bytes.Equal(wrapped, []byte("key of a")) {
		t.Errorf("the key is %q", wrapped)
	}
	reportsGo(t, s, run.ID)
}

// reportsGo deletes the reports a, which is done, and b, which is not.
func reportsGo(t *testing.T, s *store.Store, run string) {
	ctx := t.Context()
	for _, early := range []bool{true, false} {
		before := at(10)
		if !early {
			before = at(11)
		}
		due, err := s.ReportsDue(ctx, before)
		equal(t, err, due, !early)
		update(t, s, func(tx *store.Tx) error { return tx.DeleteReportsBefore(ctx, before) })
		used, err := s.ReportBlob(ctx, "reports/a")
		equal(t, err, used, early)
	}
	doomed, err := s.Doomed(ctx, 10)
	equal(t, err, doomed, []string{"reports/a"})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, run) })
	doomed, err = s.Doomed(ctx, 10)
	equal(t, err, doomed, []string{"reports/a", "reports/b"})
	if _, _, ok, err := s.Report(ctx, "b"); ok || err != nil {
		t.Errorf("a report outlives its run: %v, %v", ok, err)
	}
}

func testFindingGroups(t *testing.T, s *store.Store) {
	ctx := t.Context()
	agents := []string{"i-0", "i-1", "i-2"}
	run := addRun(t, s, addTemplate(t, s), 1, agents...)
	advance(t, s, run.ID, inspector.EvaluatingRules, 2)
	severities := inspector.Severities()
	update(t, s, func(tx *store.Tx) error {
		for a, agent := range agents {
			for p, pkg := range []inspector.PackageID{"cve", "practices"} {
				var found []inspector.Finding
				for i := range 7 {
					if i%3 < a {
						continue
					}
					found = append(found, inspector.Finding{Run: run.ID, ID: fmt.Sprintf("0-%d%d%d00000", a, p, i), Agent: agent, Package: pkg, FindingID: fmt.Sprintf("rule/%d", i/2), Severity: severities[i%2], CreatedAt: at(2)})
				}
				if err := tx.SaveResults(ctx, run.ID, agent, pkg, nil, found, nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
	advance(t, s, run.ID, inspector.Completed, 3)
	var groups []store.FindingGroup
	seen, total := map[string]bool{}, int64(0)
	for after := ""; ; {
		page, next, err := s.FindingGroups(ctx, run.ID, inspector.Page{Limit: 3, After: after})
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, page...)
		if after = next; next == "" {
			break
		}
	}
	for _, g := range groups {
		total += readGroup(t, s, run.ID, g, seen)
	}
	if !slices.IsSortedFunc(groups, func(a, b store.FindingGroup) int {
		return slices.Compare([]string{string(a.Package), fmt.Sprint(slices.Index(severities, a.Severity)), a.Rule}, []string{string(b.Package), fmt.Sprint(slices.Index(severities, b.Severity)), b.Rule})
	}) {
		t.Errorf("the groups are not in order: %+v", groups)
	}
	counts, err := s.FindingCounts(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		total -= c.N
	}
	if total != 0 || len(seen) != 26 {
		t.Errorf("%d findings in groups, %d more than counted", len(seen), total)
	}
	of, err := s.FindingCountsOf(ctx, run.ID, []string{"i-2"})
	equal(t, err, of, []store.FindingCount{{Agent: "i-2", Severity: inspector.High, N: 2}, {Agent: "i-2", Severity: inspector.Medium, N: 2}})
	n, err := s.CountExclusions(ctx, run.ID)
	equal(t, err, n, 0)
}

// readGroup reads a group in pages of two, and compares it with what it says.
func readGroup(t *testing.T, s *store.Store, run string, g store.FindingGroup, seen map[string]bool) (n int64) {
	hosts, last := map[string]bool{}, ""
	for after := ""; ; {
		page, next, err := s.FindingsOfGroup(t.Context(), run, g, inspector.Page{Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page {
			if f.Package != g.Package || f.Severity != g.Severity || f.FindingID != g.Rule || seen[f.ID] || f.Agent < last {
				t.Errorf("the group %+v has %+v behind %s", g, f, last)
			}
			seen[f.ID], hosts[f.Agent], last = true, true, f.Agent
			n++
		}
		if after = next; next == "" {
			break
		}
	}
	if n != g.Findings || int64(len(hosts)) != g.Hosts {
		t.Errorf("the group %+v has %d findings on %d hosts", g, n, len(hosts))
	}
	return n
}

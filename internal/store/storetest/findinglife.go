package storetest

import (
	"errors"
	"testing"

	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/store"
)

// testFindingLife records evaluations with the results that they are of: each once
// more, one of them in a transaction that fails, and deletes a run.
func testFindingLife(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	damaged := false
	record := func(n int, again bool, found ...ledger.Found) inspector.Run {
		run := addRun(t, s, template, n, "i-1")
		for range 2 {
			update(t, s, func(tx *store.Tx) error {
				if err := tx.SaveResults(ctx, run.ID, "i-1", inspector.PackageCVE, []byte("results"), nil, nil); err != nil {
					return err
				}
				anew, err := tx.RecordLife(ctx, "i-1", inspector.PackageCVE, ledger.Evaluation{Run: run.ID, At: at(n), Made: at(n), Found: found, Checked: []string{"CVE"}})
				if anew != damaged {
					t.Errorf("the ledger begins anew: %v, want %v", anew, damaged)
				}
				damaged = false
				return err
			})
			if !again {
				break
			}
		}
		advance(t, s, run.ID, inspector.Completed, n)
		return run
	}
	life := func(agent, id string) ledger.Life {
		t.Helper()
		l, err := s.Ledger(ctx, agent, inspector.PackageCVE)
		if err != nil {
			t.Fatal(err)
		}
		of, _ := l.Of(id)
		return of
	}
	equal(t, nil, life("i-1", "0-a"), ledger.Life{})
	a, b := ledger.Found{ID: "0-a", Rule: "CVE"}, ledger.Found{ID: "0-b", Rule: "CVE", Suppressed: true}
	first := record(1, true, a)
	second := record(2, false, a, b)
	third := record(3, true, b)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, first.ID) })
	seen := func(run inspector.Run, n int) ledger.Sighting { return ledger.Sighting{Run: run.ID, At: at(n)} }
	equal(t, nil, life("i-1", "0-a"), ledger.Life{State: ledger.Gone, First: seen(first, 1), Last: seen(second, 2), Gone: seen(third, 3)})
	equal(t, nil, life("i-1", "0-b"), ledger.Life{State: ledger.Suppressed, First: seen(second, 2), Last: seen(third, 3)})
	equal(t, nil, life("i-2", "0-a"), ledger.Life{})

	failure := errors.New("no")
	err := s.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.RecordLife(ctx, "i-1", inspector.PackageCVE, ledger.Evaluation{Run: "0-x", At: at(4), Made: at(4), Found: []ledger.Found{a}, Checked: []string{"CVE"}})
		return errors.Join(err, failure)
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	equal(t, nil, life("i-1", "0-a").State, ledger.Gone)

	update(t, s, func(tx *store.Tx) error {
		_, err := tx.SQL().ExecContext(ctx, "UPDATE finding_ledgers SET data = $1", []byte("damage"))
		return err
	})
	if _, err := s.Ledger(ctx, "i-1", inspector.PackageCVE); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("a damaged ledger is read: %v", err)
	}
	damaged = true
	fourth := record(4, true, a)
	equal(t, nil, life("i-1", "0-a"), ledger.Life{State: ledger.Open, First: seen(fourth, 4), Last: seen(fourth, 4)})
}

package store_test

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// TestReportKeysAreErased makes many reports and destroys them, alone and with
// their runs, and looks for their keys' bytes in every file.
func TestReportKeysAreErased(t *testing.T) {
	ctx, folder, now := t.Context(), t.TempDir(), time.Now()
	s := open(t, "sqlite:"+filepath.Join(folder, "assay.db"))
	update := func(fn func(*store.Tx) error) {
		t.Helper()
		if err := s.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error {
		if err := tx.CreateTarget(ctx, inspector.Target{ID: "0-target00", Name: "t"}, inspector.Limits{}); err != nil {
			return err
		}
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-templ000", Target: "0-target00", Name: "t"}, inspector.Limits{})
	})
	keys := map[inspector.Report][]byte{}
	create := func() {
		update(func(tx *store.Tx) error {
			run := inspector.Run{ID: inspector.NewID(), Target: "0-target00", Template: "0-templ000", Name: inspector.NewID(), CreatedAt: now}
			if err := tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{}); err != nil {
				return err
			}
			if err := tx.ChangeRunState(ctx, run.ID, inspector.Canceled, now); err != nil {
				return err
			}
			for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
				p := inspector.Report{ID: inspector.NewID(), Run: run.ID, Type: inspector.ReportFull, Format: format, Blob: "reports/" + inspector.NewID(), RequestedAt: now}
				key := make([]byte, 80+mathrand.IntN(200))
				rand.Read(key)
				keys[p] = key
				if err := tx.CreateReport(ctx, p, key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 60 {
		create()
	}
	for round := range 3 {
		for p := range keys {
			update(func(tx *store.Tx) error {
				_, err := tx.FinishReport(ctx, p.ID, inspector.ReportCompleted, int64(mathrand.IntN(1<<30)), now)
				return err
			})
		}
		n := 0
		for p, key := range keys {
			if n++; n > 30 {
				break
			}
			if len(holds(t, folder, key[:16])) == 0 {
				t.Fatal("a key that is not erased was not found: the test looks in the wrong place")
			}
			both := []inspector.Report{p}
			if n%2 == 0 {
				update(func(tx *store.Tx) error { return tx.DeleteReport(ctx, p.ID) })
			} else {
				update(func(tx *store.Tx) error { return tx.DeleteRun(ctx, p.Run) })
				for other := range keys {
					if other.Run == p.Run && other.ID != p.ID {
						both = append(both, other)
					}
				}
			}
			for _, gone := range both {
				key := keys[gone]
				delete(keys, gone)
				for at := 0; at+16 <= len(key); at += 16 {
					if files := holds(t, folder, key[at:at+16]); len(files) > 0 {
						t.Fatalf("round %d: part of a key that was destroyed is still in %v", round, files)
					}
				}
			}
		}
		for range 10 {
			create()
		}
	}
}

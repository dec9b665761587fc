package store_test

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// holds tells which files below a folder hold some bytes.
func holds(t *testing.T, folder string, what []byte) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, what) {
			files = append(files, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestKeysAreErased makes many runs, destroys the keys of some by retention and of
// others with their runs, in random order with new ones between, and looks for
// their bytes in every file while the store is open.
func TestKeysAreErased(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	s := open(t, "sqlite:"+filepath.Join(folder, "assay.db"))
	now := time.Now()
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
	keys := map[string][]byte{}
	create := func(n int) {
		update(func(tx *store.Tx) error {
			for range n {
				key := make([]byte, 80+mathrand.IntN(200))
				rand.Read(key)
				id := inspector.NewID()
				run := inspector.Run{ID: id, Target: "0-target00", Template: "0-templ000", Name: id, CreatedAt: now}
				keys[run.ID] = key
				if err := tx.CreateRun(ctx, run, key, nil, inspector.Limits{}); err != nil {
					return err
				}
				if err := tx.ChangeRunState(ctx, run.ID, inspector.Canceled, now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	create(200)
	for _, key := range keys {
		if len(holds(t, folder, key[:16])) == 0 {
			t.Fatal("a key that is not erased was not found: the test looks in the wrong place")
		}
		break
	}
	var erased [][]byte
	for round := range 3 {
		n := 0
		update(func(tx *store.Tx) error {
			n = 0
			for id, key := range keys { // in random order
				if n++; n > 40 {
					break
				}
				var err error
				if n%2 == 0 {
					err = tx.DeleteRun(ctx, id)
				} else {
					_, err = tx.DropTelemetry(ctx, id, now)
				}
				if err != nil {
					return err
				}
				delete(keys, id)
				erased = append(erased, key)
			}
			return nil
		})
		for _, key := range erased {
			for at := 0; at+16 <= len(key); at += 16 {
				if files := holds(t, folder, key[at:at+16]); len(files) > 0 {
					t.Fatalf("round %d: part of a key that was destroyed is still in %v", round, files)
				}
			}
		}
		create(30)
	}
	for id, key := range keys {
		got, ok, err := s.RunKey(ctx, id)
		if !bytes.Equal(got, key) || !ok || err != nil {
			t.Fatalf("the key of a run that is there: %v, %v", ok, err)
		}
	}
}

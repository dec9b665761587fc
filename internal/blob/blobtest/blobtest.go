// Package blobtest is the conformance suite of object stores: whatever keeps
// Assay's objects passes it.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"assay/internal/blob"
)

// Run tests the stores that open returns; each call gives an empty one.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	t.Run("RoundTrip", func(t *testing.T) { roundTrip(t, open(t)) })
	t.Run("FailedPut", func(t *testing.T) { failedPut(t, open(t)) })
	t.Run("Names", func(t *testing.T) { names(t, open(t)) })
	t.Run("Concurrent", func(t *testing.T) { concurrent(t, open(t)) })
	t.Run("Canceled", func(t *testing.T) { canceled(t, open(t)) })
}

func roundTrip(t *testing.T, s blob.Store) {
	big := bytes.Repeat([]byte("telemetry"), 300_000)
	put(t, s, "runs/a/1", []byte("one"))
	put(t, s, "runs/a/2", big)
	put(t, s, "runs/b/1", nil)
	put(t, s, "runs/a/1", []byte("replaced"))
	for name, want := range map[string][]byte{"runs/a/1": []byte("replaced"), "runs/a/2": big, "runs/b/1": {}} {
		if got := get(t, s, name); !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, want %d", name, len(got), len(want))
		}
	}
	if got, want := list(t, s, "runs/a/"), []string{"runs/a/1", "runs/a/2"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	for range 2 { // a delete may be repeated
		if err := s.Delete(t.Context(), "runs/a/1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Get(t.Context(), "runs/a/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a deleted object: %v, want fs.ErrNotExist", err)
	}
}

// failedPut: an object that did not come whole is not there, and one that was
// there before still is.
func failedPut(t *testing.T, s blob.Store) {
	put(t, s, "kept", []byte("before"))
	for _, name := range []string{"kept", "new"} {
		broken := io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(errors.New("cut off")))
		if err := s.Put(t.Context(), name, broken); err == nil {
			t.Errorf("storing %s from a reader that fails succeeded", name)
		}
	}
	if got := get(t, s, "kept"); string(got) != "before" {
		t.Errorf("a failed write changed the object to %q", got)
	}
	if got := list(t, s, ""); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("listed %q, want only what was stored whole", got)
	}
}

func names(t *testing.T, s blob.Store) {
	for _, name := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a b", "a\x00b", "a\\b", "ä", strings.Repeat("a", 513)} {
		if err := s.Put(t.Context(), name, strings.NewReader("x")); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("storing %q: %v, want fs.ErrInvalid", name, err)
		}
		if _, err := s.Get(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("reading %q: %v, want fs.ErrInvalid", name, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("deleting %q: %v, want fs.ErrInvalid", name, err)
		}
	}
}

func concurrent(t *testing.T, s blob.Store) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			body := bytes.Repeat([]byte{byte('a' + i)}, 100_000)
			if err := s.Put(t.Context(), "same/name", bytes.NewReader(body)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := get(t, s, "same/name")
	if len(got) != 100_000 || len(bytes.Trim(got, string(got[:1]))) != 0 {
		t.Errorf("the object is a mixture of writes (%d bytes)", len(got))
	}
}

func canceled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "late", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("storing under a canceled context: %v", err)
	}
	if got := list(t, s, ""); len(got) != 0 {
		t.Errorf("listed %q, want nothing", got)
	}
}

func put(t *testing.T, s blob.Store, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s blob.Store, name string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func list(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	var names []string
	err := s.List(t.Context(), prefix, func(e blob.Entry) error {
		names = append(names, e.Name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

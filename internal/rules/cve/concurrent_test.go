package cve_test

import (
	"context"
	"sync"
	"testing"

	"assay/internal/advisory/index"
	"assay/internal/rules"
	"assay/internal/rules/cve"
)

// TestManyHostsAtOnce, while sets are swapped under them: each host has the findings of
// the set that it was begun with.
func TestManyHostsAtOnce(t *testing.T) {
	w, s := whole(t)
	var current index.Current
	must(t, current.Replace(w.set(t, t.TempDir())))
	p, h := cve.New(&current), s.Host()
	want := len(evaluate(t, p, s))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 5 {
				results, err := p.Evaluate(context.Background(), h, rules.Input{Now: now})
				if err != nil || len(results) != want {
					t.Errorf("%d results, want %d: %v", len(results), want, err)
				}
			}
		})
	}
	for range 3 {
		must(t, current.Replace(w.set(t, t.TempDir())))
	}
	wait.Wait()
	must(t, current.Replace(nil))
}

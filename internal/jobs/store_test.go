package jobs_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/jobs"
	"assay/internal/jobs/jobstest"
	"assay/internal/store"
	"assay/internal/testpg"
)

// TestInStore enqueues jobs in the store's own transactions, from several places
// at once while they run: none fails, and the last is not missed.
func TestInStore(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		inStore(t, "sqlite:"+filepath.Join(t.TempDir(), "assay.db"), func(s *store.Store, _ string) (jobstest.Queue, error) {
			return jobs.NewSQLite(t.Context(), s.DB(), jobs.Options{})
		})
	})
	t.Run("Postgres", func(t *testing.T) {
		inStore(t, testpg.New(t), func(s *store.Store, dsn string) (jobstest.Queue, error) {
			return jobs.NewRiver(t.Context(), s.DB(), dsn, jobs.Options{})
		})
	})
}

func inStore(t *testing.T, dsn string, open func(*store.Store, string) (jobstest.Queue, error)) {
	s, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q, err := open(s, dsn)
	if err != nil {
		t.Fatal(err)
	}
	var committed, seen atomic.Int64
	ran := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var all, writers sync.WaitGroup
	all.Go(func() {
		if err := q.Run(ctx, map[string]jobs.Handler{"a": func(context.Context, jobs.Job) error {
			seen.Store(committed.Load())
			ran <- struct{}{}
			return nil
		}}, 2); err != nil {
			t.Error(err)
		}
	})
	for range 4 {
		writers.Go(func() {
			for range 15 {
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					return q.Enqueue(t.Context(), tx.SQL(), jobs.Job{Kind: "a", Key: "k"})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	committed.Store(1)
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return q.Enqueue(t.Context(), tx.SQL(), jobs.Job{Kind: "a", Key: "k"}) }); err != nil {
		t.Error(err)
	}
	for seen.Load() == 0 {
		select {
		case <-ran:
		case <-time.After(30 * time.Second):
			t.Error("the last job was missed")
			seen.Store(1)
		}
	}
	cancel()
	all.Wait()
}

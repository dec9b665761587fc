package jobstest

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/jobs"
)

// backlogged is a queue that tells what is in it, as each does.
type backlogged interface {
	Backlog(ctx context.Context) ([]jobs.Backlog, error)
}

func testBacklog(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	look := func() []jobs.Backlog {
		t.Helper()
		all, err := q.(backlogged).Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := look(); len(got) != 0 {
		t.Errorf("in an empty queue there is %+v", got)
	}
	begun := time.Now().Truncate(time.Microsecond) // as both databases keep it
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "1", RunAt: begun.Add(-time.Hour)})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "2"})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "3", RunAt: begun.Add(time.Hour)})
	enqueue(t, q, db, jobs.Job{Kind: "b", Key: "1", RunAt: begun.Add(time.Hour)})
	want := []jobs.Backlog{{Kind: "a", Due: 2, Later: 1, Oldest: begun.Add(-time.Hour).UTC()}, {Kind: "b", Later: 1}}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	started, finish := make(chan bool, 2), make(chan bool)
	work(t, q, 2, map[string]jobs.Handler{"a": func(ctx context.Context, _ jobs.Job) error {
		started <- true
		select {
		case <-finish:
		case <-ctx.Done():
		}
		return nil
	}})
	receive(t, started)
	receive(t, started)
	want = []jobs.Backlog{{Kind: "a", Running: 2, Later: 1}, {Kind: "b", Later: 1}}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("while two run (-want +got):\n%s", diff)
	}
	close(finish)
	want = []jobs.Backlog{{Kind: "a", Later: 1}, {Kind: "b", Later: 1}}
	for deadline := time.Now().Add(deadline); !cmp.Equal(want, look()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after they have run (-want +got):\n%s", cmp.Diff(want, look()))
		}
	}
}

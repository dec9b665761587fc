package jobs_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"assay/internal/jobs"
	"assay/internal/jobs/jobstest"
	"assay/internal/testpg"
)

func TestSQLite(t *testing.T) {
	jobstest.Run(t, func(t *testing.T, opts jobs.Options) (jobstest.Queue, *sql.DB) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "jobs.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(1)
		q, err := jobs.NewSQLite(t.Context(), db, opts)
		if err != nil {
			t.Fatal(err)
		}
		return q, db
	})
}

func TestRiver(t *testing.T) {
	jobstest.Run(t, func(t *testing.T, opts jobs.Options) (jobstest.Queue, *sql.DB) {
		dsn := testpg.New(t)
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		q, err := jobs.NewRiver(t.Context(), db, dsn, opts)
		if err != nil {
			t.Fatal(err)
		}
		return q, db
	})
}

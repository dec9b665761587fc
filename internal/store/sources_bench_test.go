package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
)

// BenchmarkNewestTelemetry looks for the telemetry of a thousand hosts, which were
// assessed each day of a month and sent eight segments each time.
func BenchmarkNewestTelemetry(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { benchNewest(b, "sqlite:"+filepath.Join(b.TempDir(), "assay.db")) })
	if os.Getenv("ASSAY_TEST_POSTGRES") != "" {
		b.Run("Postgres", func(b *testing.B) { benchNewest(b, testpg.New(b)) })
	}
}

func benchNewest(b *testing.B, dsn string) {
	s, err := store.Open(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	const hosts, days = 1000, 30
	var agents []string
	for i := range hosts {
		agents = append(agents, fmt.Sprintf("i-%017x", i))
	}
	exec := func(statement string, args ...any) {
		b.Helper()
		if _, err := s.DB().ExecContext(b.Context(), statement, args...); err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	err = s.Update(b.Context(), func(tx *store.Tx) error {
		if err := tx.CreateTarget(b.Context(), inspector.Target{ID: "0-t", Name: "t"}, inspector.Limits{}); err != nil {
			return err
		}
		return tx.CreateTemplate(b.Context(), inspector.Template{ID: "0-p", Target: "0-t", Name: "p"}, inspector.Limits{})
	})
	if err != nil {
		b.Fatal(err)
	}
	for day := range days {
		err := s.Update(b.Context(), func(tx *store.Tx) error {
			run := inspector.Run{ID: fmt.Sprint("0-r", day), Target: "0-t", Template: "0-p", Name: fmt.Sprint(day), State: inspector.Completed, CreatedAt: now, CompletedAt: now}
			return tx.CreateRun(b.Context(), run, []byte("key"), agents, inspector.Limits{RunningHosts: hosts})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	exec("UPDATE run_agents SET state = 'complete', segments = 8, last_at = run")
	exec(`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 8)
		INSERT INTO segments (run, agent, sequence, sensor, blob, digest, size, decoded, received_at)
		SELECT run, agent, n, CASE n WHEN 3 THEN 'packages' WHEN 8 THEN 'system' ELSE 'other' END, '', '', 0, 0, 0 FROM run_agents, n`)
	if s.Postgres() {
		exec("ANALYZE")
	}
	for b.Loop() {
		found, err := s.NewestTelemetry(b.Context(), agents, []string{"packages", "system"}, now.Add(-time.Hour))
		if err != nil || len(found) != hosts || found[agents[0]].Run.ID != "0-r29" {
			b.Fatalf("%d hosts, %v, %v", len(found), found[agents[0]], err)
		}
	}
}

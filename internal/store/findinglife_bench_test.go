package store_test

import (
	"fmt"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/store"
)

// BenchmarkSaveResults writes the results of hosts with 100 findings each in runs that
// follow one another, without and with the ledger of their life; one host in a
// transaction, as evaluations do.
func BenchmarkSaveResults(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("ledger=%v", with), func(b *testing.B) {
			databases(b, func(b *testing.B, s *store.Store) { benchmarkSave(b, s, with) })
		})
	}
}

func benchmarkSave(b *testing.B, s *store.Store, with bool) {
	ctx := b.Context()
	const hosts, each = 20, 100
	update := func(fn func(*store.Tx) error) {
		if err := s.Update(ctx, fn); err != nil {
			b.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error {
		if err := tx.CreateTarget(ctx, inspector.Target{ID: "0-target00", Name: "t"}, inspector.Limits{}); err != nil {
			return err
		}
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-templ000", Target: "0-target00", Name: "t"}, inspector.Limits{})
	})
	run := func(n int) {
		now := time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Hour)
		id := fmt.Sprintf("0-run%05d", n)
		update(func(tx *store.Tx) error {
			return tx.CreateRun(ctx, inspector.Run{ID: id, Target: "0-target00", Template: "0-templ000", Name: id, CreatedAt: now}, []byte("key"), nil, inspector.Limits{})
		})
		for host := range hosts {
			agent := fmt.Sprintf("i-%05d", host)
			findings, e := make([]inspector.Finding, each), ledger.Evaluation{Run: id, At: now, Made: now, Checked: []string{"cve"}}
			for i := range findings {
				cve := fmt.Sprintf("CVE-2026-%d", i)
				findings[i] = inspector.Finding{ID: fmt.Sprintf("0-%03d%05d", host, i), PackageARN: "arn:cve", FindingID: cve, Severity: inspector.Severities()[i%4], CreatedAt: now,
					Asset: inspector.Asset{Agent: agent}, Title: "Instance " + agent + " is vulnerable to " + cve, Description: fmt.Sprintf("%400d", i),
					Attributes: []inspector.Attribute{{Key: "CVE_ID", Value: cve}, {Key: "package_name", Value: fmt.Sprint("package", i)}, {Key: "INSTANCE_ID", Value: agent}}}
				e.Found = append(e.Found, ledger.Found{ID: findings[i].ID, Rule: "cve"})
			}
			update(func(tx *store.Tx) error {
				err := tx.SaveResults(ctx, id, agent, inspector.PackageCVE, make([]byte, 10_000), findings, nil)
				if err == nil && with {
					_, err = tx.RecordLife(ctx, agent, inspector.PackageCVE, e)
				}
				return err
			})
		}
	}
	for n := range ledger.Window {
		run(n)
	}
	n := ledger.Window
	for b.Loop() {
		run(n)
		n++
	}
	b.ReportMetric(float64(hosts*each*b.N)/b.Elapsed().Seconds(), "findings/s")
}

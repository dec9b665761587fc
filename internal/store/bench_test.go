package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
)

// databases are the stores that a benchmark runs on: SQLite, and PostgreSQL where
// there is a server.
func databases(b *testing.B, run func(b *testing.B, s *store.Store)) {
	all := map[string]string{"SQLite": "sqlite:" + filepath.Join(b.TempDir(), "assay.db")}
	if os.Getenv("ASSAY_TEST_POSTGRES") != "" {
		all["Postgres"] = testpg.New(b)
	}
	for name, dsn := range all {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			run(b, s)
		})
	}
}

// BenchmarkTouchAgents notes the heartbeats of 15,000 agents at once; the goal is
// that many a second.
func BenchmarkTouchAgents(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		ctx := b.Context()
		touches := make([]store.Touch, 15_000)
		err := s.Update(ctx, func(tx *store.Tx) error {
			for i := range touches {
				touches[i].Agent = fmt.Sprintf("i-%017x", i*2654435761)
				if err := tx.SaveAgent(ctx, inspector.Agent{ID: touches[i].Agent, Hostname: "host"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		for b.Loop() {
			now = now.Add(time.Second)
			for i := range touches {
				touches[i].SeenAt = now
			}
			if err := s.TouchAgents(ctx, touches); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(touches)*b.N)/b.Elapsed().Seconds(), "heartbeats/s")
	})
}

// fillFindings makes runs with findings as a fleet has them: few rules on many
// hosts, few of them bad. $ASSAY_BENCH_FINDINGS says how many.
func fillFindings(b *testing.B, s *store.Store) {
	ctx := b.Context()
	total := 100_000
	if n, err := strconv.Atoi(os.Getenv("ASSAY_BENCH_FINDINGS")); err == nil {
		total = n
	}
	err := s.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateTarget(ctx, inspector.Target{ID: "0-target00", Name: "t"}, inspector.Limits{}); err != nil {
			return err
		}
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-templ000", Target: "0-target00", Name: "t"}, inspector.Limits{})
	})
	const hosts, each = 100, 100
	for run := 0; run*hosts*each < total && err == nil; run++ {
		err = s.Update(ctx, func(tx *store.Tx) error { return addBenchRun(b, tx, run, hosts, each) })
	}
	if err != nil {
		b.Fatal(err)
	}
}

func addBenchRun(b *testing.B, tx *store.Tx, n, hosts, each int) error {
	ctx := b.Context()
	now := time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Hour)
	run := inspector.Run{ID: fmt.Sprintf("0-run%05d", n), Target: "0-target00", Template: "0-templ000", Name: fmt.Sprint(n), CreatedAt: now}
	if err := tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{}); err != nil {
		return err
	}
	for host := range hosts {
		agent := fmt.Sprintf("i-%05d", (n*7+host)%5000)
		findings := make([]inspector.Finding, each)
		for i := range findings {
			cve := fmt.Sprintf("CVE-2026-%d", (i*i+host%10)%3000)
			findings[i] = inspector.Finding{ID: inspector.NewID(), PackageARN: []string{"arn:cve", "arn:cve", "arn:cve", "arn:cis"}[i%4], FindingID: cve,
				Severity:  inspector.Severities()[min(3, i%7)],
				CreatedAt: now, Asset: inspector.Asset{Agent: agent, AutoScalingGroup: fmt.Sprint("asg-", host%20)},
				Attributes: []inspector.Attribute{{Key: "CVE_ID", Value: cve}, {Key: "package_name", Value: fmt.Sprint("package", i)}, {Key: "INSTANCE_ID", Value: agent}},
				Title:      "Instance " + agent + " is vulnerable to " + cve, Description: fmt.Sprintf("%400d", i)}
		}
		if err := tx.SaveResults(ctx, run.ID, agent, inspector.PackageCVE, nil, findings, nil); err != nil {
			return err
		}
	}
	for _, state := range []inspector.RunState{inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
		inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules, inspector.Completed} {
		if err := tx.ChangeRunState(ctx, run.ID, state, now); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkListFindings reads a page of 100 findings from the middle with every
// filter and some pairs of filters.
func BenchmarkListFindings(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		fillFindings(b, s)
		attribute := func(k, v string) []inspector.Attribute { return []inspector.Attribute{{Key: k, Value: v}} }
		for name, filter := range map[string]inspector.FindingFilter{
			"None":              {},
			"Run":               {Runs: []string{"0-run00005"}},
			"Runs":              {Runs: []string{"0-run00003", "0-run00005", "0-run00007"}},
			"RunPackage":        {Runs: []string{"0-run00005"}, PackageARNs: []string{"arn:none"}},
			"RunGroup":          {Runs: []string{"0-run00005"}, AutoScalingGroups: []string{"asg-none"}},
			"Agent":             {Agents: []string{"i-00042"}},
			"Rule":              {Rules: []string{"CVE-2026-100"}},
			"Severity":          {Severities: []inspector.Severity{inspector.High}},
			"SeverityNone":      {Severities: []inspector.Severity{inspector.Undefined}},
			"Severities":        {Severities: []inspector.Severity{inspector.High, inspector.Low}},
			"Package":           {PackageARNs: []string{"arn:cis"}},
			"PackageSeverity":   {PackageARNs: []string{"arn:cis"}, Severities: []inspector.Severity{inspector.Undefined, inspector.Medium}},
			"Group":             {AutoScalingGroups: []string{"asg-3"}},
			"GroupSeverity":     {AutoScalingGroups: []string{"asg-3"}, Severities: []inspector.Severity{inspector.Undefined}},
			"GroupPackage":      {AutoScalingGroups: []string{"asg-3"}, PackageARNs: []string{"arn:none"}},
			"AgentRule":         {Agents: []string{"i-00042"}, Rules: []string{"CVE-2026-0"}},
			"RuleSeverity":      {Rules: []string{"CVE-2026-100"}, Severities: []inspector.Severity{inspector.Undefined}},
			"Attribute":         {Attributes: attribute("package_name", "package7")},
			"AttributeSeverity": {Attributes: attribute("package_name", "package7"), Severities: []inspector.Severity{inspector.Undefined}},
			"Created":           {Created: inspector.TimeRange{Begin: time.Unix(1_700_000_000, 0).Add(4 * time.Hour), End: time.Unix(1_700_000_000, 0).Add(5 * time.Hour)}},
			"CreatedSeverity":   {Created: inspector.TimeRange{Begin: time.Unix(1_700_000_000, 0).Add(4 * time.Hour)}, Severities: []inspector.Severity{inspector.Undefined}},
		} {
			b.Run(name, func(b *testing.B) {
				var slowest time.Duration
				for b.Loop() {
					begun := time.Now()
					if _, _, err := s.ListFindings(b.Context(), filter, inspector.Page{Limit: 100, After: "3/0-M"}); err != nil {
						b.Fatal(err)
					}
					slowest = max(slowest, time.Since(begun))
				}
				b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
			})
		}
	})
}

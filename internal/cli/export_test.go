package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gojson "github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/service"
	"assay/internal/store"
	"assay/internal/telemetry"
)

var exportScope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}

// assessed is a deployment with a run that is over: hosts with so many findings
// each, the severities in turn, and exclusions if there are to be any.
func assessed(t *testing.T, hosts, findings int, unchecked bool) map[string]string {
	t.Helper()
	env := deploymentOf(t, service.Config{Scope: exportScope})
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(env["ASSAY_DATA"], "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.Scope = exportScope
	ctx, now := t.Context(), time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	pkg := exportScope.PackageARN(inspector.PackagePractices).String()
	run := inspector.Run{Target: "0-target01", Template: "0-templat1", ID: "0-run00001", Name: "nightly", State: inspector.Created, CreatedAt: now, StateChangedAt: now, Duration: time.Hour, Packages: []string{pkg}}
	agents := []string{}
	for i := range hosts {
		agents = append(agents, fmt.Sprintf("i-%017x", i))
	}
	results := keptResults(t)
	err = db.Update(ctx, func(tx *store.Tx) error {
		err := errors.Join(
			tx.CreateTarget(ctx, inspector.Target{ID: run.Target, Name: "all", CreatedAt: now, UpdatedAt: now}, inspector.Limits{}),
			tx.CreateTemplate(ctx, inspector.Template{Target: run.Target, ID: run.Template, Name: "t", Duration: time.Hour, Packages: run.Packages, CreatedAt: now}, inspector.Limits{}),
			tx.CreateRun(ctx, run, []byte("key"), agents, inspector.Limits{}),
		)
		for _, state := range []inspector.RunState{
			inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData, inspector.StopDataCollectionPending,
			inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
		} {
			err = errors.Join(err, tx.ChangeRunState(ctx, run.ID, state, now))
		}
		for _, agent := range agents {
			err = errors.Join(err, tx.SaveResults(ctx, run.ID, agent, inspector.PackagePractices, results, someFindings(run, agent, findings), someExclusions(run, agent, unchecked)))
		}
		end := inspector.Completed
		if unchecked {
			end = inspector.CompletedWithErrors
		}
		return errors.Join(err, tx.ChangeRunState(ctx, run.ID, end, now))
	})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// keptResults are results as the service keeps them.
func keptResults(t *testing.T) []byte {
	t.Helper()
	data, err := gojson.Marshal(assess.HostResults{Package: inspector.PackagePractices, Version: "1.0", Results: []rules.Result{{Rule: "root-login-over-ssh", Verdict: rules.Failed}}})
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(data, nil)
}

func someFindings(run inspector.Run, agent string, n int) []inspector.Finding {
	all := []inspector.Finding{}
	for i := range n {
		id := fmt.Sprintf("0-%s%04d", agent[len(agent)-4:], i)
		all = append(all, inspector.Finding{
			Target: run.Target, Template: run.Template, Run: run.ID, ID: id, Agent: agent, Package: inspector.PackagePractices, PackageARN: run.Packages[0],
			Rule: "root-login-over-ssh", Subject: fmt.Sprint(i), FindingID: "Disable root login over SSH", Title: fmt.Sprintf("Finding %d of %s", i, agent),
			Description: "Root can log in.", Recommendation: "Set PermitRootLogin no.", Severity: inspector.Severities()[i%4], Confidence: 10,
			Attributes: []inspector.Attribute{{Key: "INSTANCE_ID", Value: agent}}, Asset: inspector.Asset{Agent: agent, Hostname: "web.example"},
			Evidence:  []inspector.Evidence{{Sensor: "config", Record: "text:/etc/ssh/sshd_config", File: "/etc/ssh/sshd_config", Line: 33, Found: "PermitRootLogin yes", Expected: "no"}},
			CreatedAt: run.CreatedAt, UpdatedAt: run.CreatedAt,
		})
	}
	return all
}

func someExclusions(run inspector.Run, agent string, any bool) []inspector.Exclusion {
	if !any {
		return nil
	}
	return []inspector.Exclusion{{
		Run: run.ID, ID: "0-ex" + agent[len(agent)-6:], Title: "Not all could be read", Description: "A file was not readable.", Recommendation: "Run the agent as root.",
		Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: agent}},
	}}
}

// A run of several pages comes out whole in each format, the same each time, with
// the evidence, and with the exit code that tells whether it was all.
func TestExport(t *testing.T) {
	env := assessed(t, 3, 400, false)
	for format, lines := range map[string]int{"csv": 1 + 1200, "jsonl": 1 + 1200, "ocsf": 1200, "asff": 2 + 1200, "sarif": 1200 + 3} {
		code, stdout, stderr := run(t.Context(), env, "export", "-format", format)
		if got := strings.Count(stdout, "\n"); code != ExitClean || got != lines || stderr != "" {
			t.Errorf("%s: exit code %d, %d lines, want %d; %s", format, code, got, lines, stderr)
		}
		if format != "asff" && !strings.Contains(stdout, "PermitRootLogin yes") {
			t.Errorf("%s has no evidence", format)
		}
		path := filepath.Join(t.TempDir(), "findings")
		code, again, stderr := run(t.Context(), env, "export", "-format", format, "-o", path, "0-run00001")
		data, err := os.ReadFile(path)
		if code != ExitClean || again != "" || err != nil || string(data) != stdout || !strings.Contains(stderr, "1200 findings written") {
			t.Errorf("%s into a file: exit code %d, %d bytes, want %d; %v, %s", format, code, len(data), len(stdout), err, stderr)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("%s leaves %v", format, entries)
		}
	}
	for _, test := range []struct {
		args string
		want int
	}{
		{"-severity high", 300}, {"-severity High,informational", 600}, {"-severity high -severity low", 600},
		{"-package practices", 1200}, {"-package practices,cve -severity medium", 300},
	} {
		_, stdout, stderr := run(t.Context(), env, append([]string{"export"}, strings.Fields(test.args)...)...)
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if err != nil || len(rows) != test.want+1 {
			t.Errorf("export %s: %d findings, want %d; %v %s", test.args, len(rows)-1, test.want, err, stderr)
		}
	}
}

// What could not be checked is in the export, and in the exit code; also if the
// findings are filtered.
func TestExportOfAnIncompleteRun(t *testing.T) {
	env := assessed(t, 2, 4, true)
	for _, format := range []string{"csv", "jsonl", "ocsf", "asff", "sarif"} {
		code, stdout, stderr := run(t.Context(), env, "export", "-format", format, "-severity", "high")
		if code != ExitIncomplete || strings.Count(stdout, "Run the agent as root.") != 2 || !strings.Contains(stderr, "incomplete") {
			t.Errorf("%s: exit code %d\n%s%s", format, code, stdout, stderr)
		}
	}
}

func TestExportShowsProgress(t *testing.T) {
	env := assessed(t, 2, 300, false)
	var out, errs bytes.Buffer
	c := Command{Args: []string{"export", "-severity", "high,medium"}, Getenv: func(name string) string { return env[name] }, Stdout: &out, Stderr: &errs, Terminal: true}
	if code := c.Run(t.Context()); code != ExitClean || !strings.Contains(errs.String(), "300 of 300 findings") || !strings.HasSuffix(errs.String(), "\r\x1b[K") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

func TestExportRefuses(t *testing.T) {
	env := assessed(t, 1, 1, false)
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"-format xml", ExitUsage, "csv, jsonl, sarif, asff, ocsf"},
		{"-severity catastrophic", ExitUsage, "no severity"},
		{"-severity high,", ExitUsage, "no severity"},
		{"-package nonsense", ExitUsage, "no rules package"},
		{"-package cve -o " + kept, ExitUsage, "none of the rules packages"},
		{"-product-arn nonsense", ExitUsage, "Security Hub product"},
		{"-o " + dir, ExitUsage, "no regular file"},
		{"-o /dev/null", ExitUsage, "no regular file"},
		{"-o " + filepath.Join(dir, "absent", "file"), ExitIncomplete, "absent"},
		{"-o " + kept + " 0-run00002", ExitIncomplete, "no assessment run"},
		{"a b", ExitUsage, "at most one argument"},
	} {
		code, stdout, stderr := run(t.Context(), env, append([]string{"export"}, strings.Fields(test.args)...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("export %s: exit code %d, %q, %q", test.args, code, stderr, stdout)
		}
	}
	if data, err := os.ReadFile(kept); err != nil || string(data) != "kept" {
		t.Errorf("what failed left %q, %v", data, err)
	}
}

// A snapshot file's findings in each format that needs no account; what its
// sensors did not see is in all of them.
func TestEvaluateExports(t *testing.T) {
	path, _ := snapshot(t, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	for _, args := range []string{"csv", "jsonl", "sarif", "ocsf", "asff -product-arn arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default"} {
		all := append(append([]string{"evaluate", "-format"}, strings.Fields(args)...), path)
		code, stdout, stderr := run(t.Context(), nil, all...)
		if code != ExitIncomplete || stderr != "" || !strings.Contains(stdout, "not evaluated") || strings.Contains(stdout, "arn:aws:inspector") {
			t.Errorf("evaluate -format %s: exit code %d, %s\n%s", args, code, stderr, stdout)
		}
	}
	for _, args := range []string{"-format xml", "-format asff", "-format csv -json"} {
		all := append(append([]string{"evaluate"}, strings.Fields(args)...), path)
		if code, stdout, _ := run(t.Context(), nil, all...); code != ExitUsage || stdout != "" {
			t.Errorf("evaluate %s: exit code %d", args, code)
		}
	}
	_, stdout, _ := run(t.Context(), nil, "evaluate", "-format", "jsonl", path)
	scanner := bufio.NewScanner(strings.NewReader(stdout))
	var head struct {
		Kind, Name string
		Complete   bool
	}
	if !scanner.Scan() || json.Unmarshal(scanner.Bytes(), &head) != nil || head.Kind != "run" || head.Name != "snapshot" || head.Complete {
		t.Errorf("the first line is %s", scanner.Text())
	}
}

package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/store"
	"assay/internal/testenv"
)

// ofAWS is the rules package's ARN in the deployment's region, as AWS has published it.
const ofAWS = "arn:aws:inspector:eu-central-1:537503971621:rulespackage/0-wNqHa8M9"

// published are advisories and scores as the index has them: one CVE with scores of two
// versions of CVSS, one without any, and more than a page's worth of a kernel's.
func published(t *testing.T) *index.Current {
	t.Helper()
	dir, now := t.TempDir(), time.Now()
	b, err := index.New(dir, 0)
	check(t, err)
	add := func(advisoryID, id, name, fixed string) {
		check(t, b.Record(advisory.Record{ID: advisoryID, CVEs: []string{id}, Affected: []advisory.Affected{{
			Ecosystem: "Debian:12", Package: name, Status: advisory.Fixed, Ranges: []advisory.Range{{Fixed: fixed}},
		}}}))
	}
	add("DSA-1-1", "CVE-2026-2", "openssl", "3.0.14-1~deb12u1")
	add("DSA-2-1", "CVE-2026-3", "bash", "99")
	for n := range 30 {
		add(fmt.Sprintf("DSA-3-%d", n), fmt.Sprintf("CVE-2025-%04d", n+1), "curl", "8")
	}
	check(t, b.Fact(advisory.Fact{ID: "CVE-2026-2", CVSS: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV:N/AC:L/Au:N/C:N/I:N/A:P"}}))
	_, err = b.Finish(t.Context(), now, []index.Source{{Name: "a-test", From: "a test", Kind: "osv", Fetched: now, Newest: now, Records: 32, Unfixed: true, Ecosystems: []string{"Debian:12"}}})
	check(t, errors.Join(err, b.Close()))
	set, err := index.Open(dir)
	check(t, err)
	var current index.Current
	check(t, current.Replace(set))
	t.Cleanup(func() { check(t, current.Replace(nil)) })
	return &current
}

// vulnerable adds a run of the rules package for vulnerabilities: what it says itself of a
// host with packages that have some.
func (w *world) vulnerable() (arn string) {
	w.t.Helper()
	ctx, now := w.t.Context(), time.Now().UTC()
	pkg := cve.New(published(w.t))
	h := hosttest.Parse(w.t, "system debian 12\npackage dpkg libssl3 3.0.11-1~deb12u2; source=openssl:3.0.11-1~deb12u2\npackage dpkg bash 5.2.15-2\npackage dpkg curl 7.88.1-10").Host()
	results, err := pkg.Evaluate(ctx, h, rules.Input{Now: now, Settings: map[string]string{}})
	check(w.t, err)
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(string(w.folder), "assay.db"))
	check(w.t, err)
	defer db.Close()
	db.Scope = scope
	run := inspector.Run{
		Target: "0-seedtarg", Template: "0-seedtmpl", ID: "0-seedcve0", Name: "vulnerabilities", State: inspector.Created, CreatedAt: now, StateChangedAt: now, Duration: time.Hour,
		Packages: []string{scope.PackageARN(inspector.PackageCVE).String()},
	}
	subject := rules.Subject{Run: run, Agent: inspector.Asset{Agent: "i-0123456789abcdef0", Hostname: "web0.example"}, PackageARN: run.Packages[0], Key: []byte("k"), Now: now}
	found, exclusions := rules.Derive(pkg.Describe(), subject, results)
	check(w.t, db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.CreateRun(ctx, run, []byte("key"), []string{subject.Agent.Agent}, inspector.Limits{}), evaluating(ctx, tx, run),
			tx.SaveResults(ctx, run.ID, subject.Agent.Agent, inspector.PackageCVE, kept(w.t, inspector.PackageCVE), found, exclusions),
			tx.ChangeRunState(ctx, run.ID, inspector.Completed, now))
	}))
	return scope.Run(run.Target, run.Template, run.ID).String()
}

// What scripts match of vulnerabilities is as Inspector had it: id, title, attributes.
func TestVulnerabilitiesReport(t *testing.T) {
	t.Parallel()
	py := python(t)
	w := newWorld(t)
	var report struct {
		ARN  string
		Rows map[string][]any
	}
	out := w.program(w.environment("CVE_RUN="+w.vulnerable()), py, "testdata/cve_report.py")
	check(t, json.Unmarshal([]byte(out), &report))
	want := map[string][]any{
		"CVE-2026-2": {"High", 9.0, "libssl3", map[string]any{
			"CVSS3_SCORE": "9.8", "CVSS3_SCORE_VECTOR": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS2_SCORE": "5.0", "CVSS2_SCORE_VECTOR": "AV:N/AC:L/Au:N/C:N/I:N/A:P"}},
		"CVE-2026-3": {"Medium", 6.0, "bash", map[string]any{}},
	}
	got := map[string][]any{}
	for id := range want {
		got[id] = report.Rows[id]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(report.Rows) != 32 || report.ARN != ofAWS {
		t.Errorf("%s has %d findings; want -, got +\n%s", report.ARN, len(report.Rows), diff)
	}
}

// The same with Debian's aws-cli.
func TestVulnerabilitiesAWSCLI(t *testing.T) {
	t.Parallel()
	cli := testenv.Need(t, "/usr/bin/aws", "awscli")
	w := newWorld(t)
	run, env := w.vulnerable(), w.environment()
	get := func(query string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), cli, append([]string{"--endpoint-url", w.client.Endpoint, "--output", "text", "--query", query, "inspector"}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	list := func(filter string) string {
		return get("findingArns", "list-findings", "--assessment-run-arns", run, "--filter", filter)
	}
	if got := get("rulesPackages[0].name", "describe-rules-packages", "--rules-package-arns", ofAWS); got != "Common Vulnerabilities and Exposures" {
		t.Errorf("%s is called %q", ofAWS, got)
	}
	if got := strings.Fields(list(`{"rulesPackageArns":["` + ofAWS + `"],"severities":["High","Medium"]}`)); len(got) != 32 {
		t.Errorf("%d findings of the package", len(got))
	}
	finding := list(`{"attributes":[{"key":"CVE_ID","value":"CVE-2026-2"},{"key":"package_name","value":"libssl3"}],"severities":["High"]}`)
	if finding != list(`{"attributes":[{"key":"CVSS3_SCORE","value":"9.8"}]}`) {
		t.Errorf("by its score it is not %q", finding)
	}
	if got := get("findings[0].[id,title,severity]", "describe-findings", "--finding-arns", finding); got != "CVE-2026-2\tInstance i-0123456789abcdef0 is vulnerable to CVE-2026-2\tHigh" {
		t.Errorf("it is described as %q", got)
	}
	if got := list(`{"severities":["Low"]}`); got != "" {
		t.Errorf("with a low severity there are %q", got)
	}
}

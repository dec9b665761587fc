package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/host/hosttest"
	"assay/internal/operator"
	"assay/internal/telemetry"
)

const (
	olderRun = "arn:aws:inspector:xx-local-1:111122223333:target/0-target01/template/0-templat1/run/0-older001"
	newerRun = "arn:aws:inspector:xx-local-1:111122223333:target/0-target01/template/0-templat1/run/0-newer001"
)

// canned are the answers of a service with two runs, by operation.
var canned = map[string]string{
	"ListAssessmentRuns": `{"assessmentRunArns": ["` + olderRun + `", "` + newerRun + `"]}`,
	"DescribeAssessmentRuns": `{"assessmentRuns": [
		{"arn": "` + olderRun + `", "state": "COMPLETED", "createdAt": 1767000000, "findingCounts": {}},
		{"arn": "` + newerRun + `", "state": "COMPLETED", "createdAt": 1768000000, "findingCounts": {"Medium": 1}}]}`,
	"ListExclusions": `{"exclusionArns": []}`,
	"ListAgents":     `{"agents": [{"agentId": "i-0000000000000000a", "hostname": "web-1", "tags": [{"key": "env", "value": "test"}]}, {"agentId": "i-0000000000000000b", "hostname": "web-2"}]}`,
	"ListResults": `{"results": [
		{"agentId": "i-0000000000000000a", "rulesPackage": "practices", "results": [
			{"rule": "root-login-over-ssh", "subject": "sshd", "verdict": "failed", "reason": "root can log in", "evidence": [{"sensor": "config", "record": "r", "found": "PermitRootLogin yes"}]},
			{"rule": "password-maximum-age", "verdict": "failed", "reason": "never", "evidence": [{"sensor": "config", "record": "r", "found": "99999"}],
				"suppressed": {"by": "rule", "id": "0-suppr001", "author": "arn:aws:iam::111122223333:user/alice", "reason": "a test host", "until": "2027-01-31T00:00:00Z"}}]},
		{"agentId": "i-0000000000000000b", "rulesPackage": "practices", "results": [
			{"rule": "root-login-over-ssh", "verdict": "failed", "reason": "root can log in", "evidence": [{"sensor": "config", "record": "r", "found": "PermitRootLogin yes"}]}]}]}`,
	"ListFindings": `{"findingArns": ["` + newerRun + `/finding/0-finding1"]}`,
	"DescribeFindings": `{"findings": [{"arn": "` + newerRun + `/finding/0-finding1", "severity": "Medium", "id": "Disable root login over SSH", "title": "Instance i-0000000000000000a allows root login over SSH",
		"description": "Root can log in.", "recommendation": "Forbid it.", "assetAttributes": {"agentId": "i-0000000000000000a", "hostname": "web-1", "schemaVersion": 1}}]}`,
	"ExplainFindings": `{"findings": [{"arn": "` + newerRun + `/finding/0-finding1", "rulesPackage": "practices", "rule": "root-login-over-ssh", "subject": "sshd", "reason": "root can log in",
		"evidence": [{"sensor": "config", "record": "text:/etc/ssh/sshd_config", "file": "/etc/ssh/sshd_config", "line": 3, "found": "PermitRootLogin yes", "expected": "no"}],
		"firstSeen": {"at": "2025-11-01T10:00:00Z", "runDeleted": true}, "lastSeen": {"at": "2026-01-10T10:00:00Z", "assessmentRunArn": "` + newerRun + `"}}]}`,
	"CompareRuns": `{"nextToken": "more", "hosts": [{"agentId": "i-0000000000000000a", "hostname": "web-1", "rulesPackage": "practices", "changes": [
		{"change": "still open", "before": "open", "rule": "root-login-over-ssh", "finding": "f", "severity": "Medium", "title": "Instance i-0000000000000000a allows root login over SSH",
			"firstSeen": {"at": "2025-11-01T10:00:00Z", "runDeleted": true}, "lastSeen": {"at": "2026-01-10T10:00:00Z", "assessmentRunArn": "` + newerRun + `"}},
		{"change": "new", "before": "absent", "rule": "aslr", "finding": "f", "severity": "High", "title": "ASLR\u001b[2J is off", "firstSeen": {"at": "2026-01-10T10:00:00Z", "assessmentRunArn": "` + newerRun + `"}},
		{"change": "suppressed", "before": "open", "rule": "password-maximum-age", "finding": "f", "severity": "Low", "title": "Passwords do not age",
			"suppressed": {"by": "rule", "id": "0-suppr001", "author": "arn:aws:iam::111122223333:user/alice", "reason": "a test host"}}]}]}`,
	"CompareRuns more": `{"hosts": [{"agentId": "i-0000000000000000b", "hostname": "web-2", "rulesPackage": "practices", "changes": [
		{"change": "fixed", "before": "open", "rule": "root-login-over-ssh", "finding": "f", "severity": "Medium", "title": "Instance i-0000000000000000b allows root login over SSH",
			"firstSeen": {"at": "2025-12-01T10:00:00Z", "assessmentRunArn": "` + olderRun + `"}, "lastSeen": {"at": "2025-12-29T10:00:00Z", "assessmentRunArn": "` + olderRun + `"},
			"goneSince": {"at": "2026-01-10T10:00:00Z", "assessmentRunArn": "` + newerRun + `"}},
		{"change": "new", "before": "not checked", "rule": "aslr", "finding": "f", "severity": "Low", "title": "It is new, or was not looked for"}]}]}`,
	"CompareRuns incomplete": `{"hosts": [{"agentId": "i-0000000000000000b", "rulesPackage": "practices", "changes": [
		{"change": "not checked", "before": "open", "rule": "aslr", "finding": "f", "severity": "Medium", "title": "ASLR is off", "reason": "The sensor was not allowed to look."}]}]}`,
	"AddSuppression": `{"suppressionId": "0-suppr002", "rule": "root-login-over-ssh", "subject": "sshd", "reason": "r", "state": "active", "author": "a", "createdAt": "2026-01-01T00:00:00Z"}`,
}

// cannedService answers as canned, in the way of a variant where there is one, and
// returns the environment of its clients and what was asked last, by operation.
func cannedService(t *testing.T, variant string) (env map[string]string, asked map[string]string) {
	asked = map[string]string{}
	url, bundle := doorOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		body, _ := io.ReadAll(r.Body)
		var page struct{ NextToken string }
		json.Unmarshal(body, &page)
		asked[operation] = string(body)
		answer, ok := canned[strings.TrimSpace(operation+" "+page.NextToken)]
		if special, has := canned[operation+" "+variant]; has && page.NextToken == "" {
			answer = special
		}
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, answer)
	})
	return map[string]string{envEndpoint: url, envKey: "A", envSecret: "s", envRegion: "xx-local-1", envBundle: bundle}, asked
}

// TestSuppressionTranscripts prints what commands show of a service with two runs.
func TestSuppressionTranscripts(t *testing.T) {
	var out strings.Builder
	for _, test := range []struct {
		variant string
		args    []string
	}{
		{"", []string{"findings", "-since", "0-older001"}},
		{"", []string{"findings", "-since", "0-older001", "-fail-on", "high"}},
		{"", []string{"findings", "-since", "0-older001", "-json", "0-newer001"}},
		{"incomplete", []string{"findings", "-since", "0-older001", "-fail-on", "high"}},
		{"", []string{"findings", "-suppressed"}},
		{"", []string{"findings", "-suppressed", "-json"}},
		{"", []string{"findings"}},
		{"", []string{"results"}},
		{"", []string{"explain", "0-finding1"}},
		{"", []string{"suppress", "add", "-preview", "-rule", "root-login-over-ssh"}},
		{"", []string{"suppress", "add", "-preview", "-rule", "root-login-over-ssh", "-tag", "env=test"}},
		{"", []string{"suppress", "add", "-preview", "-rule", "root-login-over-ssh", "-host", "WEB-2", "-json"}},
		{"", []string{"suppress", "add", "-preview", "-finding", "CVE-2024-*"}},
		{"", []string{"suppress", "add", "-from", "0-finding1", "-reason", "a bastion", "-forever"}},
	} {
		env, _ := cannedService(t, test.variant)
		code, stdout, stderr := run(t.Context(), env, test.args...)
		fmt.Fprintf(&out, "$ assay %s\n%s%s[exit code %d]\n\n", strings.Join(test.args, " "), stdout, stderr, code)
	}
	golden(t, "suppressions.golden", out.String())
}

// What -from selects is the finding on its host, and other flags change that.
func TestSuppressFrom(t *testing.T) {
	for _, test := range []struct {
		args, want string
	}{
		{"", `{"rulesPackage":"practices","rule":"root-login-over-ssh","finding":"Disable root login over SSH","subject":"sshd","agentId":"i-0000000000000000a","reason":"r","forever":true}`},
		{"-any-host", `{"rulesPackage":"practices","rule":"root-login-over-ssh","finding":"Disable root login over SSH","subject":"sshd","reason":"r","forever":true}`},
		{"-host web-*", `{"rulesPackage":"practices","rule":"root-login-over-ssh","finding":"Disable root login over SSH","subject":"sshd","hostname":"web-*","reason":"r","forever":true}`},
		{"-tag env=test", `{"rulesPackage":"practices","rule":"root-login-over-ssh","finding":"Disable root login over SSH","subject":"sshd","tags":[{"key":"env","value":"test"}],"reason":"r","forever":true}`},
		{"-subject ssh* -cve CVE-2024-1 -attribute a=b", `{"rulesPackage":"practices","rule":"root-login-over-ssh","finding":"CVE-2024-1","subject":"ssh*","attributes":[{"key":"a","value":"b"}],"agentId":"i-0000000000000000a","reason":"r","forever":true}`},
	} {
		env, asked := cannedService(t, "")
		code, _, stderr := run(t.Context(), env, append([]string{"suppress", "add", "-from", "0-finding1", "-reason", "r", "-forever"}, strings.Fields(test.args)...)...)
		if code != 0 || asked["AddSuppression"] != test.want {
			t.Errorf("%s: exit code %d (%s), asked\n%s, want\n%s", test.args, code, stderr, asked["AddSuppression"], test.want)
		}
	}
}

// Suppressions against a service, and what is printed of them back into evaluate.
func TestSuppress(t *testing.T) {
	env := deployment(t)
	ok := func(args ...string) (string, string) {
		t.Helper()
		code, out, stderr := run(t.Context(), env, args...)
		if code != 0 {
			t.Fatalf("assay %v: exit code %d, %q, %q", args, code, out, stderr)
		}
		return out, stderr
	}
	if out, _ := ok("suppress", "-json"); out != "[]\n" {
		t.Errorf("the first list is %q", out)
	}
	id, stderr := ok("suppress", "add", "-cve", "CVE-2024-*", "-package", "cve", "-attribute", "package_name=openssl", "-reason", "not <reachable>", "-until", "2099-01-31")
	id = strings.TrimSuffix(id, "\n")
	if len(id) != 10 || stderr != "From the next run on, finding CVE-2024-*, package cve, attribute package_name=openssl is suppressed until 2099-01-31 00:00 UTC.\n" {
		t.Errorf("it prints %q, %q", id, stderr)
	}
	ok("suppress", "add", "-rule", "root-login-over-ssh", "-reason", "r", "-until", "90d", "-json")
	if _, stderr := ok("suppress", "revoke", id); !strings.Contains(stderr, id+" is revoked") {
		t.Errorf("it prints %q", stderr)
	}
	if out, _ := ok("suppress", "list"); !strings.Contains(out, "revoked") || !strings.Contains(out, "active") || !strings.Contains(out, "administrator") {
		t.Errorf("the list is\n%s", out)
	}
	var listed []operator.Suppression
	out, _ := ok("suppress", "list", "-json")
	if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed) != 2 {
		t.Fatalf("the list is %q, %v", out, err)
	}
	if end := time.Until(listed[1].Until); end < 89*24*time.Hour || end > 90*24*time.Hour {
		t.Errorf("it ends in %v", end)
	}
	back, err := readSuppressions([]byte(out))
	if err != nil || len(back) != 2 || back[0].ID != id || back[0].RevokedBy == "" || back[1].Rule != "root-login-over-ssh" {
		t.Errorf("what is printed is read as %+v, %v", back, err)
	}
	if audit, _ := ok("audit", "-json"); !strings.Contains(audit, "AddSuppression") || !strings.Contains(audit, "RevokeSuppression") {
		t.Error("the record of calls does not have them")
	}
}

func TestSuppressRefusals(t *testing.T) {
	env := deployment(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"frobnicate", ExitUsage, "no action"},
		{"add", ExitUsage, "-until or -forever"},
		{"add -rule x -forever", ExitUsage, "-reason"},
		{"add -rule x -reason r", ExitUsage, "-until or -forever"},
		{"add -rule x -reason r -forever -until 90d", ExitUsage, "-until or -forever"},
		{"add -rule x -reason r -until soon", ExitUsage, "no time to end at"},
		{"add -rule x -reason r -until 2020-01-01", ExitUsage, "end before"},
		{"add -rule x -reason r -until -5h", ExitUsage, "end before"},
		{"add -rule x -reason r -until 0d", ExitUsage, "end before"},
		{"add -rule x -reason r -until 99999d", ExitUsage, "2199"},
		{"add -reason r -forever", ExitUsage, "whatever is found"},
		{"add -package cve -host web-1 -reason r -forever", ExitUsage, "whatever is found"},
		{"add -finding * -reason r -forever", ExitUsage, "nearly everything"},
		{"add -cve CVE-* -reason r -forever", ExitUsage, "nearly everything"},
		{"add -package nonsense -rule x -reason r -forever", ExitUsage, "no rules package"},
		{"add -tag x -rule x -reason r -forever", ExitUsage, "key=value"},
		{"add -any-host -rule x -reason r -forever", ExitUsage, "-from"},
		{"add -from 0-nothing1 -reason r -forever", ExitIncomplete, "no assessment run is over"},
		{"add -preview -rule x", ExitIncomplete, "no assessment run is over"},
		{"add -preview -finding *", ExitUsage, "nearly everything"},
		{"revoke", ExitUsage, "one argument"},
		{"revoke 0-nothing1", ExitIncomplete, "no suppression"},
	} {
		code, out, stderr := run(t.Context(), env, append([]string{"suppress"}, strings.Fields(test.args)...)...)
		if code != test.code || out != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("assay suppress %s: exit code %d, %q, %q, want %d with %q", test.args, code, out, stderr, test.code, test.want)
		}
	}
	for _, args := range []string{"findings -suppressed -since x", "findings -fail-on high", "findings -since x -fail-on bad"} {
		if code, out, stderr := run(t.Context(), env, strings.Fields(args)...); code != ExitUsage || out != "" {
			t.Errorf("assay %s: exit code %d, %q, %q", args, code, out, stderr)
		}
	}
}

func TestReadSuppressions(t *testing.T) {
	for text, want := range map[string]string{
		"":    "not what assay suppress list -json prints",
		"{}":  "not what assay suppress list -json prints",
		"[]x": "something follows",
		`[{"rule": "r", "reason": "x", "finding_id": "typo"}]`: "unknown field",
		`[{"suppressionId": "0-a", "reason": "x"}]`:            "entry 1 (0-a): the suppression is not valid: it would suppress whatever is found",
		`[{"rule": "r"}]`:                   "no reason",
		`[{"finding": "*", "reason": "x"}]`: "nearly everything",
		`[{"rule": "r", "reason": "x", "createdAt": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}]`:            "",
		`[{"rule": "r", "reason": "x", "createdAt": "2020-01-01T00:00:00Z"}]`:                                             "",
		`[{"rule": "r", "reason": "x", "createdAt": "2020-03-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}]`:            "end before",
		`[{"rule": "r", "reason": "x", "state": "active", "author": "a"}, {"rule": "", "reason": "x", "agentId": "i-1"}]`: "entry 2",
	} {
		_, err := readSuppressions([]byte(text))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", text, err, want)
		}
	}
}

func FuzzReadSuppressions(f *testing.F) {
	f.Add([]byte(`[{"rule": "r", "reason": "x", "createdAt": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}]`))
	f.Add([]byte(`[{"finding": "CVE-2024-*", "tags": [{"key": "a", "value": "b"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := readSuppressions(data)
		if err != nil {
			return
		}
		for _, s := range all {
			if !s.Narrow() || strings.TrimSpace(s.Reason) == "" {
				t.Fatalf("%+v was read", s)
			}
		}
	})
}

// A snapshot is evaluated as the service would: what the file says is suppressed, and
// told of.
func TestEvaluateSuppresses(t *testing.T) {
	var snapshot bytes.Buffer
	w, err := telemetry.NewWriter(&snapshot, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Parse(t, "system debian 12\nparam kernel.randomize_va_space 1\n").Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path, file := filepath.Join(t.TempDir(), "snapshot"), filepath.Join(t.TempDir(), "suppressions")
	if err := os.WriteFile(path, snapshot.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		suppressions string
		suppressed   int
		want         string // in the error
	}{
		{"[]", 0, ""},
		{`[{"suppressionId": "0-a", "rule": "aslr", "reason": "r", "author": "a"}]`, 1, ""},
		{`[{"rule": "aslr", "reason": "r", "createdAt": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}]`, 0, ""},
		{`[{"rule": "aslr", "reason": "r", "revokedAt": "2020-02-01T00:00:00Z"}]`, 0, ""},
		{`[{"rule": "aslr", "reason": "r", "agentId": "i-1"}]`, 0, ""},
		{`[{"finding": "*", "reason": "r"}]`, 0, "nearly everything"},
	} {
		if err := os.WriteFile(file, []byte(test.suppressions), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := run(t.Context(), nil, "evaluate", "-json", "-suppressions", file, path)
		if test.want != "" {
			if stdout != "" || !strings.Contains(stderr, test.want) || code != ExitIncomplete {
				t.Errorf("%s: exit code %d, %q, %q", test.suppressions, code, stdout, stderr)
			}
			continue
		}
		var got outcome
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		aslr := 0
		for _, f := range got.Findings {
			if f.Rule == "aslr" {
				aslr++
			}
		}
		if got.Suppressed != test.suppressed || aslr != 1-test.suppressed || got.Verdicts["failed"] != 4 {
			t.Errorf("%s: %d suppressed, %d findings of the rule, %v", test.suppressions, got.Suppressed, aslr, got.Verdicts)
		}
	}
	if code, _, _ := run(t.Context(), nil, "evaluate", "-suppressions", "/nonexistent", path); code != ExitIncomplete {
		t.Errorf("without the file the exit code is %d", code)
	}
}

package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	scope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}
	noon  = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
)

// hostile is what a host could put into what it tells.
const hostile = "=cmd|' /C calc'!A0\x1b]0;gotcha\x07 \"quoted\",\r\nnext </script> \u202eevil \xff"

func seq[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, entry := range list {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func failing[T any](err error, list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, entry := range list {
			if !yield(entry, nil) {
				return
			}
		}
		var none T
		yield(none, err)
	}
}

// sample is a run with a finding of every rules package, and of every kind.
func sample() Run {
	arn := scope.Run("0-aaaaaaaa", "0-bbbbbbbb", "0-cccccccc")
	asset := inspector.Asset{Agent: "i-0123456789abcdef0", Hostname: "web0.example", IPv4Addresses: []string{"192.0.2.1", "192.0.2.2"}, AMI: "ami-1", Tags: []inspector.Tag{{Key: "env", Value: "prod"}}}
	make := func(p inspector.PackageID, severity inspector.Severity, rule, id, title string, attributes ...string) Finding {
		f := Finding{Finding: inspector.Finding{
			Agent: asset.Agent, Asset: asset, Package: p, PackageARN: scope.PackageARN(p).String(), Rule: rule, FindingID: id, Title: title, Severity: severity, Confidence: 10,
			Description: title + ", and that is bad.", Recommendation: "Mend it.", CreatedAt: noon, UpdatedAt: noon,
			Attributes: []inspector.Attribute{{Key: "INSTANCE_ID", Value: asset.Agent}}, UserAttributes: []inspector.Attribute{{Key: "team", Value: "web"}},
		}}
		for i := 0; i+1 < len(attributes); i += 2 {
			f.Attributes = append(f.Attributes, inspector.Attribute{Key: attributes[i], Value: attributes[i+1]})
		}
		f.ARN = arn.Finding(inspector.IDFrom([]byte(digest(rule, id, title)))).String()
		return f
	}
	ssh := make(inspector.PackagePractices, inspector.Medium, "root-login-over-ssh", "Disable root login over SSH", "Instance "+asset.Agent+" allows root to log in over SSH")
	ssh.FirstSeen = noon.AddDate(0, -1, 0)
	ssh.Evidence = []inspector.Evidence{
		{Sensor: "config", Record: "text:/etc/ssh/sshd_config", File: "/etc/ssh/sshd_config", Line: 33, Found: "PermitRootLogin yes", Expected: "no"},
		{Sensor: "config", Record: "unit:ssh.service", Found: "sshd runs"},
		{Sensor: "files", Record: "file:C:\\a b\\ü#?.conf", File: "C:\\a b\\ü#?.conf", Found: "it is there"},
	}
	evil := make(inspector.PackagePractices, inspector.High, "writable-system-directories", "Writable", hostile, "OWNER", hostile)
	evil.Description, evil.Recommendation, evil.Subject, evil.Asset.Hostname = hostile, hostile, hostile, "@SUM(1+1)"
	evil.Evidence = []inspector.Evidence{{Sensor: hostile, Record: hostile, File: hostile, Line: 1, Found: hostile, Expected: hostile}}
	none := make(inspector.PackageBehavior, inspector.Informational, "", inspector.TitleNoIssues, inspector.TitleNoIssues)
	none.Evidence, none.UserAttributes, none.Recommendation = nil, nil, ""
	unchecked := []inspector.Exclusion{
		{Run: arn.ID, ID: "0-exclusi1", Title: "2 rules were not evaluated", Description: "sshd_config could not be read", Recommendation: "Run the agent as root.",
			Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: asset.Agent}, {Type: inspector.ScopeRulesPackage, Value: scope.PackageARN(inspector.PackageCIS).String()}}},
		{Run: arn.ID, ID: "0-exclusi2", Title: hostile, Description: "", Error: true},
	}
	packages := []inspector.RulesPackage{}
	for i, name := range []string{"Common Vulnerabilities and Exposures", "CIS Operating System Security Configuration Benchmarks", "Security Best Practices", "Runtime Behavior Analysis", "Network Reachability"} {
		packages = append(packages, inspector.RulesPackage{ID: inspector.Packages()[i], Name: name, Version: "1.0"})
	}
	return Run{
		ARN: arn, Name: "nightly", State: inspector.CompletedWithErrors, StartedAt: noon.Add(-time.Hour), CompletedAt: noon, Packages: packages, Version: "1.2.3",
		Findings: seq(
			make(inspector.PackageCVE, inspector.High, "CVE-2024-3094", "CVE-2024-3094", "Instance "+asset.Agent+" is vulnerable to CVE-2024-3094",
				"CVE_ID", "CVE-2024-3094", "package_name", "xz-utils", "package_version", "5.6.0-0.2", "CVSS3_SCORE", "10.0", "CVSS3_SCORE_VECTOR", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "CVSS2_SCORE", "none"),
			make(inspector.PackageCIS, inspector.Low, "xccdf_1.1.2", "1.1.2 Ensure /tmp is configured", "Instance "+asset.Agent+" is not compliant with rule 1.1.2", "BENCHMARK_RULE_ID", "1.1.2 Ensure /tmp is configured"),
			ssh, evil,
			make(inspector.PackageBehavior, inspector.Low, "insecure-client", "Insecure client protocols", "Instance "+asset.Agent+" speaks telnet"),
			none,
			make(inspector.PackageCVE, inspector.Informational, "", inspector.TitleUnsupported, inspector.TitleUnsupported),
			make(inspector.PackageReachability, inspector.Medium, "recognized-port", "Recognized port reachable from internet", "On instance "+asset.Agent+", TCP port 22 which is associated with 'SSH' is reachable from the internet",
				"VPC", "vpc-1", "PORT", "22"),
		),
		Unchecked: seq(unchecked...),
	}
}

func write(t testing.TB, format string, r Run, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

// The bytes of each format, which are the same each time.
func TestGolden(t *testing.T) {
	for _, format := range Formats() {
		got := write(t, format, sample(), Options{})
		if again := write(t, format, sample(), Options{}); again != got {
			t.Errorf("%s is not the same the second time", format)
		}
		name := filepath.Join("testdata", "sample."+format)
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What is written is one after the other: the first findings are out long before
// the last is in, and no write is larger than a record.
func TestStreams(t *testing.T) {
	const findings = 3_000
	for _, format := range Formats() {
		r := sample()
		var first Finding
		for f := range r.Findings {
			first = f
			break
		}
		w := &meter{}
		r.Findings = func(yield func(Finding, error) bool) {
			for i := range findings {
				f := first
				f.Subject = fmt.Sprint(i)
				if i%1000 == 999 && w.bytes < (i-100)*300 {
					t.Errorf("%s has written %d bytes after %d findings", format, w.bytes, i)
				}
				if !yield(f, nil) {
					return
				}
			}
		}
		if err := Write(w, format, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if w.largest > 16<<10 {
			t.Errorf("%s writes %d bytes at once", format, w.largest)
		}
	}
}

type meter struct{ bytes, largest int }

func (m *meter) Write(p []byte) (int, error) {
	m.bytes += len(p)
	m.largest = max(m.largest, len(p))
	return len(p), nil
}

// An error on either side ends the writing and comes back.
func TestErrors(t *testing.T) {
	broken := errors.New("the service went away")
	for _, format := range Formats() {
		r := sample()
		var all []Finding
		for f := range r.Findings {
			all = append(all, f)
		}
		r.Findings = failing(broken, all...)
		if err := Write(io.Discard, format, r, Options{}); !errors.Is(err, broken) {
			t.Errorf("%s: findings that fail give %v", format, err)
		}
		r = sample()
		r.Unchecked = failing[inspector.Exclusion](broken)
		if err := Write(io.Discard, format, r, Options{}); !errors.Is(err, broken) {
			t.Errorf("%s: exclusions that fail give %v", format, err)
		}
		whole := len(write(t, format, sample(), Options{}))
		for _, most := range []int{0, 1, whole / 2, whole - 1} {
			if err := Write(&full{most}, format, sample(), Options{}); !errors.Is(err, errFull) {
				t.Errorf("%s: a disk with room for %d bytes gives %v", format, most, err)
			}
		}
	}
}

var errFull = errors.New("the disk is full")

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// An incomplete run without a reason gets one; a complete one without exclusions
// has none.
func TestIncompleteIsToldInEveryFormat(t *testing.T) {
	for _, format := range Formats() {
		r := sample()
		r.Findings, r.Unchecked, r.State = seq[Finding](), seq[inspector.Exclusion](), inspector.FailedState
		if got := write(t, format, r, Options{}); !strings.Contains(got, "The assessment is incomplete") || !strings.Contains(got, "FAILED") {
			t.Errorf("%s does not tell that the run failed: %s", format, got)
		}
		r.Complete, r.State = true, inspector.Completed
		if got := write(t, format, r, Options{}); strings.Contains(got, "incomplete") {
			t.Errorf("%s tells of a complete run: %s", format, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		format string
		hasARN bool
		o      Options
		want   string
	}{
		{"xml", true, Options{}, "csv, jsonl, sarif, asff, ocsf"},
		{"", true, Options{}, "no format"},
		{"asff", false, Options{}, "account and a region"},
		{"asff", true, Options{ProductARN: "nonsense"}, "not the ARN of a Security Hub product"},
		{"csv", true, Options{ProductARN: "arn:aws:inspector:eu-central-1:210987654321:target/0-aaaaaaaa"}, "not the ARN of a Security Hub product"},
	} {
		if err := Check(test.format, test.hasARN, test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: the error is %v", test, err)
		}
	}
	r := sample()
	r.ARN = inspector.ARN{}
	if err := Write(io.Discard, "asff", r, Options{ProductARN: "arn:aws:securityhub:eu-central-1::product/acme/scanner"}); err == nil || !strings.Contains(err.Error(), "names no account") {
		t.Errorf("a product without an account: %v", err)
	}
}

// CSV reads back as it was, row for row, and no cell is a formula.
func TestCSV(t *testing.T) {
	text := write(t, "csv", sample(), Options{})
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // every row has as many cells as the first
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(columns, rows[0]); diff != "" || len(rows) != 11 {
		t.Errorf("%d rows, %s", len(rows), diff)
	}
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Error("a line ends without CR")
	}
	for _, row := range rows {
		for i, c := range row {
			if strings.ContainsAny(c[:min(1, len(c))], "=+-@\t\r\n") {
				t.Errorf("the column %s has the formula %q", columns[i], c)
			}
			if strings.ContainsAny(c, "\x1b\x07") {
				t.Errorf("the column %s has control characters: %q", columns[i], c)
			}
		}
	}
	if i := slices.Index(columns, "host"); rows[4][i] != "'@SUM(1+1)" || rows[1][i] != "web0.example" {
		t.Errorf("the hosts are %q and %q", rows[4][i], rows[1][i])
	}
}

func TestCells(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"a=b", "a=b"}, {"1-2", "1-2"}, {" x", " x"}, {" ", " "},
		{"=1+1", "'=1+1"}, {"+1", "'+1"}, {"-1", "'-1"}, {"@a", "'@a"}, {"\ta", "'\ta"}, {"\ra", "'\ra"}, {"\na", "'\na"},
		{" =1", "' =1"}, {"'=1", "''=1"}, {"＝1", "'＝1"}, {"a\x00b", "a\uFFFDb"},
	} {
		if got := cell(test.in); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
		}
	}
}

// A finding is told from every other one on its host, and known again in the
// next run.
func TestFingerprints(t *testing.T) {
	seen := map[string]bool{}
	for f := range sample().Findings {
		again := f
		again.ARN, again.CreatedAt, again.Run, again.Description = "another", noon.Add(time.Hour), "another", "worded otherwise"
		if seen[f.fingerprint()] || again.fingerprint() != f.fingerprint() {
			t.Errorf("the fingerprint of %+v", f)
		}
		seen[f.fingerprint()] = true
	}
	a, b := Finding{}, Finding{}
	a.Rule, a.Subject, b.Rule, b.Subject = "ab", "c", "a", "bc"
	if a.fingerprint() == b.fingerprint() {
		t.Error("a rule and a subject are confused")
	}
}

// Whatever comes from hosts, the documents are whole.
func FuzzWrite(f *testing.F) {
	f.Add(hostile, "k", "v")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		r := sample()
		x := Finding{Finding: inspector.Finding{
			Title: text, Description: text, Recommendation: text, Rule: key, Agent: text, FindingID: value, Subject: text, Severity: inspector.Severity(value),
			Asset:      inspector.Asset{Hostname: text, IPv4Addresses: []string{text}, Tags: []inspector.Tag{{Key: key, Value: value}}},
			Attributes: []inspector.Attribute{{Key: key, Value: value}, {Key: "CVE_ID", Value: value}}, Evidence: []inspector.Evidence{{File: key, Line: len(value), Found: text}},
		}}
		r.Findings = seq(x)
		r.Unchecked = seq(inspector.Exclusion{Title: text, Description: value, Scopes: []inspector.ExclusionScope{{Value: text}}})
		for _, format := range Formats() {
			out := write(t, format, r, Options{})
			if format == "csv" {
				if rows, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || len(rows) != 3 {
					t.Errorf("%d rows, %v", len(rows), err)
				}
				continue
			}
			decoder := json.NewDecoder(strings.NewReader(out))
			for {
				var v any
				if err := decoder.Decode(&v); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v in %s", format, err, out)
				}
			}
		}
	})
}

package practices_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

// whole are hosts on which all nine rules have something to say.
func whole(t testing.TB) map[string]*hosttest.Snapshot {
	t.Helper()
	files, err := filepath.Glob("testdata/hosts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no hosts", err)
	}
	hosts := map[string]*hosttest.Snapshot{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hosts[strings.TrimSuffix(filepath.Base(file), ".txtar")] = hosttest.Parse(t, string(text))
	}
	return hosts
}

// TestNoVerdictFromAbsence: of the whole package, on whole hosts.
func TestNoVerdictFromAbsence(t *testing.T) {
	for name, s := range whole(t) {
		t.Run(name, func(t *testing.T) {
			rulestest.Sound(t, practices.Package{}, s, rules.Input{})
			rulestest.CitedMatters(t, practices.Package{}, s, rules.Input{})
		})
	}
}

func TestEveryRuleHasAVerdict(t *testing.T) {
	d := practices.Package{}.Describe()
	if len(d.Rules) != 9 {
		t.Errorf("%d rules, want nine", len(d.Rules))
	}
	for name, s := range whole(t) {
		results, err := practices.Package{}.Evaluate(context.Background(), s.Host(), rules.Input{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Rules {
			if v := rulestest.Worst(results, r.ID); v != rules.Passed && v != rules.Failed {
				t.Errorf("%s: %s is %q: %+v", name, r.ID, v, results)
			}
		}
	}
}

func TestNothingCollected(t *testing.T) {
	results, err := practices.Package{}.Evaluate(context.Background(), host.New("i-1"), rules.Input{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Verdict != rules.NotEvaluated || r.Reason == "" || r.Remedy == "" {
			t.Errorf("%s: %+v", r.Rule, r)
		}
	}
}

func TestUnknownSystem(t *testing.T) {
	results, err := practices.Package{}.Evaluate(context.Background(), hosttest.Host(t, "system plan9 4\n"), rules.Input{})
	if err != nil {
		t.Fatal(err)
	}
	findings, exclusions := rules.Derive(practices.Package{}.Describe(), rules.Subject{Key: []byte("k")}, results)
	if len(findings) != 1 || findings[0].Title != inspector.TitleUnsupported || findings[0].Severity != inspector.Informational || len(exclusions) != 0 {
		t.Errorf("findings %+v, exclusions %+v", findings, exclusions)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (practices.Package{}).Evaluate(ctx, hosttest.New().Host(), rules.Input{}); err == nil {
		t.Error("no error from an evaluation that was called off")
	}
}

// realistic is a host with as many records as a server has, as an agent sends it.
func realistic(t testing.TB) []byte {
	s := whole(t)["debian12"]
	var packages, texts, files, parameters []telemetry.Record
	for i := range 900 {
		packages = append(packages, &telemetry.Package{Manager: "dpkg", Name: fmt.Sprint("package-", i), Version: "1.2.3-4+deb12u1",
			Arch: "amd64", Source: fmt.Sprint("source-", i), SourceVersion: "1.2.3-4+deb12u1", Status: "installed"})
	}
	for i := range 400 {
		texts = append(texts, &telemetry.Text{Path: fmt.Sprintf("/etc/conf/%d.conf", i), Text: strings.Repeat("# a line of some configuration = value\n", 60)})
	}
	for i := range 6000 {
		files = append(files, &telemetry.File{Path: fmt.Sprintf("/usr/bin/program-%d", i), Kind: telemetry.Regular, Mode: 0o755, Size: 12345, Links: 1, Inode: uint64(i)})
	}
	for i := range 1200 {
		parameters = append(parameters, &telemetry.KernelParameter{Name: fmt.Sprint("net.some.parameter", i), Value: "0"})
	}
	s = s.Add(telemetry.SensorPackages, packages...).Add(telemetry.SensorConfig, texts...).
		Add(telemetry.SensorFiles, files...).Add(telemetry.SensorKernel, parameters...)
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, telemetry.Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkEvaluate is one host: reading its telemetry, all rules, findings.
func BenchmarkEvaluate(b *testing.B) { benchmark(b, realistic(b)) }

func benchmark(b *testing.B, snapshot []byte) {
	p := practices.Package{}
	decoded := int64(0)
	for b.Loop() {
		r, err := telemetry.NewReader(bytes.NewReader(snapshot), telemetry.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		h := host.New("i-1")
		if err := h.Read(r); err != nil {
			b.Fatal(err)
		}
		h.Seal()
		decoded = r.Bytes()
		r.Close()
		results, err := p.Evaluate(context.Background(), h, rules.Input{})
		if err != nil {
			b.Fatal(err)
		}
		rules.Derive(p.Describe(), rules.Subject{Key: []byte("k")}, results)
	}
	b.SetBytes(decoded)
}

// BenchmarkRules is the rules alone.
func BenchmarkRules(b *testing.B) {
	h := whole(b)["debian12"].Host()
	for b.Loop() {
		if _, err := (practices.Package{}).Evaluate(context.Background(), h, rules.Input{}); err != nil {
			b.Fatal(err)
		}
	}
}

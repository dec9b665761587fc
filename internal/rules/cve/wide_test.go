//go:build wide && linux

package cve_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/kev"
	"assay/internal/advisory/osv"
	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// thisHost is this machine, as the agent sees it.
func thisHost(t testing.TB) *host.Host {
	t.Helper()
	testenv.NeedRoot(t)
	file := filepath.Join(t.TempDir(), "host.assay")
	cmd := exec.Command("go", "run", "assay/cmd/assay-agent", "collect", "-o", file)
	// Exit code 3, by way of go run 1, says that a sensor did not see everything: a
	// process that ended meanwhile is enough.
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "the snapshot was written") {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	r, err := telemetry.NewReader(f, telemetry.Limits{})
	must(t, err)
	defer r.Close()
	h := host.New("i-0123456789abcdef0")
	must(t, h.Read(r))
	h.Seal()
	return h
}

// published is the real data: Debian's advisories, and CISA's catalogue.
func published(t testing.TB) world {
	t.Helper()
	w := world{}
	folder := filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data/advisories")
	emit := advisory.Emit{
		Record: func(r advisory.Record) error { w.records = append(w.records, r); return nil },
		Fact:   func(f advisory.Fact) error { w.facts = append(w.facts, f); return nil },
	}
	read := func(name string, parse func(*os.File) error) {
		f, err := os.Open(filepath.Join(folder, name))
		must(t, err)
		defer f.Close()
		must(t, parse(f))
	}
	read("debian-11-12-13.osv.jsonl.zst", func(f *os.File) error { return osv.Read(t.Context(), f, emit) })
	read("kev-2025-08-25.csv.zst", func(f *os.File) error { return kev.Read(t.Context(), f, emit) })
	return w
}

// reference are the vulnerabilities of this machine by dpkg: a loop over the advisories,
// as the file has them, with dpkg --compare-versions.
func reference(t testing.TB) (advisories int, subjects []string) {
	t.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f=${db:Status-Status}\t${source:Package}\t${source:Version}\t${Package}\t${Version}\n").Output()
	must(t, err)
	installed := map[[2]string]bool{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] == "installed" && f[3] != "linux-libc-dev" {
			installed[[2]string{f[1], f[2]}] = true
		}
	}
	f, err := os.Open(filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data/advisories/debian-11-12-13.osv.jsonl.zst"))
	must(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f)
	must(t, err)
	defer z.Close()
	for lines := json.NewDecoder(z); lines.More(); {
		var o struct {
			ID                string
			Upstream, Related []string
			Affected          []struct {
				Package struct{ Ecosystem, Name string }
				Ranges  []struct{ Events []struct{ Fixed string } }
			}
		}
		must(t, lines.Decode(&o))
		for _, a := range o.Affected {
			fixed := a.Ranges[0].Events[len(a.Ranges[0].Events)-1].Fixed
			for p := range installed {
				if a.Package.Ecosystem != "Debian:12" || a.Package.Name != p[0] || exec.Command("dpkg", "--compare-versions", p[1], "lt", fixed).Run() != nil {
					continue
				}
				advisories++
				for _, id := range slices.Concat(o.Upstream, o.Related) {
					if strings.HasPrefix(id, "CVE-") {
						subjects = append(subjects, id+"/"+p[0])
					}
				}
			}
		}
	}
	slices.Sort(subjects)
	return advisories, slices.Compact(subjects)
}

// TestThisHostLikeDpkg compares the findings on this machine with dpkg's order.
func TestThisHostLikeDpkg(t *testing.T) {
	testenv.Need(t, "dpkg-query", "dpkg")
	h := thisHost(t)
	if s := h.System(); !s.OK() || s.Value.OS != "debian" || s.Value.OSVersion != "12" {
		testenv.Missing(t, "Debian 12")
	}
	w := published(t)
	var set index.Current
	must(t, set.Replace(w.set(t, t.TempDir())))
	defer set.Replace(nil)
	results, err := cve.New(&set).Evaluate(t.Context(), h, rules.Input{Now: now})
	must(t, err)
	advisories, want := reference(t)
	var got []string
	states := map[string]int{}
	for _, r := range of(results, fixable, rules.Failed) {
		if r.FindingID[:4] == "CVE-" {
			got = append(got, r.Subject)
			states[attr(r, "RUNTIME_STATE")]++
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-dpkg +rules): %s", diff)
	}
	t.Logf("%d packages; %d advisories of packages, %d findings; in use: %v", len(h.Packages().Values), advisories, len(got), states)
	for _, r := range results {
		if r.Verdict == rules.NotEvaluated || r.Verdict == rules.Error {
			t.Logf("%s: %s", r.Rule, r.Reason)
		}
	}
	for n, r := range of(results, fixable, rules.Failed) {
		if n < 5 {
			t.Log(r.Subject, attr(r, "PRIORITY"), attr(r, "WHY_FIRST"))
		}
	}
}

// BenchmarkThisHost is this machine with the real advisories.
func BenchmarkThisHost(b *testing.B) {
	h := thisHost(b)
	var set index.Current
	must(b, set.Replace(published(b).set(b, b.TempDir())))
	defer set.Replace(nil)
	p := cve.New(&set)
	n := 0
	for b.Loop() {
		results, err := p.Evaluate(b.Context(), h, rules.Input{Now: now})
		must(b, err)
		n = len(results)
	}
	b.ReportMetric(float64(n), "results")
}

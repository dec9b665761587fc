//go:build wide && linux

package match

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
	"assay/internal/testenv"
)

// osvRecord is as much of an OSV record as the data has.
type osvRecord struct {
	ID                         string
	Summary                    string
	Upstream, Related, Aliases []string
	Affected                   []struct {
		Package struct{ Ecosystem, Name string }
		Ranges  []struct {
			Events []struct {
				Introduced, Fixed string
				LastAffected      string `json:"last_affected"`
			}
		}
		Versions []string
	}
}

func (o osvRecord) record() advisory.Record {
	r := advisory.Record{ID: o.ID, Summary: o.Summary, CVEs: slices.Concat(o.Upstream, o.Related, o.Aliases)}
	for _, a := range o.Affected {
		to := advisory.Affected{Ecosystem: a.Package.Ecosystem, Package: a.Package.Name, Status: advisory.Fixed, Versions: a.Versions}
		for _, in := range a.Ranges {
			for _, e := range in.Events {
				if e.Introduced != "" {
					to.Ranges = append(to.Ranges, advisory.Range{Introduced: e.Introduced})
					continue
				}
				last := &to.Ranges[len(to.Ranges)-1]
				last.Fixed, last.LastAffected = e.Fixed, e.LastAffected
			}
		}
		r.Affected = append(r.Affected, to)
	}
	return r
}

// unpacked reads a file of the data folder.
func unpacked(t testing.TB, name string, read func(io.Reader) error) {
	t.Helper()
	f, err := os.Open(filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data/advisories", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := read(z); err != nil {
		t.Fatal(err)
	}
}

// real are the records of a file of the data folder.
func real(t testing.TB, name string) (all []advisory.Record) {
	t.Helper()
	unpacked(t, name, func(r io.Reader) error {
		for lines := json.NewDecoder(r); lines.More(); {
			var o osvRecord
			if err := lines.Decode(&o); err != nil {
				return err
			}
			all = append(all, o.record())
		}
		return nil
	})
	return all
}

// around are packages with a row's name and versions next to where it ends.
func around(a advisory.Affected) (all []Package) {
	for _, r := range a.Ranges {
		for _, v := range []string{r.Fixed, r.Fixed + "~", r.Fixed + "+b1", "9:" + r.Fixed[strings.Index(r.Fixed, ":")+1:], r.Fixed[:len(r.Fixed)-1], "0", r.Fixed + " x"} {
			all = append(all, Package{Ecosystem: a.Ecosystem, Name: a.Package, Version: v})
		}
	}
	return all
}

// TestRealAdvisories compares with the match without an index, on all packages that
// real advisories are about, with versions around those that they name.
func TestRealAdvisories(t *testing.T) {
	for name, every := range map[string]int{"debian-11-12-13.osv.jsonl.zst": 1, "alma.osv.jsonl.zst": 200} {
		records := real(t, name)
		s := indexed(t, t.TempDir(), records)
		defer s.Close()
		n, packages, matched := 0, 0, 0
		for _, r := range records {
			for _, a := range r.Affected {
				if n++; n%every != 0 {
					continue
				}
				for _, p := range around(a) {
					packages++
					got := found(t, s, p)
					matched += len(got)
					if diff := cmp.Diff(brute(records, p), got); diff != "" {
						t.Errorf("%+v: %s", p, diff)
					}
				}
			}
		}
		t.Logf("%s: %d records, %d rows; %d packages, %d matches", name, len(records), n, packages, matched)
		if packages < 1000 || matched < packages {
			t.Error("that is too few")
		}
	}
}

// dpkgLess is what dpkg says of two versions.
func dpkgLess(a, b string) bool {
	return exec.Command("dpkg", "--compare-versions", a, "lt", b).Run() == nil
}

// reference matches with dpkg: a loop over all advisories.
func reference(records []advisory.Record, p Package) (ids []string) {
	for _, r := range records {
		for _, a := range r.Affected {
			if a.Ecosystem == p.Ecosystem && a.Package == p.Name && dpkgLess(p.Version, a.Ranges[0].Fixed) {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestLikeDpkg compares with dpkg: on this machine's packages, and on a sample of
// packages with versions around those of the advisories.
func TestLikeDpkg(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-W", "-f=${source:Package}\t${source:Version}\t${Package}\n").Output()
	if err != nil {
		t.Skip("no dpkg: ", err)
	}
	records := real(t, "debian-11-12-13.osv.jsonl.zst")
	for _, r := range records {
		for _, a := range r.Affected {
			if len(a.Ranges) != 1 || !a.Ranges[0].FromFirst() || a.Ranges[0].Fixed == "" {
				t.Fatalf("the reference cannot do with %+v", r)
			}
		}
	}
	s := indexed(t, t.TempDir(), records)
	defer s.Close()
	sources := map[string]Package{}
	installed := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		installed++
		p := sources[f[0]+" "+f[1]]
		p.Name, p.Version, p.Binaries = f[0], f[1], append(p.Binaries, f[2])
		sources[f[0]+" "+f[1]] = p
	}
	for _, release := range []string{"Debian:11", "Debian:12", "Debian:13"} {
		all, cves := map[string]bool{}, map[string]bool{}
		for _, p := range sources {
			p.Ecosystem = release
			got := found(t, s, p)
			if diff := cmp.Diff(reference(records, p), got); diff != "" {
				t.Errorf("%+v: %s", p, diff)
			}
			for _, r := range Packages(s, []Package{p}) {
				if r.Err != nil {
					t.Error(r.Err)
				}
				for _, v := range r.ByCVE() {
					cves[v.ID] = true
				}
			}
			for _, id := range got {
				all[p.Name+" "+id] = true
			}
		}
		t.Logf("%s: %d packages, %d source packages: %d advisories of packages, %d CVEs", release, installed, len(sources), len(all), len(cves))
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		r := records[dice.IntN(len(records))]
		for _, p := range around(r.Affected[dice.IntN(len(r.Affected))]) {
			if strings.Contains(p.Version, " ") || advisory.Scheme(p.Ecosystem).Check(p.Version) != nil {
				continue // of which dpkg says what it would do, with a warning
			}
			if diff := cmp.Diff(reference(records, p), found(t, s, p)); diff != "" {
				t.Errorf("%+v: %s", p, diff)
			}
		}
	}
}

// BenchmarkHosts matches this machine's packages, made up to 1,000, with the real
// advisories of its release.
func BenchmarkHosts(b *testing.B) {
	out, err := exec.Command("dpkg-query", "-W", "-f=${source:Package}\t${source:Version}\n").Output()
	if err != nil {
		b.Skip("no dpkg: ", err)
	}
	s := indexed(b, b.TempDir(), real(b, "debian-11-12-13.osv.jsonl.zst"))
	defer s.Close()
	x, err := s.Index("Debian:12")
	if err != nil {
		b.Fatal(err)
	}
	var packages []Package
	for line := range strings.Lines(string(out)) {
		name, v, _ := strings.Cut(strings.TrimSpace(line), "\t")
		packages = append(packages, Package{Ecosystem: "Debian:12", Name: name, Version: v})
	}
	for i := 0; len(packages) < 1000; i++ {
		packages = append(packages, Package{Ecosystem: "Debian:12", Name: fmt.Sprint("made-up-", i), Version: "1"})
	}
	packages = packages[:1000]
	var hits []Hit
	compared := uint32(0)
	for _, p := range packages {
		rows, _ := x.Find(p.Name)
		compared += rows.End - rows.First
	}
	before := cpu()
	for b.Loop() {
		hits = hits[:0]
		for i := range packages {
			if hits, err = Append(hits, x, &packages[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "hosts/cpu-s")
	b.ReportMetric(float64(len(hits)), "hits/host")
	b.ReportMetric(float64(compared), "rows/host")
}

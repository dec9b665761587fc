//go:build wide && linux

package match

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/osv"
	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
	"assay/internal/version"
)

// erratum is a package in an advisory of AlmaLinux, as its file has it.
type erratum struct{ id, name, fixed, summary string }

// errata are those of a release.
func errata(t testing.TB, ecosystem string) (all []erratum) {
	unpacked(t, "alma.osv.jsonl.zst", func(r io.Reader) error {
		for lines := json.NewDecoder(r); lines.More(); {
			var o struct {
				ID, Summary string
				Affected    []struct {
					Package struct{ Ecosystem, Name string }
					Ranges  []struct {
						Events []struct{ Introduced, Fixed string }
					}
				}
			}
			if err := lines.Decode(&o); err != nil {
				return err
			}
			for _, a := range o.Affected {
				if a.Package.Ecosystem != ecosystem {
					continue
				}
				if len(a.Ranges) != 1 || len(a.Ranges[0].Events) != 2 || a.Ranges[0].Events[0].Introduced != "0" {
					return errors.New(o.ID + " has ranges that the reference cannot do with")
				}
				all = append(all, erratum{o.ID, a.Package.Name, a.Ranges[0].Events[1].Fixed, o.Summary})
			}
		}
		return nil
	})
	return all
}

// streamsOf are the streams that a summary names: "Important: php:8.0 security update".
func streamsOf(summary string) []string {
	return regexp.MustCompile(`\b[a-zA-Z0-9][\w.+-]*:[a-zA-Z0-9][\w.+-]*\b`).FindAllString(summary, -1)
}

// applies is whether an advisory is about a build that is installed, its version aside.
func (e erratum) applies(p *telemetry.Package) bool {
	modular := p.Modularity != "" || strings.Contains(p.Version, ".module")
	if e.name != p.Name || modular != strings.Contains(e.fixed, ".module") {
		return false
	}
	streams := streamsOf(e.summary)
	return !modular || len(streams) == 0 || p.Modularity == "" ||
		slices.ContainsFunc(streams, func(s string) bool { return strings.HasPrefix(p.Modularity+":", s+":") })
}

// vercmp asks rpm.
func vercmp(t testing.TB, pairs [][2]string) []string {
	rpm := testenv.Need(t, "rpm", "rpm")
	var answers []string
	for some := range slices.Chunk(pairs, 500) {
		var script strings.Builder
		for _, p := range some {
			fmt.Fprintf(&script, "print(rpm.vercmp('%s','%s')..' ') ", p[0], p[1])
		}
		out, err := exec.Command(rpm, "--eval", "%{lua: "+script.String()+"}").Output()
		if err != nil {
			t.Fatal("rpm: ", err)
		}
		answers = append(answers, strings.Fields(string(out))...)
	}
	if len(answers) != len(pairs) {
		t.Fatalf("rpm gave %d answers to %d questions", len(answers), len(pairs))
	}
	return answers
}

// machine makes a host with packages of a release in the middle of their history: 120
// outside of modules, and those of some streams, a part of which have lost their label.
func machine(t testing.TB, all []erratum) []*telemetry.Package {
	byLabel := map[string]map[string][]string{}
	for _, e := range all {
		label := ""
		if streams := streamsOf(e.summary); strings.Contains(e.fixed, ".module") {
			if len(streams) != 1 {
				continue
			}
			label = streams[0] + ":8050020211117:abcdef12"
		}
		if byLabel[label] == nil {
			byLabel[label] = map[string][]string{}
		}
		byLabel[label][e.name] = append(byLabel[label][e.name], e.fixed)
	}
	root, n, have := t.TempDir(), 0, map[string]bool{}
	database := filepath.Join(root, "var/lib/rpm")
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(byLabel[label])), func(name string) bool { return have[name] })
		step := max(1, len(names)/120)
		if label != "" {
			if n++; n%4 != 1 {
				continue
			}
			step = 1
		}
		if len(names) == 0 {
			continue // another stream has them all
		}
		var spec strings.Builder
		fmt.Fprintf(&spec, "Name: none\nVersion: 1\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\nAutoReqProv: no\n")
		if label != "" && n%8 == 1 {
			fmt.Fprintf(&spec, "ModularityLabel: %s\n", label)
		}
		spec.WriteString("%description\nd\n")
		for i := 0; i < len(names); i += step {
			have[names[i]] = true
			versions := byLabel[label][names[i]]
			slices.SortFunc(versions, version.RPM.Compare)
			epoch, rest, ok := strings.Cut(versions[len(versions)/2], ":")
			if !ok {
				epoch, rest = "0", epoch
			}
			v, release, _ := strings.Cut(rest, "-")
			fmt.Fprintf(&spec, "%%package -n %[1]s\nSummary: s\nEpoch: %[2]s\nVersion: %[3]s\nRelease: %[4]s\nAutoReqProv: no\n%%description -n %[1]s\nd\n%%files -n %[1]s\n", names[i], epoch, v, release)
		}
		rpmtest.Install(t, database, rpmtest.Build(t, t.TempDir(), spec.String()))
	}
	return collected(t, root)
}

// collected is what the agent's sensor sees of a host's packages.
func collected(t testing.TB, root string) (all []*telemetry.Package) {
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	coverage, err := packages.New().Collect(context.Background(), &sensor.Host{FS: fs}, func(r telemetry.Record) error {
		if p, ok := r.(*telemetry.Package); ok {
			all = append(all, p)
		}
		return nil
	})
	if err != nil || coverage.State != telemetry.Complete {
		t.Fatalf("%+v, %v", coverage, err)
	}
	return all
}

// TestLikeRPM compares with a loop over all advisories that asks rpm: on hosts whose
// rpm databases have packages of AlmaLinux, as the agent's sensor reads them.
func TestLikeRPM(t *testing.T) {
	var records []advisory.Record
	unpacked(t, "alma.osv.jsonl.zst", func(r io.Reader) error {
		return osv.Read(t.Context(), r, advisory.Emit{
			Record: func(r advisory.Record) error { records = append(records, r); return nil },
			Skip:   func(s advisory.Skip) { t.Errorf("skipped: %+v", s) },
		})
	})
	s := indexed(t, t.TempDir(), records)
	defer s.Close()
	for _, ecosystem := range []string{"AlmaLinux:8", "AlmaLinux:9", "AlmaLinux:10"} {
		all := errata(t, ecosystem)
		var pairs [][2]string
		var about []string // the package and the advisory of each pair
		var got []string
		installed := machine(t, all)
		labels := 0
		for _, p := range installed {
			if p.Modularity != "" {
				labels++
			}
			for _, e := range all {
				if e.applies(p) {
					pairs, about = append(pairs, [2]string{p.Version, e.fixed}), append(about, p.Name+" "+p.Modularity+" "+e.id)
				}
			}
			for _, id := range found(t, s, Package{Ecosystem: ecosystem, Name: p.Source, Binaries: []string{p.Name}, Version: p.Version, Arch: p.Arch, Module: p.Modularity}) {
				got = append(got, p.Name+" "+p.Modularity+" "+id)
			}
		}
		var want []string
		for n, answer := range vercmp(t, pairs) {
			if answer == "-1" {
				want = append(want, about[n])
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		want = slices.Compact(want)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%s: rpm says -, we say +\n%s", ecosystem, diff)
		}
		t.Logf("%s: %d packages, %d with a label; %d questions to rpm, %d advisories of packages", ecosystem, len(installed), labels, len(pairs), len(want))
		if len(installed) < 100 || len(want) < 100 || ecosystem != "AlmaLinux:10" && labels == 0 {
			t.Error("that is too few")
		}
	}
}

// BenchmarkErrata matches 1,000 packages of AlmaLinux 8 outside of modules, each in
// the version in the middle of its history, with the real errata.
func BenchmarkErrata(b *testing.B) {
	all := errata(b, "AlmaLinux:8")
	s := indexed(b, b.TempDir(), real(b, "alma.osv.jsonl.zst"))
	defer s.Close()
	x, err := s.Index("AlmaLinux:8")
	if err != nil {
		b.Fatal(err)
	}
	fixes := map[string][]string{}
	for _, e := range all {
		if !strings.Contains(e.fixed, ".module") {
			fixes[e.name] = append(fixes[e.name], e.fixed)
		}
	}
	var installed []Package
	var compared uint32
	for _, name := range slices.Sorted(maps.Keys(fixes)) {
		if len(installed) == 1000 {
			break
		}
		slices.SortFunc(fixes[name], version.RPM.Compare)
		found, _ := x.Find(name)
		compared += found.End - found.First
		installed = append(installed, Package{Name: "source-of-" + name, Binaries: []string{name}, Version: fixes[name][len(fixes[name])/2], Arch: "x86_64"})
	}
	var hits []Hit
	before := cpu()
	for b.Loop() {
		hits = hits[:0]
		for i := range installed {
			if hits, err = Append(hits, x, &installed[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "hosts/cpu-s")
	b.ReportMetric(float64(len(installed)), "packages")
	b.ReportMetric(float64(compared), "rows/host")
	b.ReportMetric(float64(len(hits)), "hits/host")
}

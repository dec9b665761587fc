package e2e

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"assay/internal/testenv"
)

// bundled is what the program brings about Debian.
const bundled = "../advisory/feeds/bundled/debian.osv.jsonl.zst"

// told is what assay findings -json tells.
type told struct {
	Run, State string
	Suppressed int
	Findings   []struct {
		ARN, Title, Agent, Rule string
		Attributes              map[string]string
	}
	Unchecked []struct{ Description string } `json:"not_checked"`
}

// packages are the vulnerabilities of packages of the system: "CVE-2026-1 openssl".
func (o *told) packages() (all []string) {
	for _, f := range o.Findings {
		if f.Rule == "vulnerable-package" && f.Attributes["SOURCE_PACKAGE"] != "linux" {
			all = append(all, f.Attributes["CVE_ID"]+" "+f.Attributes["SOURCE_PACKAGE"])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestVulnerabilities is the life of vulnerabilities on this host: what comes with the
// program, found as dpkg itself would; a feed that is imported, and the service judges
// what it has stored again; a suppression; the list of what is installed.
func TestVulnerabilities(t *testing.T) {
	testenv.Need(t, "dpkg-query", "dpkg")
	w := newWorld(t, "")
	w.config.RematchAfterUpdate, w.config.Settle = true, 100*time.Millisecond
	w.startService("")
	w.startAgent("role=web")
	w.heard()
	w.sdk().template() // makes the target
	first := w.told("assess", "-json", "all")
	system := ecosystem(t)
	if diff := cmp.Diff(byDpkg(t, system), first.packages()); diff != "" {
		t.Errorf("vulnerabilities (-dpkg +assay):\n%s", diff)
	}
	w.honest(first, system)

	// The same advisories, as a feed, and a new one.
	w.assay(0, "feeds", "import", "-data", w.config.Data, "-name", "osv-debian", w.withNew(system))
	second := w.rematched(first.Run)
	want := slices.Concat(first.packages(), []string{"CVE-2099-12345 dpkg"})
	slices.Sort(want)
	if diff := cmp.Diff(want, second.packages()); diff != "" {
		t.Errorf("after the import (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, w.told("findings", "-json", first.Run)); diff != "" {
		t.Errorf("the run that was over has changed:\n%s", diff)
	}
	for _, f := range second.Findings {
		if f.Attributes["CVE_ID"] == "CVE-2099-12345" && f.Title != "Instance "+f.Agent+" is vulnerable to CVE-2099-12345" {
			t.Errorf("its title is %q", f.Title)
		}
	}

	w.assay(0, "suppress", "add", "-cve", "CVE-2099-12345", "-reason", "a test", "-until", "1d")
	third := w.told("rematch", "-json")
	if slices.Contains(third.packages(), "CVE-2099-12345 dpkg") || third.Suppressed == 0 {
		t.Errorf("it is not suppressed: %d are", third.Suppressed)
	}
	if out, _ := w.assay(0, "findings", "-suppressed", third.Run); !strings.Contains(out, "CVE-2099-12345") || !strings.Contains(out, "a test") {
		t.Errorf("the suppressed are\n%s", out)
	}
	if out, _ := w.assay(-1, "findings", "-since", second.Run, third.Run); !strings.Contains(out, "CVE-2099-12345") || !strings.Contains(strings.ToLower(out), "suppressed") {
		t.Errorf("since the run before:\n%s", out)
	}
	w.listed(first.Findings[0].Agent)
}

// told runs a command that prints findings.
func (w *world) told(args ...string) *told {
	w.t.Helper()
	out, errs := w.assay(-1, args...)
	o := &told{}
	if err := json.Unmarshal([]byte(out), o); err != nil || o.Run == "" {
		w.t.Fatalf("assay %s: %v\n%s%s", strings.Join(args, " "), err, out, errs)
	}
	return o
}

// honest checks that the run says what it could not know.
func (w *world) honest(o *told, system string) {
	w.t.Helper()
	text := ""
	for _, u := range o.Unchecked {
		text += u.Description
	}
	want := "bundled-debian, which came with the program, is of"
	if len(byDpkg(w.t, system)) == 0 {
		want = "there are no advisories of " + system
	}
	if !strings.Contains(text, want) {
		w.t.Errorf("it is not told that %s:\n%s", want, text)
	}
}

// rematched waits for the run that the service starts by itself.
func (w *world) rematched(before string) *told {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var runs []struct{ ARN, State string }
		out, _ := w.assay(0, "runs", "-json")
		decode(w.t, out, &runs)
		for _, r := range runs {
			if r.ARN != before && strings.HasPrefix(r.State, "COMPLETED") {
				return w.told("findings", "-json", r.ARN)
			}
		}
	}
	w.t.Fatal("the service did not match again")
	return nil
}

// listed compares the bill of materials with what dpkg lists.
func (w *world) listed(agent string) {
	w.t.Helper()
	out, _ := w.assay(-1, "sbom", agent)
	var bom struct {
		Components []struct{ Type, Name, Version, Purl string }
	}
	decode(w.t, out, &bom)
	got := map[string]bool{}
	for _, c := range bom.Components {
		if strings.HasPrefix(c.Purl, "pkg:deb/") {
			got[c.Name+" "+c.Version] = true
		}
	}
	want := map[string]bool{}
	for _, p := range installed(w.t) {
		want[p.name+" "+p.version] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		w.t.Errorf("packages (-dpkg +sbom):\n%s", diff)
	}
}

// ecosystem is what publishers call this host's release.
func ecosystem(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/etc/os-release")
	must(t, err)
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = strings.Trim(value, `"`)
	}
	name := values["ID"]
	return strings.ToUpper(name[:1]) + name[1:] + ":" + values["VERSION_ID"]
}

type debian struct{ name, version, source, sourceVersion string }

func installed(t *testing.T) (all []debian) {
	t.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f=${db:Status-Status}\t${Package}\t${Version}\t${source:Package}\t${source:Version}\n").Output()
	must(t, err)
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); f[0] == "installed" {
			all = append(all, debian{f[1], f[2], f[3], f[4]})
		}
	}
	return all
}

// byDpkg are the vulnerabilities of this host by a loop over the advisories with dpkg's
// own order of versions.
func byDpkg(t *testing.T, system string) []string {
	t.Helper()
	versions := map[string]map[string]bool{}
	for _, p := range installed(t) {
		if p.source != "linux" { // what is built of it besides the kernel is set aside
			if versions[p.source] == nil {
				versions[p.source] = map[string]bool{}
			}
			versions[p.source][p.sourceVersion] = true
		}
	}
	found := map[string]bool{}
	eachAdvisory(t, func(line []byte) {
		var o struct {
			Upstream, Related []string
			Affected          []struct {
				Package struct{ Ecosystem, Name string }
				Ranges  []struct{ Events []struct{ Fixed string } }
			}
		}
		must(t, json.Unmarshal(line, &o))
		for _, a := range o.Affected {
			events := a.Ranges[0].Events
			for version := range versions[a.Package.Name] {
				if a.Package.Ecosystem != system || exec.Command("dpkg", "--compare-versions", version, "lt", events[len(events)-1].Fixed).Run() != nil {
					continue
				}
				for _, id := range slices.Concat(o.Upstream, o.Related) {
					if strings.HasPrefix(id, "CVE-") {
						found[id+" "+a.Package.Name] = true
					}
				}
			}
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// eachAdvisory calls fn with each of the advisories that come with the program.
func eachAdvisory(t *testing.T, fn func(line []byte)) {
	t.Helper()
	f, err := os.Open(bundled)
	must(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f)
	must(t, err)
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		fn(lines.Bytes())
	}
	must(t, lines.Err())
}

// withNew is a file with those advisories, and one that nothing has repaired yet: dpkg
// is on every host that has dpkg.
func (w *world) withNew(system string) (path string) {
	w.t.Helper()
	var text strings.Builder
	eachAdvisory(w.t, func(line []byte) { text.Write(line); text.WriteByte('\n') })
	record := map[string]any{
		"schema_version": "1.7.0", "id": "DSA-99999-1", "published": "2026-08-21T00:00:00Z", "modified": "2026-08-21T00:00:00Z", "upstream": []string{"CVE-2099-12345"},
		"affected": []any{map[string]any{
			"package": map[string]string{"ecosystem": system, "name": "dpkg"},
			"ranges":  []any{map[string]any{"type": "ECOSYSTEM", "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": "99:1"}}}},
		}},
	}
	line, err := json.Marshal(record)
	must(w.t, err)
	path = filepath.Join(w.t.TempDir(), "debian.jsonl")
	must(w.t, os.WriteFile(path, []byte(text.String()+string(line)+"\n"), 0o600))
	return path
}

package dpkg_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor/packages/dpkg"
	"assay/internal/telemetry"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// sample has what status files have: all states, sources with and without
// versions, continuation lines, fields in odd spelling, foreign architectures.
const sample = `Package: libc6
Status: install ok installed
Priority: optional
Architecture: amd64
Maintainer: x <x@example.org>
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u10
Origin: Debian
Conffiles:
 /etc/ld.so.conf.d/x.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
Description: GNU C Library
 Version: not a field
 .
 more

package: libc6
STATUS: install ok installed
architecture: i386
Multi-Arch: same
source:  glibc (2.36-9)
version:   2.36-9+b1

Package: held
Status: hold ok installed
Architecture: all
Version: 1:2.0~rc1-3

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Source: gone-src (3.0)
Version: 3.0+b1
Config-Version: 3.0+b1

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 4.0

Package: unpacked
Status: install ok unpacked
Architecture: amd64
Version: 5.0

Package: asked-for
Status: install ok not-installed
Architecture: amd64

Package: last
Status: install ok installed
Architecture: amd64
Version: 1.0
`

func line(p *telemetry.Package) string {
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s|%t|%s", p.Name, p.Version, p.Arch, p.Source, p.SourceVersion, p.Status, p.Hold, p.Vendor)
}

func read(t *testing.T, text string) (packages []string, bad int) {
	t.Helper()
	err := dpkg.Read(strings.NewReader(text), func(p *telemetry.Package, why error) error {
		if why != nil {
			bad++
		} else if p.Status != dpkg.NotInstalled {
			packages = append(packages, line(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(packages)
	return packages, bad
}

// query asks dpkg-query about a status file.
func query(t *testing.T, status string) []string {
	t.Helper()
	tool := testenv.Need(t, "dpkg-query", "dpkg")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"info", "updates"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tool, "--admindir="+dir, "-W", "-f",
		`${Package}|${Version}|${Architecture}|${source:Package}|${source:Version}|${db:Status-Status}|${db:Status-Want}|${Origin}\n`)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dpkg-query: %v\n%s", err, problems.String())
	}
	var lines []string
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(l), "|")
		f[6] = fmt.Sprint(f[6] == "hold")
		lines = append(lines, strings.Join(f, "|"))
	}
	slices.Sort(lines)
	return lines
}

func TestReadAgainstDpkg(t *testing.T) {
	for name, status := range map[string]string{
		"sample":         sample,
		"empty lines":    "\n\n" + strings.ReplaceAll(sample, "\n\n", "\n\n\n\n") + "\n\n",
		"nothing":        "",
		"long lines":     strings.Replace(sample, "Priority: optional", "Depends: "+strings.Repeat("a, ", 20000)+"b", 1),
		"long paragraph": strings.Replace(sample, " more", strings.Repeat(" more of it\n", 20000)+" more", 1),
	} {
		got, bad := read(t, status)
		if diff := cmp.Diff(query(t, status), got); diff != "" || bad > 0 {
			t.Errorf("%s: %d bad; dpkg says -, we say +\n%s", name, bad, diff)
		}
	}
}

func TestReadThisMachine(t *testing.T) {
	status, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil {
		testenv.Missing(t, "a host with dpkg")
	}
	got, bad := read(t, string(status))
	if diff := cmp.Diff(query(t, string(status)), got); diff != "" || bad > 0 || len(got) < 50 {
		t.Errorf("%d packages, %d bad; dpkg says -, we say +\n%s", len(got), bad, diff)
	}
}

func TestBadEntries(t *testing.T) {
	for name, text := range map[string]string{
		"no name":        "Version: 1\nArchitecture: all\n",
		"no version":     "Package: a\nStatus: install ok installed\n",
		"two words":      "Package: a\nVersion: 1\nStatus: install ok\n",
		"no colon":       "Package: a\nVersion: 1\nrubbish\n",
		"twice":          "Package: a\nVersion: 1\nVersion: 2\n",
		"a long version": "Package: a\nVersion: " + strings.Repeat("1", 5000) + "\n",
		"a longer one":   "Package: a\nVersion: " + strings.Repeat("1", 50000) + "\n",
		"lines upon it":  "Package: a\nVersion: 1\n" + strings.Repeat(" 1234567\n", 5000),
		"bytes":          "\x00\xff\x01",
	} {
		good, bad := read(t, text+"\n\nPackage: next\nVersion: 1\n")
		if bad != 1 || len(good) != 1 {
			t.Errorf("%s: %d good, %d bad", name, len(good), bad)
		}
	}
}

func TestDistroless(t *testing.T) {
	got, _ := read(t, "Package: base-files\nVersion: 12.4\nArchitecture: amd64\nMaintainer: x\n")
	if diff := cmp.Diff([]string{"base-files|12.4|amd64|base-files|12.4|installed|false|"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCutOff(t *testing.T) {
	n := 0
	err := dpkg.Read(strings.NewReader("Package: a\nVersion: 1\n\nPackage: b\nVersion: 1."), func(*telemetry.Package, error) error { n++; return nil })
	if !errors.Is(err, dpkg.ErrCutOff) || n != 1 {
		t.Errorf("%d entries, error %v", n, err)
	}
}

func TestVisitEnds(t *testing.T) {
	end := errors.New("end")
	n := 0
	err := dpkg.Read(strings.NewReader(sample), func(*telemetry.Package, error) error { n++; return end })
	if err != end || n != 1 {
		t.Errorf("%d visits, error %v", n, err)
	}
}

func TestDiversions(t *testing.T) {
	got, err := dpkg.ReadDiversions(strings.NewReader("/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n"))
	want := []dpkg.Diversion{{From: "/bin/sh", To: "/bin/sh.distrib", By: "dash"}, {From: "/a", To: "/b", By: ":"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, text := range []string{"/a\n", "/a\n/b\n", "/a\n" + strings.Repeat("x", 20000) + "\nc\n"} {
		if _, err := dpkg.ReadDiversions(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q: no error", text)
		}
	}
}

func TestLists(t *testing.T) {
	var got []string
	add := func(path string) { got = append(got, path) }
	if err := dpkg.ReadList(strings.NewReader("/.\n/usr\n/usr/bin/a b\nrubbish\n/"+strings.Repeat("x", 20000)+"\n/last\n"), add); err != nil {
		t.Fatal(err)
	}
	if err := dpkg.ReadSums(strings.NewReader("d41d8cd98f00b204e9800998ecf8427e  usr/bin/c d\nrubbish\n"), add); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/.", "/usr", "/usr/bin/a b", "/last", "/usr/bin/c d"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("Package: a\n b\n\n c\nVersion: 1")
	f.Fuzz(func(t *testing.T, text string) {
		err := dpkg.Read(strings.NewReader(text), func(p *telemetry.Package, bad error) error {
			if bad == nil && (p.Name == "" || p.Source == "") {
				t.Fatalf("%+v", p)
			}
			return nil
		})
		if err != nil && strings.HasSuffix(text, "\n") {
			t.Fatal(err)
		}
		dpkg.ReadDiversions(strings.NewReader(text))
		dpkg.ReadList(strings.NewReader(text), func(string) {})
		dpkg.ReadSums(strings.NewReader(text), func(string) {})
	})
}

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/support"
)

// spoken is what a kernel's tests print if all goes as it should, with "core" refused under
// lockdown=confidentiality.
func spoken(release, lsm string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("KERNEL RELEASE: %s", release)
	line("KERNEL LSM: %s", lsm)
	for _, mode := range []string{"[none] integrity confidentiality", "none [integrity] confidentiality", "none integrity [confidentiality]"} {
		line("KERNEL LOCKDOWN: %s", mode)
		for _, s := range sorted(suites) {
			line("KERNEL SUITE: %s", s.name())
			for _, x := range s.Sensors {
				line("=== RUN   %sOne", x.Prefix)
				verdicts := "--- PASS: " + x.Prefix + "One (0.1s)\r\n"
				for _, build := range x.Builds {
					line("=== RUN   %sOne/%s", x.Prefix, build)
					verdict := "PASS"
					if build == "core" && strings.HasSuffix(mode, "]") {
						line("    x_test.go:12: lockdown=confidentiality refuses this: because of 7")
						verdict = "SKIP"
					}
					verdicts += fmt.Sprintf("    --- %s: %sOne/%s (0.1s)\r\n", verdict, x.Prefix, build)
				}
				b.WriteString(verdicts)
			}
			line("PASS\r\nKERNEL SUITE OVER: %s <nil>", s.name())
		}
	}
	line("KERNEL TESTED")
	return b.String()
}

// machine has a list, a folder of objects, and what the serial ports said.
type machine struct {
	t   *testing.T
	dir string
}

func newMachine(t *testing.T) machine {
	m := machine{t, t.TempDir()}
	m.write("sensors/a/b.o", "object")
	m.write("console", "Booting\r\n")
	return m
}

func (m machine) write(name, text string) {
	m.t.Helper()
	full := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) do(name string, more ...string) error {
	at := func(name string) string { return filepath.Join(m.dir, name) }
	return command(append([]string{name, "-list", at("list.json"), "-sensors", at("sensors"), "-console", at("console"), "-results", at("results"),
		"-package", "linux-x", "-version", "7", "-distribution", "Debian 12"}, more...), new(bytes.Buffer))
}

func (m machine) list() support.List {
	data, err := os.ReadFile(filepath.Join(m.dir, "list.json"))
	if err != nil {
		m.t.Fatal(err)
	}
	l, err := support.Parse(data)
	if err != nil {
		m.t.Fatal(err)
	}
	return l
}

const release = "6.1.0-9-cloud-amd64"

func TestRecord(t *testing.T) {
	m := newMachine(t)
	if m.do("known") == nil {
		t.Error("a kernel is known that was never tested")
	}
	m.write("results", spoken(release, "capability,lockdown"))
	if err := m.do("record"); err != nil {
		t.Fatal(err)
	}
	if err := m.do("known"); err != nil {
		t.Error(err)
	}
	if m.do("known", "-bpf") == nil || m.do("known", "-version", "8") == nil {
		t.Error("another kernel is known")
	}
	m.write("results", spoken(release, "capability,lockdown,bpf"))
	if err := m.do("record", "-bpf"); err != nil {
		t.Fatal(err)
	}
	k := m.list().Kernels
	if len(k) != 1 || k[0].Release != release || len(k[0].Modes) != 6 {
		t.Fatalf("%+v", k)
	}
	if off, _ := k[0].Mode("off", true); !slices.Contains(off.Passed["activity"], "ebpf/core") || !slices.Contains(off.Passed["activity"], "ebpf/direct") || len(off.Refused) > 0 {
		t.Errorf("%+v", off)
	}
	if last := k[0].Modes[5]; slices.Contains(last.Passed["activity"], "ebpf/core") || !slices.Contains(last.Passed["activity"], "ebpf/direct") || last.Refused["activity/ebpf/core"] != "lockdown=confidentiality refuses this" {
		t.Errorf("%+v", last)
	}
	m.write("sensors/a/b.o", "another")
	if m.do("known") == nil {
		t.Error("an outcome of other objects is known")
	}
	if err := m.do("record", "-bpf"); err != nil || len(m.list().Kernels[0].Modes) != 3 {
		t.Errorf("what was tested with other objects is still in the list: %v", err)
	}
	m.write("list.json", "{")
	if m.do("record", "-bpf") == nil {
		t.Error("a list that is damaged was overwritten")
	}
}

// What a kernel was built without does not refuse a tier, which has more tests; and it has
// to be such a kernel.
func TestBuiltWithout(t *testing.T) {
	m := newMachine(t)
	without := func(release string) string {
		return strings.ReplaceAll(spoken(release, "capability"), "KERNEL SUITE: protocols-bpf",
			"KERNEL SUITE: protocols-bpf\r\n=== RUN   TestIslandMultipath\r\n    x_test.go:12: the kernel has no MPTCP\r\n--- SKIP: TestIslandMultipath (0.1s)")
	}
	m.write("results", without("5.10.0-9-cloud-amd64"))
	if err := m.do("record"); err != nil {
		t.Fatal(err)
	}
	if off, _ := m.list().Kernels[0].Mode("off", false); !slices.Equal(off.Passed["protocols"], []string{"ebpf"}) || len(off.Refused) > 0 {
		t.Errorf("%+v", off)
	}
	m.write("results", without(release))
	if m.do("record") == nil {
		t.Error("a test was skipped in a kernel that has what it wants")
	}
}

// Where no build is taken, everything that one carries is refused with it.
func TestNoBuild(t *testing.T) {
	m := newMachine(t)
	results := spoken("5.10.0-9-cloud-amd64", "capability")
	at := strings.Index(results, "none integrity [confidentiality]")
	last := regexp.MustCompile(`(=== RUN   TestLoadsOne/\S+)`).ReplaceAllString(results[at:], "$1\r\n    x_test.go:12: this kernel refuses both builds: for reasons")
	m.write("results", results[:at]+strings.ReplaceAll(last, "PASS: TestLoadsOne/", "SKIP: TestLoadsOne/"))
	if err := m.do("record"); err != nil {
		t.Fatal(err)
	}
	mode, _ := m.list().Kernels[0].Mode("confidentiality", false)
	for _, object := range []string{"loads_core", "loads_direct", "exits_direct"} {
		if mode.Refused["loads/"+object] != "this kernel refuses both builds" {
			t.Errorf("%s: %+v", object, mode)
		}
	}
}

func TestCompare(t *testing.T) {
	m := newMachine(t)
	results := spoken(release, "capability,bpf")
	m.write("results", results)
	if m.do("compare", "-bpf") == nil || m.do("current") == nil {
		t.Error("there is no list")
	}
	if err := m.do("record", "-bpf"); err != nil {
		t.Fatal(err)
	}
	if err := m.do("current"); err != nil {
		t.Error(err)
	}
	for name, good := range map[string]string{"the same": release, "a newer build": "6.1.0-10-cloud-amd64", "an older build": "6.1.0-8-cloud-amd64"} {
		m.write("results", strings.ReplaceAll(results, release, good))
		if err := m.do("compare", "-bpf"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]string{
		"another series": strings.ReplaceAll(results, "6.1.0", "6.2.0"),
		"another maker":  strings.ReplaceAll(results, "cloud-amd64", "generic"),
		"passed more":    strings.ReplaceAll(results, "SKIP", "PASS"),
	} {
		m.write("results", bad)
		if m.do("compare", "-bpf") == nil {
			t.Error(name)
		}
	}
	m.write("results", spoken(release, "capability"))
	if m.do("compare") == nil {
		t.Error("a mode that is not in the list")
	}
	m.write("results", results)
	m.write("sensors/a/b.o", "another")
	for _, name := range []string{"compare", "current"} {
		if err := m.do(name, "-bpf"); err == nil || !strings.Contains(err.Error(), "make test-kernels") {
			t.Errorf("a list of other objects: %v", err)
		}
	}
}

// Whatever is missing, or otherwise than it should be, is a failure.
func TestStrict(t *testing.T) {
	good := spoken(release, "capability")
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in it", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	m := newMachine(t)
	for name, bad := range map[string]string{
		"nothing":               "",
		"a test failed":         swap("PASS: TestOne/direct", "FAIL: TestOne/direct"),
		"a test of all failed":  swap("PASS: TestOne (", "FAIL: TestOne ("),
		"a test did not end":    swap("    --- PASS: TestOne/direct (0.1s)\r\n", ""),
		"a test was skipped":    swap("PASS: TestOne/direct", "SKIP: TestOne/direct"),
		"skipped elsewhere":     strings.ReplaceAll(good, "PASS: TestOne/core", "SKIP: TestOne/core"),
		"skipped for a reason":  strings.ReplaceAll(good, "lockdown=confidentiality refuses", "somebody refuses"),
		"a build is missing":    strings.ReplaceAll(strings.ReplaceAll(good, "TestOne/core", "TestOne/direct"), "SKIP", "PASS"),
		"the program failed":    swap("activity-bpf <nil>", "activity-bpf exit status 2"),
		"the program crashed":   swap("KERNEL SUITE OVER: activity-bpf <nil>\r\n", ""),
		"a suite is missing":    swap("KERNEL SUITE: activity-bpf\r\n", ""),
		"lockdown stays off":    strings.ReplaceAll(good, "none [integrity]", "[none] integrity"),
		"a mode is missing":     good[:strings.Index(good, "KERNEL LOCKDOWN: none integrity")] + "KERNEL TESTED\r\n",
		"the end is missing":    swap("KERNEL TESTED\r\n", ""),
		"bpf in lsm after all":  swap("KERNEL LSM: capability", "KERNEL LSM: capability,bpf"),
		"a line that is nobody": swap("KERNEL LSM", "what\r\nKERNEL LSM"),
	} {
		m.write("results", bad)
		if m.do("record") == nil {
			t.Errorf("%s: passed", name)
		}
	}
	m.write("results", good)
	for _, console := range []string{"[1.0] Kernel panic - not syncing", "[1.0] BUG: unable to handle page fault", "[1.0] ------------[ cut here ]------------", "KERNEL INIT: mount /proc"} {
		m.write("console", "Booting\r\n"+console+"\r\n")
		if m.do("record") == nil {
			t.Errorf("%s: passed", console)
		}
	}
	if _, err := os.Stat(filepath.Join(m.dir, "list.json")); err == nil {
		t.Error("what did not pass is in the list")
	}
}

// Every package of a kernel sensor has a suite: those with objects, and the tiers.
func TestSuitesAreAll(t *testing.T) {
	const sensors = "../../internal/sensor"
	want := map[string]bool{}
	err := filepath.WalkDir(sensors, func(name string, e fs.DirEntry, err error) error {
		dir, _ := filepath.Rel(sensors, filepath.Dir(name))
		if filepath.Ext(name) == ".o" || filepath.Dir(dir) == "activity" && strings.HasSuffix(name, "_test.go") {
			want[filepath.ToSlash(dir)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(want, "activity/poll") // asks nothing of the kernel but /proc
	delete(want, "activity/seen") // asks nothing of it
	for _, s := range suites {
		if !want[s.Package] {
			t.Errorf("there is no %s", s.Package)
		}
		delete(want, s.Package)
	}
	for name := range want {
		t.Errorf("%s has no suite, so that no kernel is tested with it", name)
	}
}

package gobinary

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// program builds a program of modules that replace each other, with a setting that
// must not be told.
func program(t *testing.T, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(`
-- go.mod --
module example.com/it

go 1.21

require (
	example.com/near v1.2.3
	example.com/far v1.0.0
)

replace (
	example.com/near => ./near
	example.com/far v1.0.0 => ./else
)
-- main.go --
package main

import (
	_ "example.com/far"
	_ "example.com/near"
)

var secret string

func main() { println(secret) }
-- near/go.mod --
module example.com/near
-- near/near.go --
package near
-- else/go.mod --
module example.com/else
-- else/else.go --
package far
`)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-ldflags", "-X main.secret=hunter2", "-o", "it", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "it")
}

func read(t *testing.T, name string) ([]telemetry.Library, error) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return readBytes(data)
}

func readBytes(data []byte) (all []telemetry.Library, err error) {
	err = Read(bytes.NewReader(data), func(l telemetry.Library) error {
		all = append(all, l)
		return nil
	})
	return all, err
}

func TestPrograms(t *testing.T) {
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	release := Release(string(out))
	want := []telemetry.Library{
		{Ecosystem: "Go", Name: "stdlib", Version: release},
		{Ecosystem: "Go", Name: "example.com/it", Version: "(devel)", Main: true},
		{Ecosystem: "Go", Name: "example.com/far", Version: "(devel)"},
		{Ecosystem: "Go", Name: "example.com/near", Version: "(devel)"},
	}
	for _, goos := range []string{"linux", "windows"} {
		all, err := read(t, program(t, "GOOS="+goos))
		if err != nil {
			t.Errorf("%s: %v", goos, err)
		}
		if d := cmp.Diff(want, all); d != "" {
			t.Errorf("%s: %s", goos, d)
		}
	}
}

// The agent's dependencies are those that `go version -m` prints.
func TestAgainstGoVersion(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "agent")
	if out, err := exec.Command("go", "build", "-o", agent, "assay/cmd/assay-agent").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("go", "version", "-m", agent).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" {
			want[f[1]] = f[2]
		}
	}
	all, err := read(t, agent)
	if err != nil || len(want) == 0 {
		t.Fatal(err, len(want))
	}
	got := map[string]string{}
	for _, l := range all[2:] {
		got[l.Name] = l.Version
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestModules(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.22.1 X:nocoverageredesign", Path: "cmd/go", Main: debug.Module{Path: "cmd"}}
	info.Deps = []*debug.Module{
		{Path: "golang.org/x/net", Version: "v0.1.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v0.1.1"}},
		{Path: "golang.org/x/sys", Version: "v0.1.0", Replace: &debug.Module{Path: "/home/bob/sys", Version: ""}},
		{Path: "golang.org/x/text", Version: "v0.3.0"},
	}
	var got []string
	if err := modules(info, func(l telemetry.Library) error {
		got = append(got, l.Name+"@"+l.Version)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"stdlib@1.22.1", "toolchain@1.22.1", "example.com/fork@v0.1.1", "golang.org/x/sys@(devel)", "golang.org/x/text@v0.3.0"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRelease(t *testing.T) {
	for version, want := range map[string]string{
		"go1.22.1": "1.22.1", "go1.22": "1.22", "go1.22rc1": "1.22.0-rc.1", "go1.21.1beta2": "1.21.1-beta.2", "go1.20.5 X:boringcrypto": "1.20.5",
		"devel go1.23-abcdef Tue": "1.23-abcdef", "": "", "devel": "devel",
	} {
		if got := Release(version); got != want {
			t.Errorf("Release(%q) = %q, not %q", version, got, want)
		}
	}
}

// A program that ends too early is damaged or no program, whichever way it is cut.
func TestCut(t *testing.T) {
	data, err := os.ReadFile(program(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 3, 4, 64, 1000, len(data) / 2} {
		if all, err := readBytes(data[:n]); err == nil || len(all) > 0 {
			t.Errorf("of %d bytes: %v %v", n, all, err)
		}
	}
}

// What was not built by Go, or is in no format that is known, is told from what is
// damaged.
func TestNotGo(t *testing.T) {
	shell, err := os.ReadFile(testenv.Need(t, "sh", "dash"))
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{shell, shell[:100], []byte("MZ this is no program"), nil} {
		if all, err := readBytes(data); !errors.Is(err, ErrNotGo) || len(all) > 0 {
			t.Errorf("%.20q: %v %v", data, all, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Add([]byte("MZ\x90\x00"))
	f.Add([]byte("\xcf\xfa\xed\xfe"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if all, err := readBytes(data); err != nil && len(all) > 0 {
			t.Errorf("%v and %v", all, err)
		}
	})
}

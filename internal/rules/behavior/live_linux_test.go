package behavior_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/sensor"
	"assay/internal/sensor/accounts"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/processes"
	"assay/internal/sensor/programs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// On this machine, with real sensors: a program of root's with an executable stack and
// a library that anybody may write to, in a folder of somebody else's, are found, and
// nothing is said of another library beside them.
func TestThisMachine(t *testing.T) {
	testenv.NeedRoot(t)
	gcc := testenv.Need(t, "gcc", "gcc")
	dir, err := os.MkdirTemp("", "behavior")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	compile := func(out, source string, flags ...string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "main.c")
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command(gcc, append([]string{"-w", "-o", out, file}, flags...)...).CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v\n%s", err, text)
		}
		return out
	}
	const loader = `
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int n, char **v) {
	for (int i = 1; i < n; i++)
		if (!dlopen(v[i], RTLD_NOW)) return 1;
	puts("loaded");
	fflush(stdout);
	pause();
}`
	if err := os.Mkdir(dir+"/theirs", 0o755); err != nil {
		t.Fatal(err)
	}
	program := compile(dir+"/loader", loader, "-z", "execstack", "-ldl")
	open, closed := compile(dir+"/open.so", "int a;", "-shared", "-fPIC"), compile(dir+"/closed.so", "int b;", "-shared", "-fPIC")
	theirs := compile(dir+"/theirs/lib.so", "int c;", "-shared", "-fPIC")
	for name, mode := range map[string]os.FileMode{dir: 0o755, open: 0o646} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Dir(theirs), 65534, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, open, closed, theirs)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, r := range evaluate(t, collect(t)) {
		if in, err := filepath.Rel(dir, r.Subject); r.Verdict == rules.Failed && err == nil && filepath.IsLocal(in) {
			got = append(got, r.Rule+" "+in)
		}
	}
	want := []string{ofRule["dep"] + " loader", ofRule["modules"] + " open.so", ofRule["modules"] + " theirs"}
	// Memory that is both writable and executable is told by the program already.
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// collect is this machine, as far as the rules about files look at it.
func collect(t *testing.T) *host.Host {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	h := host.New("i-1")
	for _, s := range []sensor.Sensor{accounts.New(), processes.New(), programs.New()} {
		name, records := s.Describe().Name, int64(0)
		c, err := s.Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
			telemetry.Stamp(name, r)
			records++
			h.Add(r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Sensor, c.Records = name, records
		h.Add(&c)
	}
	h.Seal()
	return h
}

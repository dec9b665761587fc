package kernel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func collect(t *testing.T, root string) (parameters map[string]string, modules []*telemetry.KernelModule, c telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	parameters = map[string]string{}
	c, err = New().Collect(context.Background(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		switch r := r.(type) {
		case *telemetry.KernelParameter:
			parameters[r.Name] = r.Value
		case *telemetry.KernelModule:
			modules = append(modules, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return parameters, modules, c
}

// changing are parameters whose values differ between two readings.
func changing(name string) bool {
	for _, part := range []string{"nr_", "_nr", "count", "random", "ns_last_pid", "state", "dirty", "hrtimer", "stat", "sched", "pty.nr"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func TestAgainstSysctl(t *testing.T) {
	program := testenv.Need(t, "sysctl", "procps")
	parameters, _, c := collect(t, "/")
	if os.Geteuid() == 0 && c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	out, err := exec.Command(program, "-a", "--deprecated").Output()
	if err != nil {
		t.Logf("sysctl: %v", err)
	}
	seen, last := 0, ""
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		name, value, ok := strings.Cut(line, " =")
		if !ok {
			continue
		}
		value = strings.TrimPrefix(value, " ")
		path := tree + "/" + strings.NewReplacer(".", "/", "/", ".").Replace(name)
		if telemetry.InScope(leftOut, path) || changing(name) {
			continue
		}
		ours, ok := parameters[name]
		if !ok {
			t.Errorf("sysctl has %s, we do not", name)
			continue
		}
		if seen++; name == last { // of several lines
			continue
		}
		last = name
		first, _, _ := strings.Cut(ours, "\n")
		if strings.TrimSpace(first) != strings.TrimSpace(value) {
			t.Errorf("%s: sysctl says %q, we %q", name, value, ours)
		}
	}
	if seen < 100 {
		t.Errorf("only %d parameters were compared", seen)
	}
	if parameters["kernel.randomize_va_space"] == "" {
		t.Error("no kernel.randomize_va_space")
	}
	for name := range parameters {
		if strings.HasPrefix(name, "kernel.random.") || strings.HasPrefix(name, "fs.binfmt_misc") || strings.HasSuffix(name, "stable_secret") {
			t.Errorf("%s was collected", name)
		}
	}
}

func TestNames(t *testing.T) {
	for path, want := range map[string]string{
		"/proc/sys/kernel/randomize_va_space":         "kernel.randomize_va_space",
		"/proc/sys/net/ipv4/conf/eth0.100/forwarding": "net.ipv4.conf.eth0/100.forwarding",
	} {
		if got := sysctlName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// A made tree stands for a kernel: what cannot be read is a shortcoming, links
// and folders without end are not followed.
func TestTree(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/sys/kernel/a", "1\n", 0o644)
	write("proc/sys/kernel/tabs", "1\t2\t3\n", 0o644)
	write("proc/sys/kernel/lines", "a\nb\n", 0o644)
	write("proc/sys/kernel/only_write", "x", 0o200)
	write("proc/sys/kernel/random/uuid", "x", 0o644)
	write("proc/sys/big", strings.Repeat("x", maxValue+1), 0o644)
	if err := os.Symlink("/proc/sys", filepath.Join(root, "proc/sys/loop")); err != nil {
		t.Fatal(err)
	}
	write("proc/modules", "ext4 983040 1 - Live 0x0000000000000000\nnf_tables 10 2 a,b, Loading 0xffffffffc0000000 (OE)\nbad\n", 0o644)
	parameters, modules, c := collect(t, root)
	want := map[string]string{"kernel.a": "1", "kernel.tabs": "1\t2\t3", "kernel.lines": "a\nb"}
	if d := cmp.Diff(want, parameters); d != "" {
		t.Error(d)
	}
	wantModules := []*telemetry.KernelModule{{Name: "ext4", Size: 983040, State: "live"}, {Name: "nf_tables", Size: 10, State: "loading"}}
	if d := cmp.Diff(wantModules, modules); d != "" {
		t.Error(d)
	}
	if c.Part("parameters").State != telemetry.Partial || c.Part("modules").State != telemetry.Partial || !strings.Contains(c.Part("modules").Reason, "line 3") {
		t.Errorf("%+v", c)
	}
}

func TestImage(t *testing.T) {
	c, err := New().Collect(context.Background(), &sensor.Host{}, nil)
	if err != nil || c.State != telemetry.NotCollected {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestModulesAgainstLsmod(t *testing.T) {
	program := testenv.Need(t, "lsmod", "kmod")
	_, modules, c := collect(t, "/")
	if _, err := os.Stat(modulesFile); err != nil {
		// A kernel that cannot load modules has none; lsmod only fails there.
		if got := c.Part("modules"); len(modules) != 0 || got.State != telemetry.Complete {
			t.Errorf("a kernel without loadable modules: %d of them, %+v", len(modules), got)
		}
		return
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(out), "\n") - 1; lines != len(modules) {
		t.Errorf("lsmod lists %d modules, we %d", lines, len(modules))
	}
}

func FuzzModules(f *testing.F) {
	f.Add("ext4 983040 1 - Live 0x0\n")
	f.Add("x\n\n y z")
	f.Fuzz(func(t *testing.T, text string) {
		modules, missing := parseModules(text)
		if len(modules)+len(missing) > strings.Count(text, "\n")+1 {
			t.Fatalf("%q: %d modules, %d bad lines", text, len(modules), len(missing))
		}
	})
}

package system

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func collect(t *testing.T, root string, live bool) (s *telemetry.System, p *telemetry.Processor, c telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	c, err = New().Collect(context.Background(), &sensor.Host{FS: fs, Live: live}, func(r telemetry.Record) error {
		switch r := r.(type) {
		case *telemetry.System:
			s = r
		case *telemetry.Processor:
			p = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, p, c
}

func TestThisHost(t *testing.T) {
	s, p, c := collect(t, "/", true)
	if c.State != telemetry.Complete || s == nil || p == nil {
		t.Fatalf("%+v %+v %+v", s, p, c)
	}
	for option, ours := range map[string]string{"-r": s.Kernel, "-m": s.Architecture, "-v": s.KernelBuild, "-n": s.Hostname} {
		out, err := exec.Command(testenv.Need(t, "uname", "coreutils"), option).Output()
		if err != nil || strings.TrimSpace(string(out)) != ours {
			t.Errorf("uname %s: %q, we %q", option, out, ours)
		}
	}
	out, err := exec.Command("sh", "-c", `. /etc/os-release; echo "$ID|$VERSION_ID|$PRETTY_NAME|$VERSION_CODENAME"`).Output()
	if got := strings.Join([]string{s.OS, s.OSVersion, s.OSName, s.Codename}, "|"); err != nil || got != strings.TrimSpace(string(out)) {
		t.Errorf("the shell reads %q, we %q", out, got)
	}
	count, err := exec.Command(testenv.Need(t, "nproc", "coreutils"), "--all").Output()
	if err != nil || len(p.Flags) == 0 || strings.TrimSpace(string(count)) == "" {
		t.Errorf("%s %v %+v", count, err, p)
	}
	if s.Boot == "" || s.Init == "" || s.BootedAt.After(time.Now()) || s.BootedAt.IsZero() || s.Unprivileged != (os.Geteuid() != 0) {
		t.Errorf("%+v", s)
	}
}

func TestImage(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/hostname":                   "# comment\nweb1\n",
		"etc/hosts":                      "127.0.0.1 localhost\n10.0.0.1 web1.example.com web1 # us\n",
		"usr/lib/os-release":             "ID=fedora\nVERSION_ID='39'\nPRETTY_NAME=\"A \\\"b\\\" \\$c\"\n#ID=x\nID=rhel\nbad line\nID_LIKE=fedora\\ centos # c\n",
		"proc/sys/kernel/random/boot_id": "not ours\n",
		"usr/lib/systemd/systemd":        "",
		"proc/cpuinfo":                   "processor : 0\n",
	} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/lib/systemd/systemd", filepath.Join(root, "sbin/init")); err != nil {
		t.Fatal(err)
	}
	s, p, c := collect(t, root, false)
	s.CollectedAt, s.Unprivileged = time.Time{}, false
	want := &telemetry.System{Hostname: "web1", FQDN: "web1.example.com", OS: "rhel", OSLike: "fedora centos", OSVersion: "39", OSName: `A "b" $c`, Init: "systemd"}
	if d := cmp.Diff(want, s); d != "" || p != nil || c.State != telemetry.Complete {
		t.Errorf("%s %+v %+v", d, p, c)
	}
	s, _, c = collect(t, t.TempDir(), false)
	if s == nil || s.OS != "" || c.State != telemetry.Partial {
		t.Errorf("an empty image: %+v %+v", s, c)
	}
}

func TestCPUInfo(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want *telemetry.Processor
	}{
		"x86": {"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A\nflags\t\t: fpu nx lm\n\nprocessor\t: 1\nflags\t\t: fpu lm\n",
			&telemetry.Processor{Vendor: "GenuineIntel", Model: "A", Count: 2, Flags: []string{"fpu", "lm"}}},
		"arm":     {"processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n", &telemetry.Processor{Vendor: "0x41", Count: 1, Flags: []string{"fp", "asimd"}}},
		"z":       {"vendor_id : IBM/S390\n# processors : 2\nprocessor 0: version = 00\nprocessor 1: version = 00\nfeatures : esan3 zarch\n", &telemetry.Processor{Vendor: "IBM/S390", Count: 2, Flags: []string{"esan3", "zarch"}}},
		"nothing": {"x\n", nil},
	} {
		got, _ := parseCPUInfo(c.text)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func FuzzRelease(f *testing.F) {
	f.Add("ID=x\nA=\"b\\\"\nC='d")
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range parseRelease(text) {
			if strings.ContainsAny(name+value, "\n") || len(value) > len(text) {
				t.Fatalf("%q = %q", name, value)
			}
		}
		_, _ = parseCPUInfo(text)
		fqdn(text, "x")
	})
}

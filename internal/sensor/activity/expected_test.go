//go:build linux

package activity

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// TestExpected looks at hosts as their kernels show them.
func TestExpected(t *testing.T) {
	const root, none = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n", "Uid:\t0\t1000\t0\t0\nCapEff:\t0000000000000000\n"
	for name, host := range map[string]struct {
		release, lockdown, status string
		btf                       bool
		want, why                 string
	}{
		"new":               {"6.1.0-56-cloud-amd64\n", "none [integrity] confidentiality\n", root, true, "ebpf/direct", ""},
		"confidential":      {"6.12.1+deb\n", "none integrity [confidentiality]\n", root, true, "ebpf/direct", ""},
		"5.10":              {"5.10.0-30-amd64\n", "[none] integrity confidentiality\n", root, true, "ebpf/core", ""},
		"5.10 confidential": {"5.10.0\n", "none integrity [confidentiality]\n", root, true, "fanotify", "older than Linux 5.11"},
		"no BTF":            {"6.1.0\n", "", root, false, "fanotify", "no BTF"},
		"old":               {"4.19.0\n", "", root, true, "connector", "older than Linux 5.0"},
		"not root":          {"6.1.0\n", "", none, true, "", "root"},
		"user namespace":    {"6.1.0\n", "", root, true, "fanotify", "user namespace"},
		"root with little":  {"6.1.0\n", "", "Uid:\t1000\t0\t0\t0\n" + none[len("Uid:\t0\t1000\t0\t0\n"):], true, "poll", "CAP_NET_ADMIN"},
		"nothing to see":    {"", "", "", false, "fanotify", "BTF"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"proc/sys/kernel/osrelease": host.release, "sys/kernel/security/lockdown": host.lockdown, "proc/self/status": "Name:\tx\n" + host.status,
			} {
				write(t, filepath.Join(dir, file), text)
			}
			if name == "user namespace" {
				write(t, filepath.Join(dir, "proc/self/uid_map"), "         0     100000      65536\n")
			}
			if host.btf {
				write(t, filepath.Join(dir, "sys/kernel/btf/vmlinux"), "x")
			}
			got := expected(Tiers(), stand(dir))
			if got.Name != host.want || !got.Expected || !strings.Contains(strings.Join(got.Short, "; "), host.why) || (host.why == "") != (len(got.Short) == 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// While the sensor observes it tells by which way, and before and after what is expected.
func TestTierOfThisHost(t *testing.T) {
	testenv.NeedRoot(t)
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	s := New(Poll)
	before := s.(sensor.Tiered).Tier()
	if !before.Expected || before.Name != "poll" {
		t.Errorf("%+v", before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var now sensor.Tier
	_, err = s.Observe(ctx, &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		if _, ok := r.(*telemetry.Observation); ok {
			now = s.(sensor.Tiered).Tier()
		}
		return nil
	})
	if err != nil || now.Name != "poll" || now.Expected || now.Since.IsZero() {
		t.Errorf("while it observes: %+v, %v", now, err)
	}
	if d := cmp.Diff(before, s.(sensor.Tiered).Tier()); d != "" {
		t.Error(d)
	}
}

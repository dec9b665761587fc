package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
)

// softwareSnapshot is a file of a host with a package, and of one with a gap beside it.
func softwareSnapshot(t *testing.T, gap bool) string {
	t.Helper()
	s := hosttest.New().
		Add(telemetry.SensorSystem, &telemetry.System{Hostname: "web-1", OS: "debian", OSVersion: "12", CollectedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}).
		Add(telemetry.SensorPackages, &telemetry.Package{Manager: "dpkg", Name: "bash", Version: "5.2.15-2+b7", Arch: "amd64", Source: "bash", SourceVersion: "5.2.15-2", Status: "installed"})
	if gap {
		s = s.Partial(telemetry.SensorLibraries)
	}
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSBOMOfSnapshot(t *testing.T) {
	whole := softwareSnapshot(t, false)
	for format, want := range map[string]string{"cyclonedx": `"serialNumber": "urn:uuid:`, "spdx": `"spdxVersion": "SPDX-2.3"`} {
		code, stdout, stderr := run(t.Context(), nil, "sbom", "-format", format, "-snapshot", whole)
		if code != ExitClean || stderr != "" || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, want) ||
			!strings.Contains(stdout, "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64") || !strings.Contains(stdout, `"web-1"`) {
			t.Errorf("%s: exit code %d, %q\n%s", format, code, stderr, stdout)
		}
		file := filepath.Join(t.TempDir(), "sbom.json")
		if code, again, stderr := run(t.Context(), nil, "sbom", "-format", format, "-o", file, "-snapshot", whole); code != ExitClean || again != "" {
			t.Errorf("exit code %d, %q", code, stderr)
		}
		if data, err := os.ReadFile(file); err != nil || string(data) != stdout {
			t.Errorf("the file has something else: %v", err)
		}
	}
	code, stdout, stderr := run(t.Context(), nil, "sbom", "-snapshot", softwareSnapshot(t, true))
	if code != ExitIncomplete || !strings.Contains(stderr, "1 gap") || !strings.Contains(stderr, `the sensor "libraries" is partial`) || !strings.Contains(stdout, `"incomplete"`) {
		t.Errorf("a gap: exit code %d, %q", code, stderr)
	}
}

func TestSBOMRefuses(t *testing.T) {
	whole := softwareSnapshot(t, false)
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{ExitUsage, "takes an agent", nil},
		{ExitUsage, "takes an agent", []string{"-snapshot", whole, "web-1"}},
		{ExitUsage, `no format "xml"`, []string{"-format", "xml", "-snapshot", whole}},
		{ExitUsage, "no regular file", []string{"-o", "/dev/null", "-snapshot", whole}},
		{ExitIncomplete, "/nonexistent", []string{"-snapshot", "/nonexistent"}},
	} {
		code, stdout, stderr := run(t.Context(), nil, append([]string{"sbom"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q", test.args, code, stderr)
		}
	}
	env := deployment(t)
	if code, _, stderr := run(t.Context(), env, "sbom", "nobody"); code != ExitIncomplete || !strings.Contains(stderr, `is called "nobody"`) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
)

// published is a folder with an advisory.
func published(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	b, err := index.New(dir, 0)
	if err == nil {
		err = b.Record(advisory.Record{ID: "DSA-1-1", CVEs: []string{"CVE-2026-1"}, Affected: []advisory.Affected{{
			Ecosystem: "Debian:12", Package: "curl", Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: "7.88.1-11"}}}}})
	}
	if err == nil {
		_, err = b.Finish(context.Background(), time.Now(), []index.Source{{Name: "test", Kind: "osv", Fetched: time.Now(), Ecosystems: []string{"Debian:12"}, Unfixed: true}})
	}
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// hostFile is a snapshot of a host of a description.
func hostFile(t *testing.T, description string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	if err == nil {
		err = hosttest.Parse(t, description).Write(w)
	}
	if err == nil {
		err = w.Close()
	}
	name := filepath.Join(t.TempDir(), "host")
	if err == nil {
		err = os.WriteFile(name, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestEvaluateWithAdvisories: of a folder; none and damaged ones are told, not passed over.
func TestEvaluateWithAdvisories(t *testing.T) {
	host, dir := hostFile(t, "system debian 12\npackage dpkg curl 7.88.1-10\n"), published(t)
	evaluated := func(args ...string) (o outcome, text string) {
		t.Helper()
		_, stdout, stderr := run(t.Context(), nil, append(append([]string{"evaluate", "-json"}, args...), host)...)
		if err := json.Unmarshal([]byte(stdout), &o); err != nil || stderr != "" {
			t.Fatalf("%v, %q, %s", err, stderr, stdout)
		}
		return o, stdout
	}
	has := func(o outcome) bool {
		for _, f := range o.Findings {
			if f.Attributes["CVE_ID"] == "CVE-2026-1" && f.isVulnerability() && f.software() == "curl" {
				return true
			}
		}
		return false
	}
	if o, text := evaluated("-advisories", dir); !has(o) || strings.Contains(text, "not compared") {
		t.Errorf("no finding: %s", text)
	}
	if o, text := evaluated("-advisories", t.TempDir()); has(o) || o.complete() || !strings.Contains(text, "there are no advisories yet") {
		t.Errorf("no advisories: %s", text)
	}
	if _, text := evaluated(); !strings.Contains(text, "bundled-debian, which came with the program,") && !strings.Contains(text, "records, came with the program") {
		t.Errorf("what comes with the program: %s", text)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "of-*.index"))
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-2] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if o, text := evaluated("-advisories", dir); has(o) || o.complete() || !strings.Contains(text, "not compared: 1 component of Debian:12 (curl)") {
		t.Errorf("damaged advisories: %s", text)
	}
}

// TestWhichAdvisories: flags that cannot be are refused before anything is done.
func TestWhichAdvisories(t *testing.T) {
	for _, args := range [][]string{{"-unfixed", "some"}, {"-advisories-maximum-age", "0"}} {
		for _, verb := range []string{"evaluate", "serve"} {
			all := append([]string{verb}, args...)
			if verb == "evaluate" {
				all = append(all, "x")
			}
			if code, _, stderr := run(t.Context(), nil, all...); code != ExitUsage {
				t.Errorf("%v: exit code %d, %s", all, code, stderr)
			}
		}
	}
}

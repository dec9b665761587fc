package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func debianZip(t *testing.T, fixed string) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("a.json")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, `{"schema_version":"1.7.0","id":"DSA-1-1","modified":"2026-08-24T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, fixed)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// An operator's way: follow feeds, update, look, carry them to another machine, give one up.
func TestFeeds(t *testing.T) {
	broken := false
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case broken:
			io.WriteString(w, "<html>log in")
		case strings.HasSuffix(r.URL.Path, "/Debian/all.zip"):
			w.Write(debianZip(t, "1.0-1"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer mirror.Close()
	dir := t.TempDir()
	env := map[string]string{"ASSAY_DATA": filepath.Join(dir, "data"), "ASSAY_FEEDS_MIRROR": mirror.URL}
	call := func(code int, want string, args ...string) string {
		t.Helper()
		got, stdout, stderr := run(t.Context(), env, append([]string{"feeds"}, args...)...)
		if got != code || !strings.Contains(stdout+stderr, want) {
			t.Errorf("assay feeds %s: exit code %d, want %d with %q:\n%s%s", strings.Join(args, " "), got, code, want, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, "\r") || strings.Contains(stdout+stderr, "secret") {
			t.Errorf("assay feeds %s: progress in a pipe, or a secret: %q", strings.Join(args, " "), stdout+stderr)
		}
		return stdout
	}
	call(ExitClean, "osv-debian")
	call(ExitUsage, "assay feeds add", "update")
	call(ExitIncomplete, "no advisories yet", "status")
	call(ExitUsage, "-kind and -from", "add", "nonsense")
	call(ExitUsage, "no kind", "add", "-kind", "rss", "-from", "https://example.org/x", "ours")
	call(ExitUsage, "cannot be fetched", "add", "-kind", "osv", "-from", "ftp://example.org/x", "ours")
	call(ExitUsage, "there are 2", "add", "-kind", "osv", "-from", "https://example.org/x", "a", "b")
	call(ExitUsage, "-o", "export")
	call(ExitUsage, "at least one", "import")
	call(ExitUsage, "no address", "update", "-feeds-mirror", "nonsense")
	call(ExitClean, "osv-debian", "add", "osv-debian")
	call(ExitClean, "new: 1 records", "update")
	call(ExitClean, "unchanged: 1 records", "update", "osv-debian")
	call(ExitUsage, "no such feed here", "update", "kev")
	call(ExitClean, "as it was fetched", "verify")

	// One that fails: the others are used, and the exit code says that something is missing.
	call(ExitClean, "", "add", "-kind", "osv", "-from", "https://user:secret@example.org/ours.json?key=secret", "-unfixed", "ours")
	call(ExitIncomplete, "404", "update")
	broken = true
	call(ExitIncomplete, "web page", "update", "osv-debian")
	var report struct {
		Feeds []struct{ Name, Error string }
		Set   string
	}
	if err := json.Unmarshal([]byte(call(ExitIncomplete, "", "update", "-json")), &report); err != nil || len(report.Feeds) != 2 || report.Feeds[0].Error == "" || len(report.Set) != 64 {
		t.Errorf("%+v, %v", report, err)
	}
	call(ExitIncomplete, "the last update failed", "status")
	call(ExitIncomplete, `"Hash"`, "status", "-json")
	call(ExitClean, `"followed": true`, "list", "-json")
	broken = false
	call(ExitClean, "removed", "remove", "ours")
	call(ExitClean, "unchanged", "update")
	call(ExitIncomplete, "bundled-kev", "status")
	call(ExitClean, "osv-debian", "status", "-stale-after", "100000h")

	// To a machine without a network.
	export := filepath.Join(dir, "feeds.tar")
	call(ExitClean, "1 feeds", "export", "-o", export)
	env = map[string]string{"ASSAY_DATA": filepath.Join(dir, "other")}
	call(ExitClean, "osv-debian: new", "import", export)
	call(ExitClean, "osv-debian", "status", "-stale-after", "100000h")
	own := filepath.Join(dir, "own.json")
	if err := os.WriteFile(own, []byte(`{"document":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	call(ExitIncomplete, "own.json", "import", own)
	call(ExitIncomplete, "no such file", "import", filepath.Join(dir, "absent"))
	if err := os.WriteFile(filepath.Join(env["ASSAY_DATA"], "advisories", "feeds.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(ExitIncomplete, "move it away", "status")
}

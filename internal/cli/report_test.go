package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportFiles(t *testing.T) {
	env := deployment(t)
	c := &Command{Getenv: func(name string) string { return env[name] }}
	client, err := c.newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	if code, _, stderr := run(t.Context(), env, "report"); code != ExitIncomplete || !strings.Contains(stderr, "no assessment run is over yet") {
		t.Errorf("a report of nothing: exit code %d, %s", code, stderr)
	}
	if _, err := client.thisHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t.Context(), env, "assess", thisHost) // of no hosts: it is over at once
	folder := t.TempDir()
	t.Chdir(folder)
	write := func(want string, args ...string) string {
		t.Helper()
		code, stdout, stderr := run(t.Context(), env, append([]string{"report"}, args...)...)
		path := strings.TrimSuffix(stdout, "\n")
		data, err := os.ReadFile(path)
		if code != ExitClean || stderr != "" || err != nil || !strings.HasPrefix(string(data), want) {
			t.Errorf("assay report %v: exit code %d, %q %q, %v: %.20q", args, code, stdout, stderr, err, data)
		}
		return path
	}
	usual := write("%PDF-")
	if !strings.HasPrefix(usual, "assessment-report-0-") || !strings.HasSuffix(usual, "-finding.pdf") {
		t.Errorf("the file is %s", usual)
	}
	write("<!DOCTYPE html>", "-type", "full", "-o", "full.html")
	write("<!DOCTYPE html>", "-format", "html")
	id := strings.TrimSuffix(strings.TrimPrefix(usual, "assessment-report-"), "-finding.pdf")
	write("%PDF-", "-o", filepath.Join(folder, "x.html"), "-format", "pdf", id)

	if err := os.WriteFile(usual, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t.Context(), env, "report")
	if data, _ := os.ReadFile(usual); code != ExitIncomplete || string(data) != "mine" || !strings.Contains(stderr, "-force") || stdout != "" {
		t.Errorf("a file that is there: exit code %d, %q, %s: %.20q", code, stdout, stderr, data)
	}
	write("%PDF-", "-force")
	code, _, stderr = run(t.Context(), env, "report", "-o", filepath.Join(folder, "none", "x.pdf"))
	if code != ExitIncomplete || !strings.Contains(stderr, "no such file") {
		t.Errorf("no such folder: exit code %d, %s", code, stderr)
	}
	left, err := filepath.Glob(".*")
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

func TestReportUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-type some":  `-type "some"`,
		"-format doc": `-format "doc"`,
		"a b":         "at most one argument",
	} {
		code, _, stderr := run(t.Context(), nil, append([]string{"report"}, strings.Fields(args)...)...)
		if code != ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("assay report %s: exit code %d, %s", args, code, stderr)
		}
	}
}

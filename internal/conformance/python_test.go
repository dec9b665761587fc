package conformance

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// python is Debian's, with Debian's boto3.
func python(t *testing.T) string {
	t.Helper()
	path := testenv.Need(t, "/usr/bin/python3", "python3")
	if exec.Command(path, "-c", "import boto3").Run() != nil {
		testenv.Missing(t, "boto3 (apt-get install python3-boto3)")
	}
	return path
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	py := python(t)
	w := newWorld(t)
	if out := w.program(w.environment(), py, "testdata/boto3_client.py"); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("it says %s", out)
	}
	w.gone()
}

// A script as people wrote it for AWS, with the pages that it got by default and
// with the largest.
func TestFindingsReport(t *testing.T) {
	t.Parallel()
	py := python(t)
	w := newWorld(t)
	for _, page := range []string{"", "500"} {
		var report struct {
			Run    string
			Rows   int
			Counts map[string]int
			First  []any
		}
		out := w.program(w.environment("PAGE="+page), py, "testdata/findings_report.py")
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if report.Run != w.run || report.Rows != seeded || report.Counts["High"] != seeded/4 || report.First[0] != "i-0123456789abcdef0" || report.First[5] != "web" {
			t.Errorf("pages of %q: %+v", page, report)
		}
	}
}

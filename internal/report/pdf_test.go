package report

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"assay/internal/inspector"
	"assay/internal/testenv"
)

// What poppler reads in a PDF is what the data said, in Latin, Greek and Cyrillic;
// what the fonts do not have is told by its number.
func TestPDFText(t *testing.T) {
	testenv.Need(t, "pdftotext", "poppler-utils")
	for name, make := range samples {
		for _, kind := range []inspector.ReportType{inspector.ReportFinding, inspector.ReportFull} {
			path := filepath.Join(t.TempDir(), "report.pdf")
			if err := os.WriteFile(path, written(t, make(kind), inspector.ReportPDF), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := exec.Command("pdftotext", "-layout", path, "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := exec.Command("pdftotext", "-raw", path, "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			// Lines of a document break where words are too long for them.
			squeezed := strings.Join(strings.Fields(string(raw)), "")
			for _, want := range wanted(name, kind) {
				if !strings.Contains(squeezed, strings.Join(strings.Fields(want), "")) {
					t.Errorf("%s %s does not say %q", name, kind, want)
				}
			}
			pages := bytes.Count(text, []byte("\f"))
			if last := fmt.Sprintf("Page %d of %d", pages, pages); !strings.Contains(string(text), last) {
				t.Errorf("%s %s: the last page is not %q", name, kind, last)
			}
		}
	}
}

// Programs that know PDF find no fault.
func TestPDFIsValid(t *testing.T) {
	testenv.Need(t, "qpdf", "qpdf")
	testenv.Need(t, "pdfinfo", "poppler-utils")
	testenv.Need(t, "pdffonts", "poppler-utils")
	for name, make := range samples {
		path := filepath.Join(t.TempDir(), name+".pdf")
		if err := os.WriteFile(path, written(t, make(inspector.ReportFull), inspector.ReportPDF), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("qpdf", "--check", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("WARNING")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		out, err := exec.Command("pdfinfo", path).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("Title:           Full assessment report: Weekly")) || !bytes.Contains(out, []byte("A4")) || bytes.Contains(out, []byte("Error")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		out, err = exec.Command("pdffonts", path).CombinedOutput()
		if err != nil || bytes.Count(out, []byte("yes yes yes")) != 3 {
			t.Errorf("%s: not three fonts that are embedded, subsets, with Unicode: %v\n%s", name, err, out)
		}
	}
}

// FuzzPDF puts strings into every place for text: the document stays one, with
// nothing in its pages but what we put there.
func FuzzPDF(f *testing.F) {
	for _, s := range hostileStrings {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := checkPDF(written(t, filled(s), inspector.ReportPDF)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}

var (
	object = regexp.MustCompile(`^\d+ 0 obj\n`)
	// operator is a line that a page may have.
	operator = regexp.MustCompile(`^(BT /F[012] [\d.]+ Tf [\d. ]+ rg -?[\d.]+ -?[\d.]+ Td <[0-9A-F]*> Tj ET|[\d. ]+ rg [-\d. ]+ re f|q 1 0 0 1 [\d. ]+ cm /Total Do Q)$`)
)

// checkPDF checks what a reader of PDF depends on: that the table of objects is
// right, that streams are as long as they say, and what is in the pages.
func checkPDF(data []byte) error {
	at := bytes.LastIndex(data, []byte("startxref\n"))
	var table int
	if _, err := fmt.Sscanf(string(data[at:]), "startxref\n%d\n%%%%EOF\n", &table); err != nil {
		return err
	}
	lines := strings.Split(string(data[table:at]), "\n")
	var count int
	if _, err := fmt.Sscanf(lines[1], "0 %d", &count); err != nil || lines[0] != "xref" {
		return fmt.Errorf("no table at %d: %v", table, err)
	}
	for i, entry := range lines[3 : 2+count] {
		offset, err := strconv.Atoi(strings.TrimLeft(entry[:9], "0") + entry[9:10])
		if err != nil || len(entry) != 19 {
			return fmt.Errorf("the entry %q", entry)
		}
		if want := fmt.Sprintf("%d 0 obj\n", i+1); !bytes.HasPrefix(data[offset:], []byte(want)) || !object.Match(data[offset:]) {
			return fmt.Errorf("the object %d is not at %d", i+1, offset)
		}
		if err := checkStream(data[offset:]); err != nil {
			return fmt.Errorf("the object %d: %w", i+1, err)
		}
	}
	return nil
}

var streamed = regexp.MustCompile(`^\d+ 0 obj\n<< ([^\n]*?) ?/Filter /FlateDecode /Length (\d+) >>\nstream\n`)

func checkStream(data []byte) error {
	m := streamed.FindSubmatch(data)
	if m == nil {
		return nil
	}
	length, _ := strconv.Atoi(string(m[2]))
	body := data[len(m[0]):]
	if !bytes.HasPrefix(body[length:], []byte("\nendstream\nendobj\n")) {
		return fmt.Errorf("its stream has another length")
	}
	in, err := zlib.NewReader(bytes.NewReader(body[:length]))
	if err != nil {
		return err
	}
	content, err := io.ReadAll(in)
	if err != nil || len(m[1]) > 0 || bytes.HasPrefix(content, []byte("/CIDInit")) {
		return err // not a page
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(content), "\n"), "\n") {
		if !operator.MatchString(line) {
			return fmt.Errorf("the page has the line %q", line)
		}
	}
	return nil
}

package report

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/inspector"
)

// TestLook writes the samples into a folder for people to look at: with
// $ASSAY_REPORT_SAMPLES set, nothing else.
func TestLook(t *testing.T) {
	dir := os.Getenv("ASSAY_REPORT_SAMPLES")
	if dir == "" {
		dir = t.TempDir()
	}
	for name, sample := range map[string]func(inspector.ReportType) Report{"empty": empty, "one": one, "large": large} {
		for _, kind := range []inspector.ReportType{inspector.ReportFinding, inspector.ReportFull} {
			for format, ending := range map[inspector.ReportFormat]string{inspector.ReportHTML: ".html", inspector.ReportPDF: ".pdf"} {
				file, err := os.Create(filepath.Join(dir, name+"-"+string(kind)+ending))
				if err != nil {
					t.Fatal(err)
				}
				if err := Write(file, sample(kind), format); err != nil {
					t.Errorf("%s %s %s: %v", name, kind, format, err)
				}
				file.Close()
			}
		}
	}
}

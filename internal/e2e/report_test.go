package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
)

// TestReportKilled kills the service with SIGKILL where a report is half made: the
// report is made all the same, and one object is left of it.
func TestReportKilled(t *testing.T) {
	t.Parallel() // the agent is aside
	databases(t, func(t *testing.T, w *world) {
		w.startService("")
		w.aside()
		w.startAgent()
		w.heard()
		sdk := w.sdk()
		run := sdk.startRun(sdk.template())
		w.check(sdk, run)
		w.agent.kill()
		kinds := []types.ReportType{types.ReportTypeFinding, types.ReportTypeFull}
		formats := []types.ReportFileFormat{types.ReportFileFormatHtml, types.ReportFileFormatPdf}
		for i, point := range []string{"report before:1", "object before:1", "object after:1", "report after:1"} {
			kind, format := kinds[i%2], formats[i/2]
			w.service.kill()
			w.startService(point)
			_, err := sdk.GetAssessmentReport(t.Context(), &inspector.GetAssessmentReportInput{AssessmentRunArn: aws.String(run), ReportType: kind, ReportFileFormat: format})
			if err != nil {
				t.Logf("at %s the answer was lost: %v", point, err)
			}
			w.dies(point, sdk, run)
			w.startService("")
			path := filepath.Join(t.TempDir(), "report")
			w.assay(0, "report", "-type", strings.ToLower(string(kind)), "-format", strings.ToLower(string(format)), "-o", path, run)
			data, err := os.ReadFile(path)
			end := "</html>\n"
			if format == types.ReportFileFormatPdf {
				end = "%%EOF\n"
			}
			if err != nil || !bytes.HasSuffix(data, []byte(end)) {
				t.Errorf("killed at %s: a report of %d bytes, %v", point, len(data), err)
			}
		}
		objects, err := filepath.Glob(filepath.Join(w.config.Data, "objects", "reports", "*"))
		if err != nil || len(objects) != 4 {
			t.Errorf("4 reports have %d objects, %v", len(objects), err)
		}
	})
}

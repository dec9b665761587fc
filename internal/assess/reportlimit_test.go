package assess

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// Reports that wait are jobs that look again every second: whoever may only read
// is not to keep the workers busy with them.
func TestReportsThatWaitAreBounded(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	var last error
	asked := 0
	for n := 0; last == nil && n < maxReporting; n++ {
		run := inspector.Run{
			ID: inspector.NewID(), Target: template.Target, Template: template.ID, Name: fmt.Sprint("run ", n), State: inspector.Completed,
			Packages: template.Packages, CreatedAt: w.Now(), StartedAt: w.Now(), CompletedAt: w.Now(), StateChangedAt: w.Now(),
		}
		if err := w.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.ImportRun(t.Context(), run, w.Now()) }); err != nil {
			t.Fatal(err)
		}
		for _, format := range []inspector.ReportFormat{inspector.ReportHTML, inspector.ReportPDF} {
			if last == nil {
				if _, last = w.RequestReport(t.Context(), run.ID, inspector.ReportFull, format); last == nil {
					asked++
				}
			}
		}
	}
	var told *inspector.Err
	if asked != maxReporting || !errors.As(last, &told) || told.Kind != inspector.Unavailable || !told.Retry {
		t.Fatalf("after %d: %v", asked, last)
	}
}

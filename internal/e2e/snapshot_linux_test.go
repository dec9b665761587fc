package e2e

import (
	"io"
	"os"
	"testing"

	"assay/internal/telemetry"
)

// readSnapshot reads a file that assay-agent collect has written.
func readSnapshot(t *testing.T, name string) (records []telemetry.Record) {
	t.Helper()
	file, err := os.Open(name)
	must(t, err)
	defer file.Close()
	r, err := telemetry.NewReader(file, telemetry.Limits{})
	must(t, err)
	defer r.Close()
	for {
		record, err := r.Next()
		if err == io.EOF {
			return records
		}
		must(t, err)
		records = append(records, record)
	}
}

//go:build wide

package kev

import (
	"testing"

	"assay/internal/advisory/feedtest"
)

// TestData reads the catalogue beside the project. The counts were made apart from
// this code, with Python's csv: lines, and those with "Known".
func TestData(t *testing.T) {
	got := feedtest.Read(t, Read, feedtest.Shared(t, "kev-2025-08-25.csv.zst"))
	ransom := 0
	for _, f := range got.Facts {
		if f.Exploited.Ransomware {
			ransom++
		}
	}
	if len(got.Facts) != 1404 || ransom != 293 || len(got.Skips) != 0 {
		t.Errorf("%d entries, %d of ransomware, skipped %v", len(got.Facts), ransom, got.Why())
	}
}

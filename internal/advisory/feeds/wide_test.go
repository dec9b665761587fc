//go:build wide

package feeds

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/testenv"
)

// TestShared: what was really published is recognised, taken over whole, and built.
func TestShared(t *testing.T) {
	dir := filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data", "advisories")
	f := At(filepath.Join(t.TempDir(), "advisories"))
	r, err := f.Import(context.Background(), []string{
		filepath.Join(dir, "debian-11-12-13.osv.jsonl.zst"), filepath.Join(dir, "alma.osv.jsonl.zst"), filepath.Join(dir, "kev-2025-08-25.csv.zst"),
	}, Importing{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"osv-debian": 2354, "osv-almalinux": 5680, "kev": 1404}
	for _, o := range r.Feeds {
		if o.Error != nil || o.Total() != want[o.Name] || len(o.Skipped) > 0 || o.Fetched.After(o.Newest) {
			t.Errorf("%s: %v, %d records, skipped %v, of %s, current %s", o.Name, o.Error, o.Total(), o.Skipped, o.Newest.Format(time.DateOnly), o.Fetched.Format(time.DateOnly))
		}
		delete(want, o.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, s := range r.Manifest.Sources {
		if s.Bundled {
			t.Errorf("%s is still used", s.Name)
		}
	}
}

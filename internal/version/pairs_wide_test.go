//go:build wide

package version

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"assay/internal/testenv"
)

// TestPairs compares with the answers of dpkg and rpm to the versions of real
// advisories.
func TestPairs(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data/advisories/version-pairs.tsv.zst"))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	text, err := dec.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		s, ok := map[string]Scheme{"deb": Deb, "rpm": RPM}[f[0]]
		if !ok || len(f) != 4 {
			continue // the heading
		}
		n++
		if got := [...]string{"-1", "0", "1"}[1+s.Compare(f[1], f[2])]; got != f[3] {
			t.Errorf("%s: %s and %s: %s, want %s", s, f[1], f[2], got, f[3])
		}
	}
	if n != 6027 {
		t.Errorf("%d pairs, want 6027", n)
	}
}

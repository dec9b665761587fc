//go:build wide

package osv

import (
	"strings"
	"testing"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

// counts are of what a file holds.
type counts struct{ records, ids, cves, none, rows, modular, streamless int }

// TestData reads the real advisories beside the project. The counts were made
// apart from this code: with Python's json over the lines of the files, counting
// lines, distinct ids, the distinct strings of upstream (Debian) or related
// (AlmaLinux) that begin with "CVE-", lines without one, and the elements of affected
// (2,858 and 71,329), each once for every distinct name:stream of the summary where it is
// modular, which is where its fixed version has "module" in it.
func TestData(t *testing.T) {
	for file, want := range map[string]counts{
		"debian-11-12-13.osv.jsonl.zst": {2354, 2354, 13977, 43, 2858, 0, 0},
		"alma.osv.jsonl.zst":            {5680, 5637, 6592, 1206, 74916, 24337, 243},
	} {
		t.Run(file, func(t *testing.T) {
			got := feedtest.Read(t, Read, feedtest.Shared(t, file))
			if len(got.Skips) != 0 {
				t.Errorf("skipped: %v", got.Why())
			}
			if have := count(got); have != want {
				t.Errorf("%+v, want %+v", have, want)
			}
		})
	}
}

func count(got *feedtest.Got) counts {
	c := counts{records: len(got.Records)}
	cves, ids := map[string]bool{}, map[string]bool{}
	for _, r := range got.Records {
		ids[r.ID] = true
		for _, id := range r.CVEs {
			cves[id] = true
		}
		if len(r.CVEs) == 0 {
			c.none++
		}
		c.rows += len(r.Affected)
		for _, a := range r.Affected {
			if strings.Contains(a.Ranges[0].Fixed, "module") {
				c.modular++
				if a.Module == "" {
					c.streamless++
				}
			}
		}
	}
	c.cves, c.ids = len(cves), len(ids)
	return c
}

func BenchmarkRead(b *testing.B) {
	text := feedtest.Shared(b, "alma.osv.jsonl.zst")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Read(b.Context(), strings.NewReader(text), advisory.Emit{}); err != nil {
			b.Fatal(err)
		}
	}
}

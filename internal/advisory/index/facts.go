package index

import (
	"math"

	"assay/internal/advisory"
)

// Facts is what is known of vulnerabilities, wherever they occur. It may be used by
// many goroutines, until the set it is of is closed.
type Facts struct{ t *table }

// Fact is what is known of a vulnerability; false if nothing is. What is returned
// outlives the file.
func (f *Facts) Fact(id string) (fact advisory.Fact, known bool, err error) {
	name := f.t.find(id)
	if name == nil {
		return fact, false, nil
	}
	e := f.t.entry(rows, factSize, u32(name, 4))
	if e == nil {
		return fact, false, damaged(f.t.file, "the facts of %.200q are missing", id)
	}
	r := reader{t: f.t}
	fact = advisory.Fact{
		ID: id, Summary: r.text(u32(e, 0)), Description: r.text(u32(e, 4)),
		CVSS: r.list(u32(e, 12), u32(e, 16)), References: r.list(u32(e, 20), u32(e, 24)),
		EPSS: math.Float64frombits(u64(e, 32)), EPSSRank: math.Float64frombits(u64(e, 40)),
	}
	if flags := u32(e, 28); flags&exploited != 0 {
		fact.Exploited = &advisory.Exploited{Added: seconds(e, 48), Due: seconds(e, 56), Ransomware: flags&ransomware != 0, Action: r.text(u32(e, 8))}
	}
	return fact, true, r.err()
}

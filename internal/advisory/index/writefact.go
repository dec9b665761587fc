package index

import (
	"encoding/binary"
	"math"

	"assay/internal/advisory"
)

// addFact gathers what there is about one vulnerability.
func (e *ecosystemWriter) addFact(p *parser) {
	id := p.key()
	f := parseFact(p)
	f.ID = id
	if e.fact.ID == id {
		f = joinFacts(e.fact, f)
	} else {
		e.writeFact()
	}
	e.fact = f
}

func joinFacts(a, b advisory.Fact) advisory.Fact {
	a.Summary, a.Description = longer(a.Summary, b.Summary), longer(a.Description, b.Description)
	a.CVSS, a.References = sorted(append(a.CVSS, b.CVSS...)), sorted(append(a.References, b.References...))
	a.EPSS, a.EPSSRank = max(a.EPSS, b.EPSS), max(a.EPSSRank, b.EPSSRank)
	if a.Exploited == nil || b.Exploited != nil && b.Exploited.Added.Before(a.Exploited.Added) {
		a.Exploited = b.Exploited
	}
	return a
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func (e *ecosystemWriter) writeFact() {
	f := &e.fact
	if f.ID == "" {
		return
	}
	e.beginName(f.ID)
	var x advisory.Exploited
	var flags uint32
	if f.Exploited != nil {
		x, flags = *f.Exploited, exploited
		if x.Ransomware {
			flags |= ransomware
		}
	}
	row := numbers(nil, e.w.text([]byte(f.Summary)), e.w.text([]byte(f.Description)), e.w.text([]byte(x.Action)))
	row = e.w.list(row, f.CVSS)
	row = e.w.list(row, f.References)
	row = numbers(row, flags)
	for _, n := range []uint64{math.Float64bits(f.EPSS), math.Float64bits(f.EPSSRank), uint64(x.Added.Unix()), uint64(x.Due.Unix())} {
		row = binary.LittleEndian.AppendUint64(row, n)
	}
	e.w.entry(rows, row)
}

// The flags of a fact.
const (
	exploited uint32 = 1 << iota
	ransomware
)

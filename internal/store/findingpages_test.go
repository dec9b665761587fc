package store

import (
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"assay/internal/inspector"
)

func TestPages(t *testing.T) {
	p := writePage(map[key][]byte{7: writeSorted([]uint32{3}), 5: writeSorted([]uint32{1, 2, 70_000}), 9: writeOrdinals(roaring.BitmapOf(0))})
	for k, want := range map[key][]uint32{5: {1, 2, 70_000}, 6: nil, 7: {3}, 9: {0}, 10: nil} {
		set, ok, err := p.find(k)
		if err != nil || ok != (want != nil) || ok && !slices.Equal(set.ToArray(), want) {
			t.Errorf("%d: %v, %v, %v; want %v", k, set, ok, err, want)
		}
	}
}

// FuzzPages reads what a damaged database may hold: it is an error or is read, and
// never a panic.
func FuzzPages(f *testing.F) {
	finding := inspector.Finding{ID: "0-abcdefgh", CreatedAt: time.Unix(1, 0), Attributes: []inspector.Attribute{{Key: "a", Value: "b"}}}
	f.Add([]byte(writePage(map[key][]byte{1: writeSorted([]uint32{3}), 2: writeSorted([]uint32{1, 2, 3})})))
	f.Add(writePart("i-1", []inspector.Finding{finding, finding}))
	f.Add(packDoc(docOf(finding)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if postings, err := page(data).postings(); err == nil {
			for k := range postings {
				page(data).find(k)
			}
		}
		readPart(data, func(entry) {})
		scanned(data, new(findingDoc))
	})
}

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// A finding's ordinal is its place among those of its run, from 0. A page is the
// postings of a bucket in a run: which ordinals have which key.
//
//	count   uint32
//	entries count × (key uint64, end uint32), by key; end is that of its postings
//	postings, one after the other: an ordinal alone as uint32, more as a Roaring
//	bitmap in its portable format
//
// All numbers are little-endian.
type page []byte

const (
	pageHeader = 4
	pageEntry  = 12
	alone      = 4
)

var errDamaged = errors.New("the index of findings in the database is damaged")

// writePage makes a page of postings that are encoded.
func writePage(postings map[key][]byte) page {
	out := make(page, pageHeader, pageHeader+len(postings)*(pageEntry+2*alone))
	binary.LittleEndian.PutUint32(out, uint32(len(postings)))
	keys, end := slices.Sorted(maps.Keys(postings)), 0
	for _, k := range keys {
		end += len(postings[k])
		out = binary.LittleEndian.AppendUint64(out, uint64(k))
		out = binary.LittleEndian.AppendUint32(out, uint32(end))
	}
	for _, k := range keys {
		out = append(out, postings[k]...)
	}
	return out
}

// entries is how many keys a page has.
func (p page) entries() (int, error) {
	if len(p) < pageHeader {
		return 0, errDamaged
	}
	n := int(binary.LittleEndian.Uint32(p))
	if n > (len(p)-pageHeader)/pageEntry {
		return 0, errDamaged
	}
	return n, nil
}

func (p page) key(i int) key {
	return key(binary.LittleEndian.Uint64(p[pageHeader+i*pageEntry:]))
}

// encoded returns the postings of the i-th of n keys.
func (p page) encoded(i, n int) ([]byte, error) {
	body := p[pageHeader+n*pageEntry:]
	end := func(i int) int { return int(binary.LittleEndian.Uint32(p[pageHeader+i*pageEntry+8:])) }
	from := 0
	if i > 0 {
		from = end(i - 1)
	}
	if to := end(i); from <= to && to <= len(body) {
		return body[from:to], nil
	}
	return nil, errDamaged
}

// find returns the ordinals that have a key; ok tells whether any has.
func (p page) find(k key) (*roaring.Bitmap, bool, error) {
	n, err := p.entries()
	if err != nil {
		return nil, false, err
	}
	i := sort.Search(n, func(i int) bool { return p.key(i) >= k })
	if i == n || p.key(i) != k {
		return nil, false, nil
	}
	data, err := p.encoded(i, n)
	if err != nil {
		return nil, false, err
	}
	set, err := readOrdinals(data)
	return set, err == nil, err
}

// postings takes a page apart.
func (p page) postings() (map[key][]byte, error) {
	n, err := p.entries()
	if err != nil {
		return nil, err
	}
	all := make(map[key][]byte, n)
	for i := range n {
		if all[p.key(i)], err = p.encoded(i, n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readOrdinals(data []byte) (*roaring.Bitmap, error) {
	set := roaring.New()
	if len(data) == alone {
		set.Add(binary.LittleEndian.Uint32(data))
		return set, nil
	}
	if err := set.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return set, nil
}

// writeOrdinals encodes ordinals, which are at least one.
func writeOrdinals(set *roaring.Bitmap) []byte {
	if set.GetCardinality() == 1 {
		return binary.LittleEndian.AppendUint32(nil, set.Minimum())
	}
	set.RunOptimize()
	data, err := set.ToBytes()
	if err != nil { // it writes to memory
		panic(fmt.Sprintf("store: a bitmap cannot be written: %v", err))
	}
	return data
}

// writeSorted is writeOrdinals for ordinals in order.
func writeSorted(ordinals []uint32) []byte {
	if len(ordinals) == 1 {
		return binary.LittleEndian.AppendUint32(nil, ordinals[0])
	}
	return writeOrdinals(roaring.BitmapOf(ordinals...))
}

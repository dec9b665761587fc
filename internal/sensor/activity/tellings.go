//go:build linux

package activity

import "hash/maphash"

// tellings are the records that were told, by the hashes of their keys: there are ten
// thousands of them for as long as a run goes on. Of two keys with one hash, the second is
// told at the end only, as everything is.
type tellings struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newTellings() tellings { return tellings{maphash.MakeSeed(), map[uint64]struct{}{}} }

func (t tellings) add(key string) { t.hashes[maphash.String(t.seed, key)] = struct{}{} }

// lack tells whether a record was not told yet.
func (t tellings) lack(key string) bool {
	_, told := t.hashes[maphash.String(t.seed, key)]
	return !told
}

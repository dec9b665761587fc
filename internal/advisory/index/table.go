package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"strings"
	"sync"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// ErrDamaged is in the error of whatever meets a file that is not as it was built.
var ErrDamaged = errors.New("the index is damaged: update the feeds to build it anew")

// formatError is of files that another version of the program built; it counts as
// ErrDamaged.
type formatError uint32

func (v formatError) Error() string {
	return fmt.Sprintf("the index has version %d of the format, and this program reads version %d: update the feeds to build it anew", uint32(v), formatVersion)
}

func (v formatError) Is(err error) bool { return err == ErrDamaged }

const (
	magic         = "ASSAYIDX"
	formatVersion = 2
	headerSize    = 224
	headerSum     = headerSize - 8
)

// kind is what a file has.
type kind uint32

const (
	ofAdvisories kind = 1
	ofFacts      kind = 2
)

// section is a part of a file.
type section int

const (
	about section = iota
	slots
	names
	rows
	lists
	texts
	ranges
	advisories
	sections // how many there are
)

func (s section) String() string {
	return [...]string{"about", "slots", "names", "rows", "lists", "strings", "ranges", "advisories"}[s]
}

// The sizes of entries.
const (
	slotSize     = 8
	nameSize     = 20
	rowSize      = 52
	listSize     = 4
	rangeSize    = 20
	advisorySize = 52
	factSize     = 64
)

// sizes of the entries of a kind's sections.
func (k kind) sizes() [sections]int {
	if k == ofFacts {
		return [sections]int{1, slotSize, nameSize, factSize, listSize, 1, rangeSize, advisorySize}
	}
	return [sections]int{1, slotSize, nameSize, rowSize, listSize, 1, rangeSize, advisorySize}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// table is an open file of either kind. It may be used by many goroutines.
type table struct {
	file    string
	parts   [sections][]byte
	sums    [sections]uint32
	release func() error
	// verify compares the sections with their checksums, the first time it is called.
	verify func() error
}

// openTable opens a file and checks all but its sections' content.
func openTable(name string, k kind) (*table, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if !info.Mode().IsRegular() || size < headerSize || uint64(size) > uint64(maxInt) {
		return nil, damaged(name, "it has %d bytes", size)
	}
	data, release, err := contentOf(f, int(size))
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	t, err := newTable(name, data, k)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	t.release = release
	return t, nil
}

const maxInt = int(^uint(0) >> 1)

func damaged(name, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", name, fmt.Sprintf(format, args...), ErrDamaged)
}

// newTable reads the header of a file's content.
func newTable(name string, data []byte, k kind) (*table, error) {
	if len(data) < headerSize || string(data[:8]) != magic {
		return nil, damaged(name, "it is no index")
	}
	if v := u32(data, 8); v != formatVersion {
		return nil, fmt.Errorf("%s: %w", name, formatError(v))
	}
	if crc32.Checksum(data[:headerSum], castagnoli) != u32(data, headerSum) || u32(data, headerSum+4) != 0 {
		return nil, damaged(name, "its header does not have its checksum")
	}
	if got := kind(u32(data, 12)); got != k {
		return nil, damaged(name, "it is of kind %d, not %d", got, k)
	}
	if size := u64(data, 16); size != uint64(len(data)) {
		return nil, damaged(name, "it has %d bytes, not %d", len(data), size)
	}
	t := &table{file: name, release: func() error { return nil }}
	if err := t.divide(data, k.sizes()); err != nil {
		return nil, err
	}
	t.verify = sync.OnceValue(t.checkSums)
	return t, nil
}

// divide finds the sections, which must be whole entries and all of the file.
func (t *table) divide(data []byte, sizes [sections]int) error {
	next := uint64(headerSize)
	for s := range sections {
		at := 24 + 24*int(s)
		offset, length := u64(data, at), u64(data, at+8)
		if offset != next || length > uint64(len(data))-next || length%uint64(sizes[s]) != 0 {
			return damaged(t.file, "its section of %s has %d bytes at %d", s, length, offset)
		}
		next += length
		t.parts[s], t.sums[s] = data[offset:next:next], u32(data, at+16)
	}
	if next != uint64(len(data)) {
		return damaged(t.file, "its sections end at %d of %d bytes", next, len(data))
	}
	if n, named := len(t.parts[slots])/slotSize, len(t.parts[names])/nameSize; bits.OnesCount(uint(n)) != 1 || n/2 < named {
		return damaged(t.file, "it has %d slots for %d names", n, named)
	}
	return nil
}

func (t *table) checkSums() error {
	for s, part := range t.parts {
		if crc32.Checksum(part, castagnoli) != t.sums[s] {
			return damaged(t.file, "its section of %s does not have its checksum", section(s))
		}
	}
	return nil
}

func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// entry is the bytes of a section's entry; nil if there is none with that number.
func (t *table) entry(s section, size int, number uint32) []byte {
	part, at := t.parts[s], uint64(number)*uint64(size)
	if at+uint64(size) > uint64(len(part)) {
		return nil
	}
	return part[at : at+uint64(size)]
}

// within tells whether entries from first on are all in a section.
func (t *table) within(s section, size int, first, n uint32) bool {
	return (uint64(first)+uint64(n))*uint64(size) <= uint64(len(t.parts[s]))
}

// view is a text in the file itself, good until the file is closed; false if it
// would not be in the file.
func (t *table) view(ref uint32) (string, bool) {
	part := t.parts[texts]
	if uint64(ref) >= uint64(len(part)) {
		return "", false
	}
	length, n := uint64(part[ref]), 1
	if length >= 0x80 {
		length, n = binary.Uvarint(part[ref:])
	}
	if n <= 0 || length > uint64(len(part))-uint64(ref)-uint64(n) {
		return "", false
	}
	if length == 0 {
		return "", true
	}
	return unsafe.String(&part[int(ref)+n], int(length)), true
}

// find is the entry of a name; nil if the table does not have it.
func (t *table) find(name string) []byte {
	part := t.parts[slots]
	mask := uint64(len(part)/slotSize - 1)
	hash := xxhash.Sum64String(name)
	for i := range mask + 1 {
		slot := u64(part, int((hash+i)&mask)*slotSize)
		if slot == 0 {
			return nil
		}
		if slot>>32 != hash>>32 {
			continue
		}
		e := t.entry(names, nameSize, uint32(slot)-1)
		if e == nil {
			continue
		}
		if text, ok := t.view(u32(e, 0)); ok && text == name {
			return e
		}
	}
	return nil
}

// reader copies what an entry refers to, and remembers if something was not there.
type reader struct {
	t   *table
	bad bool
}

// clone copies a text out of a file.
func clone(s string) string { return strings.Clone(s) }

func (r *reader) text(ref uint32) string {
	v, ok := r.t.view(ref)
	r.bad = r.bad || !ok
	return strings.Clone(v)
}

// list copies a list. What it takes is bounded by the file, not by what is said.
func (r *reader) list(first, n uint32) []string {
	if n == 0 {
		return nil
	}
	if !r.t.within(lists, listSize, first, n) {
		r.bad = true
		return nil
	}
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, r.text(u32(r.t.parts[lists], int(first+i)*listSize)))
		if r.bad {
			return nil
		}
	}
	return all
}

func (r *reader) err() error {
	if r.bad {
		return damaged(r.t.file, "an entry refers to what is not there")
	}
	return nil
}

// Package bdb reads the values of a Berkeley DB hash database as rpm wrote it
// until version 4.15 (the file Packages): a page of metadata, buckets that are
// chains of hash pages, and values that stand off their page in chains of overflow
// pages. Numbers are in the byte order of the machine that made the database; the
// magic number tells which.
//
// Nothing in the file is trusted: no walk reads more pages than the database has,
// so that a circle of pages is an error. Memory is two pages.
package bdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrCorrupt is in every error that the bytes of the database are the cause of.
var ErrCorrupt = errors.New("the Berkeley DB database is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

const (
	magicHash  = 0x00061561
	magicBTree = 0x00053162

	pageHeader = 26

	pageUnsorted = 2 // the hash pages of versions before 9
	pageOverflow = 7
	pageHash     = 13

	itemKeyData = 1
	itemOffPage = 3
)

type file struct {
	io.ReaderAt
	order     binary.ByteOrder
	pageSize  int
	lastPage  uint32
	maxBucket uint32
	spares    [32]uint32 // the first page of each doubling, minus its first bucket
	budget    int64      // pages that may still be read
}

// Values visits the values of all entries but rpm's own counter (which has the
// key 0), in no useful order. What is wrong with one value is an error of reading
// it; what is wrong with a bucket ends the walk. A value is valid until visit
// returns; an error of visit ends the walk and is returned.
func Values(r io.ReaderAt, size int64, visit func(value io.Reader, size int64) error) error {
	f, err := open(r, size)
	if err != nil {
		return err
	}
	page := make([]byte, f.pageSize)
	for bucket := uint32(0); ; bucket++ {
		for n := f.bucketPage(bucket); n != 0; n = f.order.Uint32(page[16:]) {
			if err := f.page(n, page, pageHash, pageUnsorted); err != nil {
				return err
			}
			if err := f.items(page, visit); err != nil {
				return err
			}
		}
		if bucket == f.maxBucket {
			return nil
		}
	}
}

func open(r io.ReaderAt, size int64) (*file, error) {
	var m [512]byte
	if n, err := r.ReadAt(m[:], 0); n < len(m) {
		if err == io.EOF {
			return nil, corrupt("it has only %d bytes", size)
		}
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	f := &file{ReaderAt: r, order: binary.LittleEndian}
	magic := f.order.Uint32(m[12:])
	if b := binary.BigEndian.Uint32(m[12:]); b == magicHash || b == magicBTree {
		f.order, magic = binary.BigEndian, b
	}
	if magic == magicBTree {
		return nil, errors.New("the Berkeley DB database is a B-tree; rpm's packages stand in a hash")
	} else if magic != magicHash {
		return nil, corrupt("it doesn't begin as a hash database")
	}
	if v := f.order.Uint32(m[16:]); v < 8 || v > 10 {
		return nil, fmt.Errorf("the Berkeley DB hash has version %d; this program reads 8 to 10", v)
	}
	const withChecksums = 1
	if m[24] != 0 || m[26]&withChecksums != 0 {
		return nil, errors.New("the Berkeley DB database is encrypted or has checksums, which rpm's never is or has")
	}
	ps := f.order.Uint32(m[20:])
	f.lastPage = f.order.Uint32(m[32:])
	f.maxBucket = f.order.Uint32(m[72:])
	for i := range f.spares {
		f.spares[i] = f.order.Uint32(m[96+4*i:])
	}
	if ps < 512 || ps > 65536 || ps&(ps-1) != 0 {
		return nil, corrupt("its pages have %d bytes", ps)
	}
	f.pageSize = int(ps)
	f.budget = size / int64(ps)
	if int64(f.lastPage) >= f.budget || f.maxBucket > f.lastPage {
		return nil, corrupt("it says to have %d pages and %d buckets, in %d bytes", f.lastPage, f.maxBucket, size)
	}
	return f, nil
}

// bucketPage returns the page on which a bucket begins. 0 is none.
func (f *file) bucketPage(bucket uint32) uint32 {
	doubling := 0
	for b := bucket; b != 0; b >>= 1 {
		doubling++
	}
	return bucket + f.spares[doubling%len(f.spares)]
}

// page reads a page that has to be of one of the types.
func (f *file) page(n uint32, page []byte, types ...byte) error {
	if n == 0 || n > f.lastPage {
		return corrupt("page %d is referred to, of %d", n, f.lastPage)
	}
	if f.budget--; f.budget < 0 {
		return corrupt("its pages refer to one another in a circle")
	}
	if got, err := f.ReadAt(page, int64(n)*int64(f.pageSize)); got < len(page) {
		if err == io.EOF {
			return corrupt("page %d is cut off", n)
		}
		return fmt.Errorf("read page %d: %w", n, err)
	}
	if got := f.order.Uint32(page[8:]); got != n {
		return corrupt("page %d says that it is page %d", n, got)
	}
	for _, t := range types {
		if page[25] == t {
			return nil
		}
	}
	return corrupt("page %d is of type %d", n, page[25])
}

// items visits the values on a hash page: its items are keys and values in turn,
// laid out from the end of the page downwards in the order of the index.
func (f *file) items(page []byte, visit func(io.Reader, int64) error) error {
	count := int(f.order.Uint16(page[20:]))
	low := pageHeader + 2*count
	if low > len(page) {
		return corrupt("a page has %d items", count)
	}
	end := len(page)
	for i := 0; i+1 < count; i += 2 {
		key := int(f.order.Uint16(page[pageHeader+2*i:]))
		value := int(f.order.Uint16(page[pageHeader+2*i+2:]))
		if value < low || value >= key || key >= end {
			return corrupt("an item is not within its page")
		}
		isCounter := end-key == 5 && page[key] == itemKeyData && f.order.Uint32(page[key+1:]) == 0
		if !isCounter {
			r, size := f.value(page[value:key])
			if err := visit(r, size); err != nil {
				return err
			}
		}
		end = value
	}
	return nil
}

func (f *file) value(item []byte) (io.Reader, int64) {
	switch {
	case item[0] == itemKeyData:
		return &chain{f: f, part: item[1:], left: int64(len(item) - 1)}, int64(len(item) - 1)
	case item[0] == itemOffPage && len(item) == 12:
		size := int64(f.order.Uint32(item[8:]))
		return &chain{f: f, next: f.order.Uint32(item[4:]), left: size}, size
	}
	return &chain{err: corrupt("a value is stored in form %d", item[0])}, 0
}

// chain reads a value on its page or along its overflow pages.
type chain struct {
	f    *file
	left int64
	part []byte
	next uint32
	page []byte
	err  error
}

// Read implements io.Reader.
func (c *chain) Read(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	if len(c.part) == 0 {
		if c.err = c.turn(); c.err != nil {
			return 0, c.err
		}
	}
	n := copy(b[:min(int64(len(b)), c.left)], c.part)
	c.part = c.part[n:]
	c.left -= int64(n)
	return n, nil
}

func (c *chain) turn() error {
	if c.page == nil {
		c.page = make([]byte, c.f.pageSize)
	}
	if err := c.f.page(c.next, c.page, pageOverflow); err != nil {
		return err
	}
	used := int(c.f.order.Uint16(c.page[22:]))
	if used == 0 || pageHeader+used > len(c.page) || int64(used) > c.left {
		return corrupt("overflow page %d has %d bytes in use", c.next, used)
	}
	c.next = c.f.order.Uint32(c.page[16:])
	c.part = c.page[pageHeader : pageHeader+used]
	return nil
}

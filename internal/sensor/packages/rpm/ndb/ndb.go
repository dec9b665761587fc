// Package ndb reads the packages' blobs out of a database in rpm's own format
// (Packages.db, "ndb"; lib/backend/ndb/rpmpkg.c): a header, pages of slots, and
// for each slot a blob between a head and a tail that repeat its number and size,
// with an Adler-32 over it. All numbers are little-endian.
package ndb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
)

// ErrCorrupt is in every error that the bytes of the database are the cause of.
var ErrCorrupt = errors.New("the ndb database is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

const (
	magicFile = 'R' | 'p'<<8 | 'm'<<16 | 'P'<<24
	magicSlot = 'S' | 'l'<<8 | 'o'<<16 | 't'<<24
	magicHead = 'B' | 'l'<<8 | 'b'<<16 | 'S'<<24
	magicTail = 'B' | 'l'<<8 | 'b'<<16 | 'E'<<24

	headerSize = 32
	slotSize   = 16 // a slot, and the block that offsets are counted in
	pageSize   = 4096
	headSize   = 16
	tailSize   = 12
)

type slot struct{ number, offset, count uint32 } // offset and count in blocks

// Blobs visits the blobs in the order of their slots. What is wrong with one blob
// is an error of reading it; what is wrong with the slots ends the walk. A blob is
// valid until visit returns; an error of visit ends the walk and is returned.
// Memory is a page. No more bytes are read than the file has.
func Blobs(file io.ReaderAt, size int64, visit func(blob io.Reader, size int64) error) error {
	pages, err := readHeader(file, size)
	if err != nil {
		return err
	}
	slots := bufio.NewReaderSize(io.NewSectionReader(file, headerSize, pages*pageSize-headerSize), pageSize)
	first, budget := pages*pageSize/slotSize, size/slotSize
	for {
		s, err := readSlot(slots)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if s.offset == 0 {
			continue // free
		}
		if s.number == 0 || s.count == 0 || int64(s.offset) < first || int64(s.offset)+int64(s.count) > size/slotSize {
			return corrupt("the slot of package %d points outside of the file", s.number)
		}
		if budget -= int64(s.count); budget < 0 {
			return corrupt("its blobs overlap")
		}
		blob, n, err := open(file, s)
		if err != nil {
			blob = broken{err}
		}
		if err := visit(blob, n); err != nil {
			return err
		}
	}
}

func readHeader(file io.ReaderAt, size int64) (pages int64, err error) {
	var h [headerSize]byte
	if err := readAt(file, h[:], 0); err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(h[:]) != magicFile {
		return 0, corrupt("it doesn't begin as one")
	}
	if v := binary.LittleEndian.Uint32(h[4:]); v != 0 {
		return 0, fmt.Errorf("the ndb database has version %d; this program reads 0", v)
	}
	pages = int64(binary.LittleEndian.Uint32(h[12:]))
	if pages < 1 || pages > size/pageSize {
		return 0, corrupt("it says to have %d pages of slots, in %d bytes", pages, size)
	}
	return pages, nil
}

func readSlot(r io.Reader) (slot, error) {
	var b [slotSize]byte
	if _, err := io.ReadFull(r, b[:]); err == io.EOF {
		return slot{}, err
	} else if err != nil {
		return slot{}, cutOff(err)
	}
	if binary.LittleEndian.Uint32(b[:]) != magicSlot {
		return slot{}, corrupt("a slot has not the mark of one")
	}
	return slot{
		number: binary.LittleEndian.Uint32(b[4:]),
		offset: binary.LittleEndian.Uint32(b[8:]),
		count:  binary.LittleEndian.Uint32(b[12:]),
	}, nil
}

// open checks a blob from head to tail and returns a reader of it. It is read
// twice that way, which spares the visitor from having used what turns out wrong.
func open(file io.ReaderAt, s slot) (io.Reader, int64, error) {
	var h [headSize]byte
	at := int64(s.offset) * slotSize
	if err := readAt(file, h[:], at); err != nil {
		return nil, 0, err
	}
	size := int64(binary.LittleEndian.Uint32(h[12:]))
	if binary.LittleEndian.Uint32(h[:]) != magicHead || binary.LittleEndian.Uint32(h[4:]) != s.number {
		return nil, 0, corrupt("the blob of package %d has not its head", s.number)
	}
	if int64(s.count) != (headSize+size+tailSize+slotSize-1)/slotSize {
		return nil, 0, corrupt("the blob of package %d has %d bytes in %d blocks", s.number, size, s.count)
	}
	// The blob is padded to its blocks; the tail ends the last one.
	tailAt := at + int64(s.count)*slotSize - tailSize
	sum := adler32.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, at, tailAt-at)); err != nil {
		return nil, 0, cutOff(err)
	}
	var t [tailSize]byte
	if err := readAt(file, t[:], tailAt); err != nil {
		return nil, 0, err
	}
	if binary.LittleEndian.Uint32(t[8:]) != magicTail || int64(binary.LittleEndian.Uint32(t[4:])) != size {
		return nil, 0, corrupt("the blob of package %d has not its tail", s.number)
	}
	if binary.LittleEndian.Uint32(t[:]) != sum.Sum32() {
		return nil, 0, corrupt("the blob of package %d doesn't match its checksum", s.number)
	}
	return io.NewSectionReader(file, at+headSize, size), size, nil
}

// broken is a blob that can't be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func readAt(file io.ReaderAt, b []byte, at int64) error {
	n, err := file.ReadAt(b, at)
	if n == len(b) {
		return nil // ReadAt may say io.EOF at the very end
	}
	return cutOff(err)
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt("it is cut off")
	} else if err != nil {
		return fmt.Errorf("read the ndb database: %w", err)
	}
	return nil
}

// Package ziparchive goes over the directory of a zip file
// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) entry by entry and
// keeps none of it: archives of Java have up to a hundred thousand entries, of
// which a few are wanted, and archive/zip would hold them all. It reads bounded
// amounts, whatever an archive claims.
package ziparchive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// maxEntries bounds the directory.
const maxEntries = 2_000_000

// ErrFormat says that a file is no zip archive, or a damaged one.
var ErrFormat = errors.New("it is no zip archive, or a damaged one")

// Entry is a file in an archive.
type Entry struct {
	Name             string
	Method           uint16 // Stored or Deflated, or one that is not read here
	CRC              uint32
	Compressed, Size int64 // bytes, as the directory has them
	Encrypted        bool
	Offset           int64 // where it begins in the archive
}

// The methods of compression that archives of programs use.
const (
	Stored   = 0
	Deflated = 8
)

const (
	endSignature       = "PK\x05\x06"
	end64Signature     = "PK\x06\x06"
	locator64Signature = "PK\x06\x07"
	entrySignature     = "PK\x01\x02"
	localSignature     = "PK\x03\x04"
	endSize            = 22
	locatorSize        = 20
	entrySize          = 46
	localSize          = 30
)

// directory is where an archive's directory is.
type directory struct{ entries, offset, size, base int64 }

// Each calls each with the archive's entries, in the order of the directory. Its
// errors are those of each, of reading, and ErrFormat.
func Each(r io.ReaderAt, size int64, each func(Entry) error) error {
	d, err := find(r, size)
	if err != nil {
		return err
	}
	if d.entries > maxEntries {
		return fmt.Errorf("it has %d entries, more than %d", d.entries, maxEntries)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, d.base+d.offset, d.size), 32<<10)
	count := int64(0)
	for ; ; count++ {
		if _, err := in.Peek(1); err == io.EOF {
			break
		}
		e, err := next(in)
		if err != nil {
			return cut(err)
		}
		e.Offset += d.base
		if err := each(e); err != nil {
			return err
		}
	}
	// Java's jar of old wrote the last 16 bits of a larger number.
	if uint16(count) != uint16(d.entries) {
		return ErrFormat
	}
	return nil
}

// cut makes the end of what can be read the archive's fault.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrFormat
	}
	return err
}

// next reads an entry of the directory.
func next(in *bufio.Reader) (Entry, error) {
	head := make([]byte, entrySize)
	if _, err := io.ReadFull(in, head); err != nil {
		return Entry{}, err
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if string(head[:4]) != entrySignature {
		return Entry{}, ErrFormat
	}
	name, extra, comment := int(u16(head[28:])), int(u16(head[30:])), int(u16(head[32:]))
	tail := make([]byte, name+extra)
	if _, err := io.ReadFull(in, tail); err != nil {
		return Entry{}, err
	}
	if _, err := in.Discard(comment); err != nil {
		return Entry{}, err
	}
	e := Entry{
		Name: string(tail[:name]), Encrypted: u16(head[8:])&1 != 0, Method: u16(head[10:]), CRC: u32(head[16:]),
		Compressed: int64(u32(head[20:])), Size: int64(u32(head[24:])), Offset: int64(u32(head[42:])),
	}
	return e, e.widen(tail[name:])
}

// widen takes numbers that need 64 bits from the extra field 1.
func (e *Entry) widen(extra []byte) error {
	for len(extra) >= 4 {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if size > len(extra) {
			break
		}
		field := extra[:size]
		extra = extra[size:]
		if id != 1 {
			continue
		}
		for _, n := range []*int64{&e.Size, &e.Compressed, &e.Offset} {
			if *n != math.MaxUint32 {
				continue
			}
			if len(field) < 8 {
				return ErrFormat
			}
			*n, field = int64(binary.LittleEndian.Uint64(field)), field[8:]
		}
	}
	if e.Size < 0 || e.Compressed < 0 || e.Offset < 0 {
		return ErrFormat
	}
	return nil
}

// find reads the end of the archive, which says where the directory is.
func find(r io.ReaderAt, size int64) (directory, error) {
	tail := make([]byte, min(size, endSize+locatorSize+math.MaxUint16))
	if n, err := r.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
		return directory{}, cut(err)
	}
	at := bytes.LastIndex(tail, []byte(endSignature))
	for ; at >= 0; at = bytes.LastIndex(tail[:at], []byte(endSignature)) {
		if len(tail)-at >= endSize && len(tail)-at-endSize >= int(binary.LittleEndian.Uint16(tail[at+20:])) {
			break
		}
	}
	if at < 0 {
		return directory{}, ErrFormat
	}
	end := tail[at:]
	d := directory{
		entries: int64(binary.LittleEndian.Uint16(end[10:])),
		size:    int64(binary.LittleEndian.Uint32(end[12:])), offset: int64(binary.LittleEndian.Uint32(end[16:])),
	}
	stop := size - int64(len(end))
	if at >= locatorSize && string(tail[at-locatorSize:at-locatorSize+4]) == locator64Signature &&
		(d.entries == math.MaxUint16 || d.size == math.MaxUint32 || d.offset == math.MaxUint32) {
		stop = int64(binary.LittleEndian.Uint64(tail[at-locatorSize+8:]))
		if err := d.read64(r, &stop, size); err != nil {
			return d, err
		}
	}
	return d, d.place(r, stop, size)
}

// read64 reads the end of an archive of more than 4 GiB or 65,535 entries, which is
// where the locator says.
func (d *directory) read64(r io.ReaderAt, stop *int64, size int64) error {
	end := make([]byte, 56)
	if *stop < 0 || *stop > size {
		return ErrFormat
	}
	if n, err := r.ReadAt(end, *stop); n < len(end) || string(end[:4]) != end64Signature {
		return cut(errors.Join(err, ErrFormat))
	}
	d.entries = int64(binary.LittleEndian.Uint64(end[32:]))
	d.size, d.offset = int64(binary.LittleEndian.Uint64(end[40:])), int64(binary.LittleEndian.Uint64(end[48:]))
	return nil
}

// place finds out whether something is in front of the archive, as scripts that
// start a jar are: then all offsets are from behind it.
func (d *directory) place(r io.ReaderAt, stop, size int64) error {
	if d.entries < 0 || d.size < 0 || d.offset < 0 || d.size > size || d.offset > size {
		return ErrFormat
	}
	d.base = stop - d.size - d.offset
	if d.base < 0 {
		return ErrFormat
	}
	sign := make([]byte, len(entrySignature))
	if n, _ := r.ReadAt(sign, d.offset); d.base > 0 && n == len(sign) && string(sign) == entrySignature {
		d.base = 0
	}
	return nil
}

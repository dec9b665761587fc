package rpm

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The tags that are read (rpmtag.h).
const (
	tagName            = 1000
	tagVersion         = 1001
	tagRelease         = 1002
	tagEpoch           = 1003
	tagInstallTime     = 1008
	tagVendor          = 1011
	tagArch            = 1022
	tagFileStates      = 1029
	tagSourceRPM       = 1044
	tagDirIndexes      = 1116
	tagBaseNames       = 1117
	tagDirNames        = 1118
	tagModularityLabel = 5096
)

// The types of data (rpmtag.h).
const (
	typeInt32       = 4
	typeString      = 6
	typeStringArray = 8
	typeI18N        = 9
)

// rpm's own bounds of a header.
const (
	maxEntries = 0xffff
	maxData    = 0x0fffffff
	maxArray   = 0x000fffff

	maxString = 4 << 10 // bytes of a string that is kept
)

// errHeader is in the error of every header that breaks the format.
var errHeader = errors.New("the header of a package is damaged")

func badHeader(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errHeader, fmt.Sprintf(format, args...))
}

// entry is one entry of a header's index.
type entry struct{ tag, kind, offset, count uint32 }

// header reads one header as a stream, so that the lists of files of a large
// package never are in memory: the index first, then the data of the entries that
// are wanted in the order in which they stand. It can be used again.
type header struct {
	r       *bufio.Reader
	at      int64 // of the data
	size    int64 // of the data
	entries []entry
}

func newHeader() *header { return &header{r: bufio.NewReaderSize(nil, maxString)} }

// open reads the index of a header of size bytes and keeps the wanted entries. Of
// entries with the same tag the last one counts: those after the signed region
// replace its own.
func (h *header) open(r io.Reader, size int64, wanted []uint32) error {
	h.r.Reset(r)
	h.at, h.entries = 0, h.entries[:0]
	var b [16]byte
	if err := h.read(b[:8]); err != nil {
		return err
	}
	count, data := binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(b[4:])
	if count == 0 || count > maxEntries || data > maxData || 8+16*int64(count)+int64(data) != size {
		return badHeader("%d entries and %d bytes of data in %d bytes", count, data, size)
	}
	h.size = int64(data)
	for range count {
		if err := h.read(b[:]); err != nil {
			return err
		}
		e := entry{
			tag:    binary.BigEndian.Uint32(b[:]),
			kind:   binary.BigEndian.Uint32(b[4:]),
			offset: binary.BigEndian.Uint32(b[8:]),
			count:  binary.BigEndian.Uint32(b[12:]),
		}
		if err := h.keep(e, wanted); err != nil {
			return err
		}
	}
	slices.SortFunc(h.entries, func(a, b entry) int { return cmp.Compare(a.offset, b.offset) })
	return nil
}

func (h *header) keep(e entry, wanted []uint32) error {
	if !slices.Contains(wanted, e.tag) {
		return nil
	}
	if int64(e.offset) >= h.size || e.count == 0 || e.count > maxArray {
		return badHeader("tag %d has %d values at %d of %d", e.tag, e.count, e.offset, h.size)
	}
	same := slices.IndexFunc(h.entries, func(o entry) bool { return o.tag == e.tag })
	if same >= 0 {
		h.entries[same] = e
	} else {
		h.entries = append(h.entries, e)
	}
	return nil
}

// seek goes forward to the data of an entry.
func (h *header) seek(e entry) error {
	skip := int64(e.offset) - h.at
	if skip < 0 {
		return badHeader("tag %d overlaps with the one before", e.tag)
	}
	h.at += skip
	_, err := io.CopyN(io.Discard, h.r, skip)
	return cutOff(err)
}

// string reads the string that begins here.
func (h *header) string() (string, error) {
	b, err := h.stringBytes()
	return string(b), err
}

// stringBytes is string without a copy: the bytes are valid until the next read.
// What is longer than maxString is an error.
func (h *header) stringBytes() ([]byte, error) {
	b, err := h.r.ReadSlice(0)
	h.at += int64(len(b))
	if err == bufio.ErrBufferFull {
		return nil, badHeader("a string has more than %d bytes", maxString)
	}
	if err != nil {
		return nil, cutOff(err)
	}
	if h.at > h.size {
		return nil, badHeader("a string is longer than the data")
	}
	return b[:len(b)-1], nil
}

// int32 reads a number.
func (h *header) int32() (uint32, error) {
	var b [4]byte
	if err := h.bytes(b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b[:]), nil
}

// array reads size bytes.
func (h *header) array(size int) ([]byte, error) {
	if int64(size) > h.size-h.at {
		return nil, badHeader("its values are longer than its data")
	}
	b := make([]byte, size)
	return b, h.bytes(b)
}

// bytes fills b with data.
func (h *header) bytes(b []byte) error {
	h.at += int64(len(b))
	if h.at > h.size {
		return badHeader("its values are longer than its data")
	}
	return h.read(b)
}

func (h *header) read(b []byte) error {
	_, err := io.ReadFull(h.r, b)
	return cutOff(err)
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badHeader("it is cut off")
	}
	return err
}

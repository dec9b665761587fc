package sqlitefile

import (
	"errors"
	"fmt"
	"io"
)

// Row is a row of a table. Its columns are read in ascending order, each once:
// they are streamed, since a row may be larger than the memory that a reader
// wants to spend.
type Row struct {
	ID   int64 // the rowid; a column that is the table's integer key is NULL in the row itself
	body *payload

	kinds []uint64 // the columns' serial types
	next  int      // the column at whose beginning body stands
}

// maxColumns bounds the columns of a row in this package.
const maxColumns = 64

// open reads the row's header.
func (r *Row) open() error {
	if r.kinds != nil {
		return nil
	}
	size, n, err := r.varint()
	if err != nil {
		return err
	}
	if size > maxColumns*9 {
		return corrupt("the header of a row has %d bytes", size)
	}
	r.kinds = make([]uint64, 0, 8)
	for at := uint64(n); at < size; {
		kind, n, err := r.varint()
		if err != nil {
			return err
		}
		r.kinds = append(r.kinds, kind)
		at += uint64(n)
	}
	return nil
}

func (r *Row) varint() (uint64, int, error) {
	var b [9]byte
	for n := range b {
		if _, err := io.ReadFull(r.body, b[n:n+1]); err != nil {
			return 0, 0, cutOff(err)
		}
		if v, got := varint(b[:n+1]); got > 0 {
			return v, got, nil
		}
	}
	return 0, 0, corrupt("a number in a row is not one")
}

// column moves to a column and returns its serial type and its size.
func (r *Row) column(i int) (kind uint64, size int64, err error) {
	if err := r.open(); err != nil {
		return 0, 0, err
	}
	if i >= len(r.kinds) || i < r.next {
		return 0, 0, corrupt("a row has no column %d to read", i)
	}
	var skip int64
	for ; r.next < i; r.next++ {
		skip += sizeOf(r.kinds[r.next])
		if skip > r.body.left {
			return 0, 0, corrupt("the columns of a row are longer than the row")
		}
	}
	if _, err := io.CopyN(io.Discard, r.body, skip); err != nil {
		return 0, 0, cutOff(err)
	}
	kind, size = r.kinds[i], sizeOf(r.kinds[i])
	if size > r.body.left {
		return 0, 0, corrupt("a column has %d bytes, more than its row", size)
	}
	return kind, size, nil
}

// sizeOf returns the bytes that a value of a serial type takes, at most 2^62.
func sizeOf(kind uint64) int64 {
	switch {
	case kind >= 12:
		return int64(min((kind-12)/2, 1<<62))
	case kind <= 4:
		return int64(kind)
	case kind == 5:
		return 6
	case kind == 6 || kind == 7:
		return 8
	}
	return 0
}

// Text returns a column of text of at most limit bytes. A NULL is "".
func (r *Row) Text(i, limit int) (string, error) {
	kind, size, err := r.column(i)
	switch {
	case err != nil:
		return "", err
	case kind == 0:
		return "", nil
	case kind < 13 || kind%2 == 0:
		return "", corrupt("column %d of a row is not text", i)
	case size > int64(limit):
		return "", corrupt("column %d of a row has %d bytes", i, size)
	}
	b, err := r.take(size)
	return string(b), err
}

// Int returns a column with an integer.
func (r *Row) Int(i int) (int64, error) {
	kind, size, err := r.column(i)
	switch {
	case err != nil:
		return 0, err
	case kind == 8 || kind == 9:
		return int64(kind - 8), nil
	case kind == 0 || kind > 6:
		return 0, corrupt("column %d of a row is not an integer", i)
	}
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v, nil
}

// take reads the column at which the body stands.
func (r *Row) take(size int64) ([]byte, error) {
	b := make([]byte, size)
	r.next++
	if _, err := io.ReadFull(r.body, b); err != nil {
		return nil, cutOff(err)
	}
	return b, nil
}

// Blob returns a column that is a BLOB as a stream and its size. It is the last
// column that can be read.
func (r *Row) Blob(i int) (io.Reader, int64, error) {
	kind, size, err := r.column(i)
	if err != nil {
		return nil, 0, err
	}
	if kind < 12 || kind%2 == 1 {
		return nil, 0, corrupt("column %d of a row is not a blob", i)
	}
	r.next = len(r.kinds)
	return io.LimitReader(r.body, size), size, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: a row is cut off", ErrCorrupt)
	}
	return err
}

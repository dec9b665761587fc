// Package sqlitefile reads rows of a table out of an SQLite database as a file
// format (https://www.sqlite.org/fileformat2.html), the write-ahead log included.
// It exists because an SQLite engine locks, creates and deletes files beside the
// database that it reads, and the agent changes nothing on its host.
//
// It needs no more of a database than rpm's has: tables with rowids, read from
// one end to the other. Nothing in the file is trusted: page numbers, sizes and
// chains are checked, and no walk reads more pages than the database has, so that
// pages that refer to one another in a circle are an error. Memory is a page for
// each level of the tree and 8 bytes or so for each page in the log.
package sqlitefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrCorrupt is in every error that the bytes of the database are the cause of.
var ErrCorrupt = errors.New("the SQLite database is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Source is a file and its size.
type Source struct {
	io.ReaderAt
	Size int64
}

// File is an open database. It is not safe for concurrent use.
type File struct {
	db       Source
	wal      Source
	frames   map[uint32]int64 // the offset in the log of each page's newest committed content
	pageSize int
	usable   int    // of a page, without the reserved space
	pages    uint32 // size of the database
	budget   int64  // pages that the current walk may still read
}

const headerSize = 100

// Open reads the header of the database, and the log, if there is one (a size of
// 0 says that there is none). The log is followed up to its last commit, as SQLite
// does after a crash; what comes after it, or doesn't match its checksums, is not
// part of the database.
func Open(db, wal Source) (*File, error) {
	var h [headerSize]byte
	if n, err := db.ReadAt(h[:], 0); n < len(h) {
		if err == io.EOF {
			return nil, corrupt("it has %d bytes, which is less than a header", db.Size)
		}
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if string(h[:16]) != "SQLite format 3\x00" {
		return nil, corrupt("it doesn't begin as an SQLite database")
	}
	f := &File{db: db, wal: wal, pageSize: pageSize(uint32(binary.BigEndian.Uint16(h[16:])))}
	if f.pageSize == 0 {
		return nil, corrupt("its page size is not a power of two between 512 and 65536")
	}
	if pages := db.Size / int64(f.pageSize); pages < 1<<32 {
		f.pages = uint32(pages)
	} else {
		return nil, corrupt("it has %d pages", pages)
	}
	if err := f.readLog(); err != nil {
		return nil, err
	}
	return f, f.readFirst()
}

// readFirst reads the header again, through the log.
func (f *File) readFirst() error {
	f.budget = 1
	page := make([]byte, f.pageSize)
	if err := f.page(1, page); err != nil {
		return err
	}
	f.usable = f.pageSize - int(page[20])
	if f.usable < 480 {
		return corrupt("only %d bytes of a page are in use", f.usable)
	}
	if page[18] > 2 || page[19] > 2 {
		return corrupt("its format has version %d", page[19])
	}
	return nil
}

func pageSize(n uint32) int {
	if n == 1 {
		return 65536
	}
	if n < 512 || n > 65536 || n&(n-1) != 0 {
		return 0
	}
	return int(n)
}

// page reads page number n, the first being 1.
func (f *File) page(n uint32, buf []byte) error {
	if n == 0 || n > f.pages {
		return corrupt("page %d is referred to, of %d", n, f.pages)
	}
	if f.budget--; f.budget < 0 {
		return corrupt("its pages refer to one another in a circle")
	}
	from, at := f.db, int64(n-1)*int64(f.pageSize)
	if frame, ok := f.frames[n]; ok {
		from, at = f.wal, frame
	}
	read, err := from.ReadAt(buf, at)
	if read == len(buf) {
		return nil // ReadAt may say io.EOF at the very end
	}
	if err == io.EOF {
		return corrupt("page %d is cut off", n)
	} else if err != nil {
		return fmt.Errorf("read page %d: %w", n, err)
	}
	return nil
}

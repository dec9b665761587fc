package libraries

import (
	"context"
	"fmt"
	"io"
	"os"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// source is a file that may tell of libraries, while it is read.
type source struct {
	collection *collection
	kind       *kind
	path       string
	size       int64
	file       *os.File
	ctx        context.Context
	over       error // ends the collection, not only this file
}

// read opens the file and reads it as its kind demands. A parser that panics over
// what somebody has crafted costs that file, not the collection.
func (s *source) read(ctx context.Context, folder *hostfs.Folder, name string) (err error) {
	s.ctx = ctx
	if s.file, err = folder.Open(name); err != nil {
		return err
	}
	defer s.file.Close()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its parser crashed (%T)", v)
		}
	}()
	return s.kind.read(s)
}

// text is the file's content, at most limit bytes; a longer file is an error.
func (s *source) text(limit int64) (io.Reader, error) {
	if s.size > limit {
		return nil, fmt.Errorf("it has %d bytes, more than %d", s.size, limit)
	}
	return io.LimitReader(s.file, limit), nil
}

const (
	maxName    = 300 // bytes; npm allows 214, Maven's paths are longer
	maxVersion = 200
)

// plausible tells whether name and version look like those of a package. What
// does not is no package's, and may be anything that somebody has in a file.
func plausible(l *telemetry.Library) bool {
	if l.Name == "" || l.Version == "" && l.Digest == "" {
		return false
	}
	return len(l.Name) <= maxName && len(l.Version) <= maxVersion && len(l.Inside) <= 4*maxName && word(l.Name) && word(l.Version)
}

func word(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == '_', c == '+', c == '~', c == '/', c == ':', c == '@', c == '!', c == '*', c == '\'', c == '(', c == ')', c == '^':
		default:
			return false
		}
	}
	return true
}

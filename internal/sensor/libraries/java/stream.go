package java

import (
	"context"
	"errors"
	"hash/crc32"
	"io"

	"assay/internal/sensor/libraries/ziparchive"
)

// maxTail is how much of the end of an inner archive is kept. Most have no more
// than that, and the others their directory in it.
const maxTail = 1 << 20

// stream makes a compressed entry readable at random without holding it: its end is
// kept, and what is before is inflated again where it is needed. Reading it from
// front to back costs one such pass. It is not safe for concurrent use.
type stream struct {
	meter *meter
	r     io.ReaderAt
	entry ziparchive.Entry
	tail  []byte    // the end, as a ring: the byte at n is at n modulo its length
	now   io.Reader // of the pass under way, which is at
	at    int64
}

// newStream inflates the entry once. It must be as long, and have the checksum,
// that the directory of its archive says. The end is kept in tail, of maxTail bytes.
func newStream(m *meter, r io.ReaderAt, e ziparchive.Entry, tail []byte) (*stream, error) {
	s := &stream{meter: m, r: r, entry: e, tail: tail[:min(e.Size, maxTail)]}
	in, err := s.open()
	if err != nil {
		return nil, err
	}
	sum, size := crc32.NewIEEE(), int64(0)
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		sum.Write(buf[:n])
		if size+int64(n) > e.Size {
			return nil, ziparchive.ErrFormat
		}
		s.keep(buf[:n], size)
		size += int64(n)
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if size != e.Size || sum.Sum32() != e.CRC {
		return nil, ziparchive.ErrFormat
	}
	return s, nil
}

// keep puts what is at a place into the ring, in which it replaces what is older.
func (s *stream) keep(p []byte, at int64) {
	for len(p) > 0 {
		n := copy(s.tail[at%int64(len(s.tail)):], p)
		p, at = p[n:], at+int64(n)
	}
}

// kept copies from the ring.
func (s *stream) kept(p []byte, at int64) (n int) {
	for n < len(p) && at < s.entry.Size {
		ring := s.tail[at%int64(len(s.tail)):]
		m := copy(p[n:], ring[:min(int64(len(ring)), s.entry.Size-at)])
		n, at = n+m, at+int64(m)
	}
	return n
}

func (s *stream) open() (io.Reader, error) {
	in, err := ziparchive.Open(s.r, s.entry)
	if err != nil {
		return nil, err
	}
	return &metered{in, s.meter}, nil
}

// ReadAt implements io.ReaderAt.
func (s *stream) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 || off >= s.entry.Size {
		return 0, io.EOF
	}
	if first := s.entry.Size - int64(len(s.tail)); off < first {
		n, err = s.forward(p[:min(int64(len(p)), first-off)], off)
		if err != nil {
			return n, err
		}
	}
	if n += s.kept(p[n:], off+int64(n)); n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// forward reads what is not kept.
func (s *stream) forward(p []byte, off int64) (int, error) {
	if s.now == nil || s.at > off {
		now, err := s.open()
		if err != nil {
			return 0, err
		}
		s.now, s.at = now, 0
	}
	skipped, err := io.CopyN(io.Discard, s.now, off-s.at)
	s.at += skipped
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.now, p)
	s.at += int64(n)
	return n, err
}

// meter bounds what is inflated and looked at of a file, and in time.
type meter struct {
	ctx  context.Context
	left int64
}

var errInflated = errors.New("more is compressed in it than is looked at")

// over tells whether nothing more can be inflated.
func (m *meter) over() bool { return m.left < 0 || m.ctx.Err() != nil }

func (m *meter) take(n int64) error {
	if m.left -= n; m.left < 0 {
		return errInflated
	}
	return m.ctx.Err()
}

type metered struct {
	io.Reader
	meter *meter
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if over := m.meter.take(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

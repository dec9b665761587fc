package packages

import (
	"errors"
	"fmt"
	"io"
)

// bounded reads at most limit bytes, and fails where there are more: what is cut
// off must not look whole.
func bounded(r io.Reader, limit int64) io.Reader { return &boundedReader{r, limit, limit} }

type boundedReader struct {
	r           io.Reader
	left, limit int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left == 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, fmt.Errorf("it has more than %d bytes", b.limit)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// readSmall reads a file of one package.
func (c *collection) readSmall(path string, read func(io.Reader) error) error {
	f, err := c.fs.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(bounded(f, maxSmall))
}

// entryError makes an entry's error a skipped entry, where it is not one that ends
// the reading.
func entryError(name string, err error, add addFunc) error {
	var over stop
	if err == nil || errors.As(err, &over) || errors.Is(err, errTooMany) {
		return err
	}
	return add(nil, fmt.Errorf("%s: %w", name, err))
}

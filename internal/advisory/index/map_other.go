//go:build !unix

package index

import (
	"io"
	"os"
)

// contentOf reads a file: what is mapped could not be removed here.
func contentOf(f *os.File, size int) (data []byte, release func() error, err error) {
	data = make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
}

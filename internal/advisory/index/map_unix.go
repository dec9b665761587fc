//go:build unix

package index

import (
	"os"

	"golang.org/x/sys/unix"
)

// contentOf maps a file into memory. The mapping remains when the file is removed.
func contentOf(f *os.File, size int) (data []byte, release func() error, err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

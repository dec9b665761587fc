// Package python reads the metadata of installed Python distributions: METADATA of
// a .dist-info folder, PKG-INFO of an .egg-info or .egg. All are header fields as
// in mail (https://packaging.python.org/en/latest/specifications/core-metadata/),
// and begin with those that matter.
package python

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// maxHeader bounds the fields before name and version, which come second and third.
const maxHeader = 256 << 10

// ErrNone says that a file names no distribution.
var ErrNone = errors.New("it does not name a distribution and its version")

// Read returns the name, as it is written, and the version.
func Read(r io.Reader) (name, version string, err error) {
	lines := bufio.NewReaderSize(io.LimitReader(r, maxHeader), 4096)
	for name == "" || version == "" {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // nothing that is wanted is that long
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", "", err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break // the description follows, or nothing
		}
		key, value, _ := strings.Cut(text, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(key, "Name") && name == "":
			name = value
		case strings.EqualFold(key, "Version") && version == "":
			version = value
		}
	}
	if name == "" || version == "" {
		return "", "", ErrNone
	}
	return name, version, nil
}

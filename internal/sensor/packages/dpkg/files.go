package dpkg

import (
	"fmt"
	"io"
	"strings"
)

// maxDiversions bounds the diversions that are kept; a host has a few dozen.
const maxDiversions = 64 << 10

// Diversion is one entry of the diversions file: who installs From finds its
// file at To, unless it is the package By. By is ":" for an administrator's.
type Diversion struct {
	From, To, By string
}

// ReadDiversions reads /var/lib/dpkg/diversions: three lines an entry
// (dpkg-divert(1)).
func ReadDiversions(r io.Reader) ([]Diversion, error) {
	var all []Diversion
	lines := newLines(r)
	for {
		var three [3]string
		for i := range three {
			l, err := lines.next()
			if err == io.EOF && i == 0 {
				return all, nil
			} else if err != nil || l.long {
				return all, fmt.Errorf("read the diversions: entry %d is not whole: %w", len(all)+1, orLong(err))
			}
			three[i] = l.text
		}
		if len(all) == maxDiversions {
			return all, fmt.Errorf("read the diversions: more than %d", maxDiversions)
		}
		all = append(all, Diversion{From: three[0], To: three[1], By: three[2]})
	}
}

func orLong(err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("a path has more than %d bytes", maxValue)
}

// ReadList reads a package's list of files, NAME.list or NAME:ARCH.list of the
// info folder: one absolute path a line. Paths that are too long to be one are
// passed over.
func ReadList(r io.Reader, visit func(path string)) error {
	lines := newLines(r)
	for {
		l, err := lines.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a list of files: %w", err)
		}
		if !l.long && strings.HasPrefix(l.text, "/") {
			visit(l.text)
		}
	}
}

// ReadSums reads NAME.md5sums: a sum, blanks and a path relative to the root.
// Images whose packages stand in status.d have these and no lists; they are not
// always dpkg's own writing, so the last line needs no newline.
func ReadSums(r io.Reader, visit func(path string)) error {
	lines := newLines(io.MultiReader(r, strings.NewReader("\n")))
	for {
		l, err := lines.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a list of sums: %w", err)
		}
		if _, path, ok := strings.Cut(l.text, " "); ok && !l.long {
			visit("/" + strings.TrimLeft(path, " */"))
		}
	}
}

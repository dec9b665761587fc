// Package apk reads the database of Alpine's apk, lib/apk/db/installed: one
// paragraph a package of lines "X:value" with a letter as the name (apk-tools,
// src/database.c and doc/apk-v2.5). It opens nothing itself.
package apk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/telemetry"
)

// maxLine bounds a line whose value counts, in bytes. Lines of dependencies can
// be longer; they are passed over.
const maxLine = 16 << 10

// Visit is called once an entry: with the package, or with the reason why the
// entry could not be read. An error ends the reading and is returned.
type Visit func(p *telemetry.Package, bad error) error

// Read reads the packages. The last entry of a file that is cut off is not passed
// on, and is an error. The version is apk's own ("1.2.4-r2"); the source
// package is the origin, which has the package's version.
func Read(r io.Reader, visit Visit) error {
	e := entry{}
	err := scan(r, func(letter byte, value string, long bool) error {
		if letter != 0 {
			e.add(letter, value, long)
			return nil
		}
		defer func() { e = entry{} }()
		return e.visit(visit)
	})
	if err != nil {
		return err
	}
	return e.visit(visit)
}

// ReadFiles passes the package and the absolute path of every file that the
// database lists.
func ReadFiles(r io.Reader, visit func(name, path string)) error {
	var name, folder string
	return scan(r, func(letter byte, value string, long bool) error {
		switch {
		case letter == 0:
			name, folder = "", ""
		case long:
		case letter == 'P':
			name = value
		case letter == 'F':
			folder = value
		case letter == 'R' && folder == "":
			visit(name, "/"+value)
		case letter == 'R':
			visit(name, "/"+folder+"/"+value)
		}
		return nil
	})
}

type entry struct {
	p   telemetry.Package
	any bool
	bad error
}

func (e *entry) add(letter byte, value string, long bool) {
	e.any = true
	field := e.field(letter)
	if field == nil {
		return
	}
	if long && e.bad == nil {
		e.bad = fmt.Errorf("the entry of %q has a value of more than %d bytes", e.p.Name, maxLine)
	}
	*field = value
}

func (e *entry) field(letter byte) *string {
	switch letter {
	case 'P':
		return &e.p.Name
	case 'V':
		return &e.p.Version
	case 'A':
		return &e.p.Arch
	case 'o':
		return &e.p.Source
	}
	return nil
}

func (e *entry) visit(visit Visit) error {
	if !e.any {
		return nil
	}
	switch {
	case e.bad != nil:
	case e.p.Name == "":
		e.bad = errors.New("an entry has no name (P)")
	case e.p.Version == "":
		e.bad = fmt.Errorf("the entry of %q has no version (V)", e.p.Name)
	}
	if e.bad != nil {
		return visit(nil, e.bad)
	}
	p := e.p
	p.Manager, p.Status, p.SourceVersion = "apk", "installed", p.Version
	if p.Source == "" {
		p.Source = p.Name
	}
	return visit(&p, nil)
}

// scan passes every line on, an empty one as the letter 0. Of a long line only
// the beginning is passed on.
func scan(r io.Reader, visit func(letter byte, value string, long bool) error) error {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := br.ReadSlice('\n')
		line, long := strings.TrimSuffix(string(text), "\n"), false
		for err == bufio.ErrBufferFull {
			long = true
			_, err = br.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("read the database of apk: %w", err)
		}
		if err == io.EOF && len(text) == 0 && !long {
			return nil
		} else if err == io.EOF {
			return errors.New("the last line of apk's database has no end: the file is cut off")
		}
		var letter byte
		var value string
		if line != "" {
			letter = line[0]
			if len(line) < 2 || line[1] != ':' {
				letter, value = '?', line
			} else {
				value = line[2:]
			}
		}
		if err := visit(letter, value, long); err != nil {
			return err
		}
	}
}

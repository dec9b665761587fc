// Package pacman reads the local database of Arch's pacman: a folder a package
// with the files desc and files, each made of sections "%NAME%", their values a
// line each, and an empty line (libalpm, be_local.c). It opens nothing itself.
package pacman

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay/internal/telemetry"
)

const maxLine = 8 << 10 // bytes; a path has at most 4 KiB

// ReadDesc reads the desc file of one package. The version is pacman's own, with
// the epoch if there is one ("1:2.3-4"); the source package is %BASE%, which has
// the package's version.
func ReadDesc(r io.Reader) (*telemetry.Package, error) {
	p := &telemetry.Package{Manager: "pacman", Status: "installed"}
	err := sections(r, func(section, value string) {
		switch section {
		case "%NAME%":
			p.Name = value
		case "%VERSION%":
			p.Version = value
		case "%ARCH%":
			p.Arch = value
		case "%BASE%":
			p.Source = value
		case "%INSTALLDATE%":
			p.Installed, _ = strconv.ParseInt(value, 10, 64)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case p.Name == "":
		return nil, errors.New("the description has no %NAME%")
	case p.Version == "":
		return nil, fmt.Errorf("the description of %q has no %%VERSION%%", p.Name)
	}
	if p.Source == "" {
		p.Source = p.Name
	}
	p.SourceVersion = p.Version
	return p, nil
}

// ReadFiles passes the absolute path of every file and folder in a files file;
// a folder's ends in a slash.
func ReadFiles(r io.Reader, visit func(path string)) error {
	return sections(r, func(section, value string) {
		if section == "%FILES%" {
			visit("/" + value)
		}
	})
}

// PackageName returns the name in the name of a package's folder:
// name-version-release.
func PackageName(folder string) string {
	for range 2 {
		i := strings.LastIndexByte(folder, '-')
		if i <= 0 {
			return folder
		}
		folder = folder[:i]
	}
	return folder
}

func sections(r io.Reader, visit func(section, value string)) error {
	br := bufio.NewReaderSize(r, maxLine)
	section := ""
	for {
		text, err := br.ReadSlice('\n')
		line, long := strings.TrimSuffix(string(text), "\n"), false
		for err == bufio.ErrBufferFull {
			long = true
			_, err = br.ReadSlice('\n')
		}
		if err == io.EOF && (line != "" || long) {
			return errors.New("the last line of a file of pacman's has no end: it is cut off")
		} else if err != nil && err != io.EOF {
			return fmt.Errorf("read a file of pacman: %w", err)
		}
		switch {
		case long:
		case line == "":
			section = ""
		case section == "" && strings.HasPrefix(line, "%") && strings.HasSuffix(line, "%"):
			section = line
		case section != "":
			visit(section, line)
		}
		if err == io.EOF {
			return nil
		}
	}
}

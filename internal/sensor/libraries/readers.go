package libraries

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"assay/internal/sensor/libraries/dotnet"
	"assay/internal/sensor/libraries/elffile"
	"assay/internal/sensor/libraries/gobinary"
	"assay/internal/sensor/libraries/java"
	"assay/internal/sensor/libraries/node"
	"assay/internal/sensor/libraries/php"
	"assay/internal/sensor/libraries/python"
	"assay/internal/sensor/libraries/ruby"
	"assay/internal/sensor/libraries/rust"
	"assay/internal/sensor/libraries/ziparchive"
	"assay/internal/telemetry"
)

// Bounds of files, in bytes.
const (
	maxText = 1 << 20 // of one package
	maxList = 4 << 20 // of all packages of a project: some thousand
)

func readArchive(s *source) error { return java.Read(s.ctx, s.file, s.size, s.path, s.add) }

func readMetadata(s *source) error {
	name, version, err := python.Read(s.file) // reads no more than a beginning
	if err != nil {
		return err
	}
	return s.add(telemetry.Library{Ecosystem: pypi, Name: name, Version: version})
}

// readEgg reads a distribution that is installed as an archive.
func readEgg(s *source) error {
	return ziparchive.Each(s.file, s.size, func(e ziparchive.Entry) error {
		if e.Name != "EGG-INFO/PKG-INFO" {
			return nil
		}
		in, err := ziparchive.Open(s.file, e)
		if err != nil {
			return err
		}
		name, version, err := python.Read(in)
		if err != nil {
			return err
		}
		return s.add(telemetry.Library{Ecosystem: pypi, Name: name, Version: version, Inside: e.Name})
	})
}

// readPackageJSON adds a package, if it is one: packages have a name and a version.
func readPackageJSON(s *source) error {
	text, err := s.text(maxText)
	if err != nil {
		return err
	}
	name, version, err := node.Read(text)
	if err != nil || name == "" || version == "" {
		return err
	}
	return s.add(telemetry.Library{Ecosystem: npm, Name: name, Version: version})
}

func readGem(s *source) error {
	text, err := s.text(maxText)
	if err != nil {
		return err
	}
	name, version, err := ruby.Read(text, path.Base(s.path))
	if err != nil {
		return err
	}
	return s.add(telemetry.Library{Ecosystem: rubyGems, Name: name, Version: version})
}

func readInstalled(s *source) error { return s.list(php.Read) }

func readDeps(s *source) error { return s.list(dotnet.Read) }

func (s *source) list(read func(io.Reader, func(telemetry.Library) error) error) error {
	text, err := s.text(maxList)
	if err != nil {
		return err
	}
	return read(text, s.add)
}

// readProgram reads a program, if the file is one.
func readProgram(s *source) error {
	magic := make([]byte, 4)
	if n, err := s.file.ReadAt(magic, 0); n < len(magic) {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	switch {
	case string(magic) == elffile.Magic:
		return s.elf()
	case strings.HasPrefix(string(magic), "MZ"), machO(magic):
		// Not of this system, but built to be copied to others or run in an
		// emulator. Of those only Go's can be told.
		// A kernel is PE as well, and much that is no program begins with MZ.
		if err := gobinary.Read(s.file, s.add); !errors.Is(err, gobinary.ErrNotGo) {
			return err
		}
	}
	return nil
}

func machO(magic []byte) bool {
	switch string(magic) {
	case "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return true
	}
	return false
}

// elf reads a program of Linux. A file that begins like one and is damaged, or is
// no program (a core dump), cannot be run.
func (s *source) elf() error {
	f, err := elffile.Open(s.file)
	if errors.Is(err, elffile.ErrFormat) {
		return nil
	} else if err != nil {
		return err
	}
	found, err := f.Find(gobinary.Section, rust.Section)
	if err != nil {
		return err
	}
	if _, ok := found[gobinary.Section]; ok || f.Count == 0 {
		err := gobinary.Read(s.file, s.add)
		// Without sections it has been looked for where Go has it.
		if notGo := errors.Is(err, gobinary.ErrNotGo) || errors.Is(err, gobinary.ErrMuch); err != nil && !(notGo && f.Count == 0) {
			return err
		}
	}
	if section, ok := found[rust.Section]; ok {
		if err := rust.Read(io.NewSectionReader(s.file, section.Offset, section.Size), s.add); err != nil {
			return fmt.Errorf("its section %s: %w", rust.Section, err)
		}
	}
	return nil
}

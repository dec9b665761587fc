package telemetry

import (
	"bytes"
	"time"
)

// Most records of a host are files, kernel parameters and packages, and most of
// those have plain names, so that their lines look as Writer writes them. They are
// read here, several times as fast as by a general JSON parser; reading is what an
// upload and an evaluation cost. Whatever is not exactly of this form is left to
// that parser, which then takes or refuses it.

// plainRecord is a record that can be read so. readPlain reads a line as Writer
// writes it, and tells whether it was one; if not, the record may be filled in
// part. What it takes, the general parser takes as well, with the same result.
type plainRecord interface {
	readPlain(line []byte) bool
}

func (k *KernelParameter) readPlain(line []byte) bool {
	p := plainLine{line, true}
	p.need(`{"type":"kernel_parameter","sensor":"`)
	k.Type, k.Sensor = TypeKernelParameter, known(p.text(), SensorKernel)
	p.need(`,"name":"`)
	k.Name = string(p.text())
	p.need(`,"value":"`)
	k.Value = known(p.text(), "0", "1")
	p.need(`}`)
	return p.ok && len(p.rest) == 0
}

func (k *Package) readPlain(line []byte) bool {
	p := plainLine{line, true}
	p.need(`{"type":"package","sensor":"`)
	k.Type, k.Sensor = TypePackage, known(p.text(), SensorPackages, SensorContainers)
	p.need(`,"manager":"`)
	k.Manager = known(p.text(), "dpkg", "rpm", "apk", "pacman")
	p.need(`,"name":"`)
	k.Name = string(p.text())
	p.need(`,"version":"`)
	k.Version = string(p.text())
	if p.has(`,"arch":"`) {
		k.Arch = known(p.text(), "amd64", "all", "x86_64", "noarch")
	}
	p.need(`,"source":"`)
	k.Source = known(p.text(), k.Name)
	p.need(`,"source_version":"`)
	k.SourceVersion = known(p.text(), k.Version)
	if p.has(`,"status":"`) {
		k.Status = known(p.text(), "installed")
	}
	p.need(`,"hold":false`)
	if p.has(`,"vendor":"`) {
		k.Vendor = string(p.text())
	}
	p.need(`,"installed":`)
	k.Installed = int64(p.number(1<<63 - 1))
	if p.has(`,"container":"`) {
		k.Container = string(p.text())
	}
	p.need(`}`)
	return p.ok && len(p.rest) == 0
}

func (f *File) readPlain(line []byte) bool {
	p := plainLine{line, true}
	p.need(`{"type":"file","sensor":"`)
	f.Type, f.Sensor = TypeFile, known(p.text(), SensorFiles, SensorWalk)
	p.need(`,"path":"`)
	f.Path = string(p.text())
	p.need(`,"kind":"`)
	f.Kind = FileKind(known(p.text(), string(Regular), string(Symlink), string(Directory)))
	p.need(`,"mode":`)
	f.Mode = uint32(p.number(1<<32 - 1))
	p.need(`,"uid":`)
	f.UID = uint32(p.number(1<<32 - 1))
	p.need(`,"gid":`)
	f.GID = uint32(p.number(1<<32 - 1))
	p.need(`,"size":`)
	f.Size = int64(p.number(1<<63 - 1))
	p.need(`,"mtime":"`)
	f.MTime = p.time()
	p.need(`,"links":`)
	f.Links = p.number(1<<64 - 1)
	p.need(`,"device":`)
	f.Device = p.number(1<<64 - 1)
	p.need(`,"inode":`)
	f.Inode = p.number(1<<64 - 1)
	if p.has(`,"target":"`) {
		f.Target = string(p.text())
	}
	p.need(`}`)
	return p.ok && len(p.rest) == 0
}

// known is the text as one of a few that need no memory of their own.
func known(text []byte, words ...string) string {
	for _, w := range words {
		if string(text) == w {
			return w
		}
	}
	return string(text)
}

// plainLine is what is left of a line; ok turns false at the first thing that is not
// as expected.
type plainLine struct {
	rest []byte
	ok   bool
}

func (p *plainLine) has(begin string) bool {
	if len(p.rest) < len(begin) || string(p.rest[:len(begin)]) != begin {
		return false
	}
	p.rest = p.rest[len(begin):]
	return true
}

func (p *plainLine) need(begin string) { p.ok = p.ok && p.has(begin) }

// text is a string's contents up to its quote: printable ASCII without escapes.
func (p *plainLine) text() []byte {
	end := bytes.IndexByte(p.rest, '"')
	if !p.ok || end < 0 {
		p.ok = false
		return nil
	}
	text := p.rest[:end]
	for _, c := range text {
		if c < ' ' || c >= 0x7f || c == '\\' {
			p.ok = false
			return nil
		}
	}
	p.rest = p.rest[end+1:]
	return text
}

// number is a whole number of at most 19 digits.
func (p *plainLine) number(most uint64) uint64 {
	var n uint64
	digits := 0
	for ; digits < len(p.rest) && p.rest[digits]-'0' <= 9; digits++ {
		if digits == 19 {
			p.ok = false
			return 0
		}
		n = n*10 + uint64(p.rest[digits]-'0')
	}
	if digits == 0 || digits > 1 && p.rest[0] == '0' || n > most {
		p.ok = false
		return 0
	}
	p.rest = p.rest[digits:]
	return n
}

func (p *plainLine) time() (t time.Time) {
	text := p.text()
	if len(text) != len("2006-01-02T15:04:05Z") || t.UnmarshalText(text) != nil {
		p.ok = false
	}
	return t
}

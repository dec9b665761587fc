// Package rpm reads the packages of an rpm database: the headers (blobs of tags,
// lib/header.c of rpm) that stand in one of three formats of file, each a package
// below this one. It opens nothing itself; files are given as io.ReaderAt.
package rpm

import (
	"fmt"
	"io"
	"strings"

	"assay/internal/sensor/packages/rpm/bdb"
	"assay/internal/sensor/packages/rpm/ndb"
	"assay/internal/sensor/packages/rpm/sqlitefile"
	"assay/internal/telemetry"
)

// Format is one of the formats of the database.
type Format struct {
	Name string // "sqlite", "ndb", "bdb"
	File string // the name of its file in the database's folder
	Log  string // the name of the log that belongs to it, or ""
}

// Formats returns the formats in the order in which rpm moved to them, the newest
// first.
func Formats() []Format {
	return []Format{
		{Name: "sqlite", File: "rpmdb.sqlite", Log: "rpmdb.sqlite-wal"},
		{Name: "ndb", File: "Packages.db"},
		{Name: "bdb", File: "Packages"},
	}
}

// Source is a file and its size.
type Source = sqlitefile.Source

// Database is an rpm database whose files are open.
type Database struct {
	Format string
	Main   Source
	Log    Source // sqlite: the write-ahead log, if there is one
}

// headers visits the headers in the database.
func (d Database) headers(visit func(r io.Reader, size int64) error) error {
	switch d.Format {
	case "sqlite":
		return sqliteHeaders(d.Main, d.Log, visit)
	case "ndb":
		return ndb.Blobs(d.Main, d.Main.Size, visit)
	case "bdb":
		return bdb.Values(d.Main, d.Main.Size, visit)
	}
	return fmt.Errorf("the rpm database has the format %q, which is not known", d.Format)
}

func sqliteHeaders(db, log Source, visit func(r io.Reader, size int64) error) error {
	f, err := sqlitefile.Open(db, log)
	if err != nil {
		return err
	}
	root, err := f.Table("Packages")
	if err != nil {
		return err
	}
	return f.Rows(root, func(row *sqlitefile.Row) error {
		const blobColumn = 1
		blob, size, err := row.Blob(blobColumn)
		if err != nil {
			return visit(broken{err}, 0)
		}
		return visit(blob, size)
	})
}

// broken is a header that can't be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Visit is called once an entry: with the package, or with the reason why the
// entry could not be read. An error ends the reading and is returned.
type Visit func(p *telemetry.Package, bad error) error

// Packages reads the packages. The keys that rpm keeps as packages named
// gpg-pubkey are left out. The version is what rpm prints as EVR; the source's
// version is that of SOURCERPM, which has no epoch.
func (d Database) Packages(visit Visit) error {
	h := newHeader()
	return d.headers(func(r io.Reader, size int64) error {
		p, err := readPackage(h, r, size)
		if err != nil {
			return visit(nil, err)
		}
		if p.Name == "gpg-pubkey" {
			return nil
		}
		return visit(p, nil)
	})
}

// fields are what a package is made of.
type fields struct {
	name, version, release, arch, source, vendor, modularity string

	epoch     uint32
	hasEpoch  bool
	installed uint32
}

func readPackage(h *header, r io.Reader, size int64) (*telemetry.Package, error) {
	err := h.open(r, size, []uint32{tagName, tagVersion, tagRelease, tagEpoch, tagInstallTime,
		tagVendor, tagArch, tagSourceRPM, tagModularityLabel})
	if err != nil {
		return nil, err
	}
	var f fields
	for _, e := range h.entries {
		if err := f.read(h, e); err != nil {
			return nil, err
		}
	}
	return f.pack()
}

func (f *fields) read(h *header, e entry) error {
	if err := h.seek(e); err != nil {
		return err
	}
	var err error
	switch e.tag {
	case tagEpoch, tagInstallTime:
		if e.kind != typeInt32 {
			return badHeader("tag %d is of type %d", e.tag, e.kind)
		}
		if e.tag == tagInstallTime {
			f.installed, err = h.int32()
			return err
		}
		f.hasEpoch = true
		f.epoch, err = h.int32()
		return err
	}
	if e.kind != typeString && e.kind != typeI18N && e.kind != typeStringArray {
		return badHeader("tag %d is of type %d", e.tag, e.kind)
	}
	*f.text(e.tag), err = h.string()
	return err
}

func (f *fields) text(tag uint32) *string {
	switch tag {
	case tagName:
		return &f.name
	case tagVersion:
		return &f.version
	case tagRelease:
		return &f.release
	case tagArch:
		return &f.arch
	case tagSourceRPM:
		return &f.source
	case tagVendor:
		return &f.vendor
	default:
		return &f.modularity
	}
}

func (f *fields) pack() (*telemetry.Package, error) {
	if f.name == "" || f.version == "" || f.release == "" {
		return nil, badHeader("of name %q, version %q and release %q one is missing", f.name, f.version, f.release)
	}
	p := &telemetry.Package{
		Manager:    "rpm",
		Name:       f.name,
		Version:    f.version + "-" + f.release,
		Arch:       f.arch,
		Status:     "installed",
		Modularity: f.modularity,
		Vendor:     f.vendor,
		Installed:  int64(f.installed),
	}
	if f.hasEpoch {
		p.Version = fmt.Sprintf("%d:%s", f.epoch, p.Version)
	}
	p.Source, p.SourceVersion = source(f.source)
	if p.Source == "" {
		p.Source, p.SourceVersion = p.Name, p.Version
	}
	return p, nil
}

// source takes the name of a source package's file apart:
// name-version-release.src.rpm. What is not of that form gives nothing.
func source(file string) (name, version string) {
	base, ok := strings.CutSuffix(file, ".src.rpm")
	if !ok {
		if base, ok = strings.CutSuffix(file, ".nosrc.rpm"); !ok {
			return "", ""
		}
	}
	release := strings.LastIndexByte(base, '-')
	if release <= 0 {
		return "", ""
	}
	at := strings.LastIndexByte(base[:release], '-')
	if at <= 0 {
		return "", ""
	}
	return base[:at], base[at+1:]
}

// Package dpkg reads the database of dpkg as text: the status file, the entries
// of status.d in distroless images and of updates (deb822 paragraphs, dpkg's
// lib/dpkg/parse.c and deb-status(5)), and the lists of files. It opens nothing
// itself and keeps nothing but what it was asked for.
package dpkg

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/telemetry"
)

// NotInstalled is the state of an entry that stands in the status file only
// because somebody has asked for a package: nothing of it is on the host.
const NotInstalled = "not-installed"

// Visit is called once an entry: with the package, or with the reason why the
// entry could not be read. An error ends the reading and is returned.
type Visit func(p *telemetry.Package, bad error) error

// Read reads the paragraphs of a status file, of a file of status.d or of
// updates. Entries in the state NotInstalled are passed on as well; they have no
// version. A paragraph without Status, as in distroless images, is installed. The
// last paragraph of a file that is cut off (ErrCutOff) is not passed on.
// Memory is bounded by the longest value that counts (4 KiB each).
func Read(r io.Reader, visit Visit) error {
	p := paragraphs{lines: newLines(r)}
	for {
		fields, err := p.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the paragraphs of dpkg: %w", err)
		}
		if err := visit(entry(fields)); err != nil {
			return err
		}
	}
}

func entry(f fields) (*telemetry.Package, error) {
	if f.bad != nil {
		return nil, f.bad
	}
	if f.name == "" {
		return nil, errors.New("an entry has no Package field")
	}
	p := &telemetry.Package{
		Manager: "dpkg",
		Name:    f.name,
		Version: f.version,
		Arch:    f.arch,
		Vendor:  f.origin,
		Status:  "installed",
	}
	if f.status != "" {
		words := strings.Fields(f.status)
		if len(words) != 3 {
			return nil, fmt.Errorf("the entry of %s has the status %q, which is not three words", f.name, f.status)
		}
		p.Hold = strings.EqualFold(words[0], "hold")
		p.Status = strings.ToLower(words[2])
	}
	if p.Version == "" && p.Status != NotInstalled {
		return nil, fmt.Errorf("the entry of %s has no version, though it is %s", f.name, p.Status)
	}
	p.Source, p.SourceVersion = source(f.source)
	if p.Source == "" {
		p.Source = p.Name
	}
	if p.SourceVersion == "" {
		p.SourceVersion = p.Version
	}
	return p, nil
}

// source takes "name" or "name (version)" apart.
func source(text string) (name, version string) {
	name, rest, _ := strings.Cut(text, "(")
	version, _, _ = strings.Cut(rest, ")")
	return strings.TrimSpace(name), strings.TrimSpace(version)
}

// Replaces tells whether an entry of the updates folder takes the place of an
// entry of the status file: the same package and architecture. A package that
// changes from or to architecture "all" stays the same one.
func Replaces(update, old *telemetry.Package) bool {
	return update.Name == old.Name &&
		(update.Arch == old.Arch || update.Arch == "all" || old.Arch == "all")
}

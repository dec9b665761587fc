package index

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/internal/durable"
)

// ErrNoIndex is in the error of what needs a set where none was built.
var ErrNoIndex = errors.New("there are no advisories yet: update or import feeds")

// ManifestFile is the name of a set's manifest in its folder. Another file takes its
// place when another set does.
const ManifestFile = "manifest.json"

const (
	suffix      = ".index"
	maxManifest = 64 << 20
)

// Manifest says what a set is made of. A run records it, so that it can be told
// later what was known when.
type Manifest struct {
	Built   time.Time `json:"built"`
	Sources []Source  `json:"sources"`
	Files   []File    `json:"files"` // by ecosystem
	Facts   File      `json:"facts"`
	// What suppliers stated (VEX), as JSON lines; Rows is how many. Zero: nothing.
	Statements File `json:"statements,omitzero"`
	// What was read and is not in the set: advisories that were withdrawn.
	Withdrawn int `json:"withdrawn"`
}

// Source is a feed that a set was built from.
type Source struct {
	Name    string    `json:"name"`
	From    string    `json:"from"`              // an address without credentials, or a file
	Fetched time.Time `json:"fetched"`           // when it was last known to be current
	Newest  time.Time `json:"newest"`            // of its records
	SHA256  string    `json:"sha256,omitempty"`  // of what was read
	Edition string    `json:"edition,omitempty"` // what the feed calls itself
	Records int       `json:"records"`
	Kind    string    `json:"kind,omitempty"` // the form it is in: "osv", "debian", "csaf", "updateinfo", "alpine", "kev", "epss", "openvex", "csaf-vex"
	// Ecosystems are those that it has records of, sorted: "Debian:12".
	Ecosystems []string `json:"ecosystems,omitempty"`
	// Unfixed: it also tells what has no fix. Where no source of an ecosystem does,
	// nothing is known of what nobody has fixed.
	Unfixed bool `json:"unfixed,omitempty"`
	// Bundled: it came with the program, and is as old as that.
	Bundled bool `json:"bundled,omitempty"`
}

// File is a file of a set.
type File struct {
	File       string    `json:"file"`                // its name in the folder
	Ecosystem  string    `json:"ecosystem,omitempty"` // "Debian:12"; empty: the facts
	Size       int64     `json:"size"`
	SHA256     string    `json:"sha256"`
	Newest     time.Time `json:"newest"` // of its advisories, when published or modified
	Names      uint32    `json:"names"`
	Rows       uint32    `json:"rows"`
	Advisories uint32    `json:"advisories"`
	// Rows with a range that cannot be compared with: its bounds are no versions of
	// the ecosystem, or there is no order for it.
	Unclear uint32 `json:"unclear"`
}

// Hash stands for all of the content of a set: the same records, facts and
// statements, the same hash.
func (m *Manifest) Hash() string {
	sum := sha256.New()
	for _, f := range m.all() {
		fmt.Fprintf(sum, "%q %s\n", f.Ecosystem, f.SHA256)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// all are the files of the set.
func (m *Manifest) all() []File {
	files := append(slices.Clone(m.Files), m.Facts)
	if m.Statements.File != "" {
		files = append(files, m.Statements)
	}
	return files
}

// Covering are the sources that have records of an ecosystem, or of those below it:
// "Red Hat:enterprise_linux:9" stands for "Red Hat:enterprise_linux:9::appstream", too.
func (m *Manifest) Covering(ecosystem string) []Source {
	var all []Source
	for _, s := range m.Sources {
		if slices.ContainsFunc(s.Ecosystems, func(e string) bool { return below(e, ecosystem) }) {
			all = append(all, s)
		}
	}
	return all
}

// below tells whether an ecosystem is another, or a part of it.
func below(ecosystem, of string) bool {
	rest, ok := strings.CutPrefix(ecosystem, of)
	return ok && (rest == "" || rest[0] == ':')
}

// Newest is when the newest advisory was published or modified.
func (m *Manifest) Newest() (newest time.Time) {
	for _, f := range m.Files {
		if f.Newest.After(newest) {
			newest = f.Newest
		}
	}
	return newest
}

// ReadManifest reads the manifest of the set in a folder. Its error has ErrNoIndex
// if there is none.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	name := filepath.Join(dir, ManifestFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s: %w", dir, ErrNoIndex)
	}
	if err != nil {
		return m, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return m, err
	}
	if len(text) > maxManifest {
		return m, damaged(name, "it has more than %d bytes", maxManifest)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, damaged(name, "%v", err)
	}
	return m, m.check(name)
}

func (m *Manifest) check(name string) error {
	seen := map[string]bool{}
	if f := m.Statements; f.File != "" && (filepath.Base(f.File) != f.File || !filepath.IsLocal(f.File) || !strings.HasSuffix(f.File, statementsSuffix)) {
		return damaged(name, "%.200q is no name of a file of statements", f.File)
	}
	for _, f := range append(slices.Clone(m.Files), m.Facts) {
		if !filepath.IsLocal(f.File) || filepath.Base(f.File) != f.File || !strings.HasSuffix(f.File, suffix) {
			return damaged(name, "%.200q is no name of a file of the set", f.File)
		}
		if seen[f.Ecosystem] {
			return damaged(name, "it has two files for %.200q", f.Ecosystem)
		}
		seen[f.Ecosystem] = true
	}
	return nil
}

func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, ManifestFile), append(text, '\n'))
}

// Restate writes down other sources of the set in a folder, whose content stays as it
// is: that they are still current, say. It may not be called while a Builder works there.
func Restate(dir string, sources []Source) error {
	lock, err := durable.TryLock(dir)
	if err != nil {
		return err
	}
	m, err := ReadManifest(dir)
	if err == nil {
		m.Sources = sources
		err = m.write(dir)
	}
	return errors.Join(err, lock.Unlock())
}

// verify compares all of a file's content with the manifest.
func (f *File) verify(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != f.Size || got != f.SHA256 {
		return damaged(name, "it has %d bytes with the SHA-256 %s, and the manifest says %d and %s", n, got, f.Size, f.SHA256)
	}
	return nil
}

// removeOthers removes the files of sets before this one, and what replacements of
// files left behind that a crash cut off. Who reads a file has it open.
func (m *Manifest) removeOthers(dir string) error {
	mine := map[string]bool{}
	for _, f := range m.all() {
		mine[f.File] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		name := e.Name()
		cutOff := strings.HasPrefix(name, ".") && (strings.Contains(name, suffix+".") || strings.HasPrefix(name, "."+ManifestFile+".") || strings.HasPrefix(name, "."+statementsStem))
		ofASet := strings.HasSuffix(name, suffix) || strings.HasPrefix(name, statementsStem) && strings.HasSuffix(name, statementsSuffix)
		if cutOff || ofASet && !mine[name] {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

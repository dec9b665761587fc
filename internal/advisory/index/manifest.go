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

const (
	manifestFile = "manifest.json"
	suffix       = ".index"
	maxManifest  = 16 << 20
)

// Manifest says what a set is made of. A run records it, so that it can be told
// later what was known when.
type Manifest struct {
	Built   time.Time `json:"built"`
	Sources []Source  `json:"sources"`
	Files   []File    `json:"files"` // by ecosystem
	Facts   File      `json:"facts"`
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

// Hash stands for all of the content of a set: the same records, the same hash.
func (m *Manifest) Hash() string {
	sum := sha256.New()
	for _, f := range append(slices.Clone(m.Files), m.Facts) {
		fmt.Fprintf(sum, "%q %s\n", f.Ecosystem, f.SHA256)
	}
	return hex.EncodeToString(sum.Sum(nil))
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
	name := filepath.Join(dir, manifestFile)
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
	return durable.WriteFile(filepath.Join(dir, manifestFile), append(text, '\n'))
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
	mine := map[string]bool{m.Facts.File: true}
	for _, f := range m.Files {
		mine[f.File] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		cutOff := strings.HasPrefix(e.Name(), ".") && (strings.Contains(e.Name(), suffix+".") || strings.HasPrefix(e.Name(), "."+manifestFile+"."))
		if cutOff || strings.HasSuffix(e.Name(), suffix) && !mine[e.Name()] {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

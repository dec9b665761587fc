package index

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"assay/internal/advisory"
)

// ErrNoData is in the error of Set.Index for an ecosystem, or a release of it, that
// the set has no advisories of: nothing is known, which is not that nothing is wrong.
var ErrNoData = errors.New("there are no advisories for it")

// Set is the advisories of all ecosystems, and the facts, as of one build. It may be
// used by many goroutines. It holds its files until the last user has closed it.
type Set struct {
	manifest   Manifest
	dir        string
	indexes    map[string]*Index
	facts      *Facts
	statements *statements // nil: none
	users      atomic.Int64
}

// attempts is how often a set is looked for, if its files vanish for a newer set's.
const attempts = 5

// Open opens the set in a folder, with the caller as its user. Its error has
// ErrNoIndex if none was built there.
func Open(dir string) (s *Set, err error) {
	for range attempts {
		if s, err = openSet(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the advisories in %s: %w", dir, err)
	}
	return s, nil
}

func openSet(dir string) (*Set, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	s := &Set{manifest: m, dir: dir, indexes: map[string]*Index{}}
	s.users.Store(1)
	for _, f := range m.Files {
		t, err := s.open(f, ofAdvisories)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.indexes[f.Ecosystem] = newIndex(t)
	}
	t, err := s.open(m.Facts, ofFacts)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.facts = &Facts{t}
	if m.Statements.File != "" {
		if s.statements, err = openStatements(dir, m.Statements); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Set) open(f File, k kind) (*table, error) {
	t, err := openTable(filepath.Join(s.dir, f.File), k)
	if err != nil {
		return nil, err
	}
	if got := string(t.parts[about]); got != f.Ecosystem {
		return nil, errors.Join(damaged(t.file, "it is of %.200q, and the manifest says of %q", got, f.Ecosystem), t.release())
	}
	return t, nil
}

// Manifest says what the set is made of. It is not to be changed.
func (s *Set) Manifest() *Manifest { return &s.manifest }

// Index is the advisories of an ecosystem with its release, which are checked the
// first time. Its error has ErrNoData or ErrDamaged.
func (s *Set) Index(ecosystem string) (*Index, error) {
	x, ok := s.indexes[ecosystem]
	if !ok {
		return nil, fmt.Errorf("%q: %w", ecosystem, ErrNoData)
	}
	return x, x.t.verify()
}

// Fact is what is known of a vulnerability; false if nothing is.
func (s *Set) Fact(id string) (advisory.Fact, bool, error) {
	if err := s.facts.t.verify(); err != nil {
		return advisory.Fact{}, false, err
	}
	return s.facts.Fact(id)
}

// Ecosystems are those that the set has advisories of, sorted: the one of that name
// and those below it, as "Red Hat:enterprise_linux:9" stands for
// "Red Hat:enterprise_linux:9::appstream", too.
func (s *Set) Ecosystems(prefix string) []string {
	var all []string
	for _, f := range s.manifest.Files {
		if below(f.Ecosystem, prefix) {
			all = append(all, f.Ecosystem)
		}
	}
	slices.Sort(all)
	return all
}

// Statements are what suppliers stated (VEX), in the order in which the Builder took
// them. They are read and checked the first time, and kept for the next; they are not
// to be changed. The error has ErrDamaged.
func (s *Set) Statements() ([]advisory.Statement, error) {
	if s.statements == nil {
		return nil, nil
	}
	return s.statements.read()
}

// Verify reads all files and compares them with the hashes in the manifest, as long
// as they are in the folder.
func (s *Set) Verify() error {
	for _, f := range s.manifest.all() {
		if err := f.verify(filepath.Join(s.dir, f.File)); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the use of the set. Its last user's lets the files go: nothing that was
// taken from the set without being copied is to be touched then.
func (s *Set) Close() error {
	if s.users.Add(-1) != 0 {
		return nil
	}
	var errs []error
	for _, x := range s.indexes {
		errs = append(errs, x.t.release())
	}
	if s.facts != nil {
		errs = append(errs, s.facts.t.release())
	}
	if s.statements != nil {
		errs = append(errs, s.statements.f.Close())
	}
	return errors.Join(errs...)
}

// Current has the set that is in use. Its zero value has none.
type Current struct {
	mu  sync.Mutex
	set *Set
}

// Use is the current set, which the caller closes when done with it. Its error has
// ErrNoIndex if there is none.
func (c *Current) Use() (*Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set == nil {
		return nil, ErrNoIndex
	}
	c.set.users.Add(1)
	return c.set, nil
}

// Replace makes a set current, and takes over the caller's use of it; nil: none.
// Those who use the set before keep it until they close it.
func (c *Current) Replace(s *Set) error {
	c.mu.Lock()
	old := c.set
	c.set = s
	c.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}

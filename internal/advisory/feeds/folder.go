package feeds

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"assay/internal/durable"
)

// ErrBusy is in the error of what changes a folder while another does.
var ErrBusy = errors.New("another update or import is under way there; try again when it is done")

// Folder is a folder of feeds. It may be used by several processes: one of them changes
// it at a time, and all may read.
type Folder struct {
	dir string
	// now is the time; tests have their own.
	now func() time.Time
	// bare leaves out what comes with the program, for tests of other things.
	bare bool
}

// At is the folder of that name, which need not exist.
func At(dir string) *Folder { return &Folder{dir: dir, now: time.Now} }

// Dir is where the folder is; the set that is built is there.
func (f *Folder) Dir() string { return f.dir }

func (f *Folder) originals() string { return filepath.Join(f.dir, "originals") }

func (f *Folder) original(name string) string { return filepath.Join(f.originals(), name) }

// change reads the state, with the folder for this process, and hands it to what changes
// it. Whatever that wants to keep it writes itself.
func (f *Folder) change(do func(*state) error) (err error) {
	if err := os.MkdirAll(f.originals(), 0o700); err != nil {
		return err
	}
	lock, err := durable.TryLock(f.originals())
	if errors.Is(err, durable.ErrLocked) {
		return fmt.Errorf("%s: %w", f.dir, ErrBusy)
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	s, err := readState(f.dir)
	if err != nil {
		return err
	}
	if err := s.clean(f.originals()); err != nil {
		return err
	}
	return do(s)
}

// Entries are the folder's feeds, by name.
func (f *Folder) Entries() ([]Entry, error) {
	s, err := readState(f.dir)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, e := range s.sorted() {
		all = append(all, *e)
	}
	return all, nil
}

// Add begins to follow feeds: the next update fetches them. One that is there already
// gets its new definition, and keeps its original if it is of the same kind.
func (f *Folder) Add(feeds ...Feed) error {
	return f.change(func(s *state) error {
		for _, add := range feeds {
			if err := add.Check(); err != nil {
				return err
			}
			if add.Address == "" {
				return fmt.Errorf("the feed %s has no address to be fetched from: import it", add.Name)
			}
			e := s.Feeds[add.Name]
			if e == nil || e.Kind != add.Kind || e.Ecosystem != add.Ecosystem {
				e = &Entry{}
			}
			known, ok := ByName(add.Name)
			e.Feed, e.Update, e.Own = add, true, !ok || known != add
			s.Feeds[add.Name] = e
		}
		return s.write(f.dir)
	})
}

// ErrUnknown is in the error of what names a feed that the folder does not have.
var ErrUnknown = errors.New("there is no such feed here")

// pick are the entries of those names; all for none.
func (s *state) pick(names []string) ([]*Entry, error) {
	for _, name := range names {
		if s.Feeds[name] == nil {
			return nil, fmt.Errorf("%.80s: %w: assay feeds list shows all", name, ErrUnknown)
		}
	}
	return slices.DeleteFunc(s.sorted(), func(e *Entry) bool { return len(names) > 0 && !slices.Contains(names, e.Name) }), nil
}

// whole tells whether an entry's original is there, and as it was.
func (f *Folder) whole(o *Original) bool {
	if o.File == "" {
		return false
	}
	sum, size, err := hashFile(f.original(o.File))
	return err == nil && size == o.Bytes && sum == o.SHA256
}

func hashFile(name string) (sum string, size int64, err error) {
	file, size, err := openOriginal(name)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// takeOver makes a file that was examined, and is in originals, an entry's original.
// The state's write is the switch from the old one, which is removed then.
func (f *Folder) takeOver(s *state, e *Entry, file string, o Original) error {
	old := e.Original
	o.File = originalName(e.Name, o.SHA256)
	if err := os.Rename(file, f.original(o.File)); err != nil {
		return err
	}
	if err := durable.SyncFolder(f.originals()); err != nil {
		return err
	}
	e.Original, e.Error = o, ""
	s.Feeds[e.Name] = e
	if err := s.write(f.dir); err != nil {
		e.Original = old
		return err
	}
	if old.File != "" && old.File != o.File {
		return os.Remove(f.original(old.File))
	}
	return nil
}

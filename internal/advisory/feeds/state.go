package feeds

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/internal/durable"
)

const (
	stateFile    = "feeds.json"
	stateVersion = 1
	maxState     = 64 << 20
)

// state is what a folder has of feeds.
type state struct {
	Version int               `json:"version"`
	Feeds   map[string]*Entry `json:"feeds"`
}

// Entry is a feed of a folder and what is known of it.
type Entry struct {
	Feed
	Own    bool `json:"own,omitempty"`    // it is not as Known has it
	Update bool `json:"update,omitempty"` // it is fetched; otherwise it was imported, and stays

	Original
	Checked time.Time `json:"checked,omitzero"` // when it was last tried to fetch it
	Error   string    `json:"error,omitempty"`  // of the last try; empty: it went well
}

// Original is a file that was fetched or imported. Zero: none.
type Original struct {
	File     string    `json:"file,omitempty"` // its name in originals
	Bytes    int64     `json:"bytes,omitempty"`
	SHA256   string    `json:"sha256,omitempty"`
	Verified bool      `json:"verified,omitempty"` // it has the hash that the publisher says
	From     string    `json:"from,omitempty"`     // without credentials
	Fetched  time.Time `json:"fetched,omitzero"`   // when it was last known to be current
	Taken    time.Time `json:"taken,omitzero"`     // when it came here
	// For asking whether there is a newer one.
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`

	Contents
}

// Contents is what an original has in it.
type Contents struct {
	Edition    string         `json:"edition,omitempty"`
	Newest     time.Time      `json:"newest,omitzero"` // of its records, or its edition; zero: it has no dates
	Records    int            `json:"records,omitempty"`
	Withdrawn  int            `json:"withdrawn,omitempty"` // of the records
	Facts      int            `json:"facts,omitempty"`
	Statements int            `json:"statements,omitempty"`
	Ecosystems []string       `json:"ecosystems,omitempty"` // sorted
	Each       map[string]int `json:"each,omitempty"`       // records about each of them that are not withdrawn
	Skipped    map[string]int `json:"skipped,omitempty"`    // what cannot be used, by reason
}

// Total is the number of all that is in it.
func (c *Contents) Total() int { return c.Records + c.Facts + c.Statements }

// good is the number of what is in it and is not withdrawn.
func (c *Contents) good() int { return c.Total() - c.Withdrawn }

// sorted are the entries by name.
func (s *state) sorted() []*Entry {
	var all []*Entry
	for _, name := range slices.Sorted(maps.Keys(s.Feeds)) {
		all = append(all, s.Feeds[name])
	}
	return all
}

// readState reads a folder's state; a folder without one has no feeds.
func readState(dir string) (*state, error) {
	name := filepath.Join(dir, stateFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &state{Version: stateVersion, Feeds: map[string]*Entry{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of the feeds: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("read the state of the feeds: %w", err)
	}
	s, err := parseState(text)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w: move it away, add the feeds again and update; until then the advisories that are there are used", name, err)
	}
	return s, nil
}

func parseState(text []byte) (*state, error) {
	if len(text) > maxState {
		return nil, fmt.Errorf("it has more than %d bytes", maxState)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("it has version %d, and this program reads %d", s.Version, stateVersion)
	}
	for name, e := range s.Feeds {
		if e == nil || e.Name != name {
			return nil, fmt.Errorf("the feed %.80q is under another name", name)
		}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("the feed %.80q: %w", name, err)
		}
		if known, ok := ByName(name); ok && !e.Own {
			e.Feed = known // as this version of the program has it
		}
	}
	if s.Feeds == nil {
		s.Feeds = map[string]*Entry{}
	}
	return &s, nil
}

var hexHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (e *Entry) check() error {
	if err := e.Feed.Check(); err != nil {
		return err
	}
	if e.File == "" {
		return nil
	}
	if !hexHash.MatchString(e.SHA256) || e.File != originalName(e.Name, e.SHA256) || e.Bytes < 0 {
		return fmt.Errorf("%.200q cannot be its original", e.File)
	}
	if min(e.Records, e.Withdrawn, e.Facts, e.Statements) < 0 {
		return errors.New("it has a negative number of something")
	}
	return nil
}

// originalName has the content's hash in it, so that the state alone says which of two
// files is the feed's.
func originalName(feed, sha256 string) string { return feed + "-" + sha256[:16] + originalSuffix }

const (
	originalSuffix = ".original"
	partSuffix     = ".part"
)

func (s *state) write(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, stateFile), append(text, '\n'))
}

// clean removes what no feed has: originals of before, and what removed feeds left.
// Parts of feeds stay, to be gone on with.
func (s *state) clean(originals string) error {
	entries, err := os.ReadDir(originals)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range entries {
		name := file.Name()
		part, isPart := strings.CutSuffix(strings.TrimSuffix(name, ".json"), partSuffix)
		mine := slices.ContainsFunc(slices.Collect(maps.Values(s.Feeds)), func(e *Entry) bool {
			return e.File == name || isPart && e.Name == part && e.Update
		})
		if !mine && (isPart || strings.HasSuffix(name, originalSuffix) || strings.HasPrefix(name, ".")) {
			errs = append(errs, os.Remove(filepath.Join(originals, name)))
		}
	}
	return errors.Join(errs...)
}

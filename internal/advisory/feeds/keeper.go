package feeds

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"assay/internal/advisory/index"
)

// Keeper holds the set of a folder for a service. When another was built there, by this
// process or any, it takes the place of the one before, which evaluations that are under
// way go on with. One that cannot be opened is told of, and the one before stays.
type Keeper struct {
	Folder *Folder
	Log    *slog.Logger
	Every  time.Duration // how often it is looked for another; 0: 3 s
	// OnNew is called after each swap to a set with other content, and with the first; it
	// may be nil. The next look waits for it, and calls it again if it has failed.
	OnNew func(ctx context.Context, m *index.Manifest) error

	current index.Current
	mu      sync.Mutex
	seen    fileID          // the manifest of the set in use
	failed  fileID          // one that could not be opened, which was told
	inUse   *index.Manifest // nil: none
	hash    string          // its
	told    string          // that OnNew was told of
}

// fileID tells a replaced file from the one before.
type fileID struct {
	info os.FileInfo
	time time.Time
	size int64
}

func (a fileID) same(b fileID) bool {
	if a.info == nil || b.info == nil {
		return a.info == b.info
	}
	return os.SameFile(a.info, b.info) && a.time.Equal(b.time) && a.size == b.size
}

// Use is the set in use, which the caller closes when done with it. Its error has
// index.ErrNoIndex if there is none.
func (k *Keeper) Use() (*index.Set, error) { return k.current.Use() }

// Current is what has the set.
func (k *Keeper) Current() *index.Current { return &k.current }

// Open makes a set of what comes with the program where there is none, and opens it. A
// set that cannot be had is told of, and no error: Use says that there is none.
func (k *Keeper) Open(ctx context.Context) {
	if err := k.Folder.Ensure(ctx); err != nil && !errors.Is(err, ErrBusy) {
		k.Log.Error("the advisories could not be built", "folder", k.Folder.Dir(), "error", err)
	}
	k.look(false)
}

// Close lets the set go, once its users have.
func (k *Keeper) Close() error { return k.current.Replace(nil) }

// Run looks for other sets until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	every := k.Every
	if every <= 0 {
		every = 3 * time.Second
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		k.Look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Look takes over another set, if there is one, without waiting for the next look.
func (k *Keeper) Look(ctx context.Context) {
	m := k.look(true)
	if m == nil || k.OnNew == nil {
		return
	}
	if err := k.OnNew(ctx, m); err != nil && ctx.Err() == nil {
		k.Log.Error("that there are new advisories could not be told", "error", err)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.told = ""
	}
}

// look returns the manifest that OnNew is to be told of, if it is to be told.
func (k *Keeper) look(tell bool) *index.Manifest {
	k.mu.Lock()
	defer k.mu.Unlock()
	var now fileID
	info, err := os.Stat(filepath.Join(k.Folder.Dir(), index.ManifestFile))
	if err == nil {
		now = fileID{info, info.ModTime(), info.Size()}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil // it cannot be looked at; what is in use stays
	}
	if !k.seen.same(now) {
		k.swap(now)
	}
	if tell && k.hash != k.told {
		k.told = k.hash
		return k.inUse
	}
	return nil
}

func (k *Keeper) swap(now fileID) {
	set, err := index.Open(k.Folder.Dir())
	if err != nil {
		if !k.failed.same(now) {
			k.Log.Error("the advisories cannot be used; those from before are, if there are any", "folder", k.Folder.Dir(), "error", err)
		}
		k.failed = now
		return
	}
	m := *set.Manifest()
	k.Log.Info("advisories", "hash", m.Hash()[:12], "built", m.Built, "ecosystems", len(m.Files), "newest", m.Newest())
	if err := k.current.Replace(set); err != nil {
		k.Log.Error("the advisories from before could not be let go", "error", err)
	}
	k.seen, k.inUse, k.hash = now, &m, m.Hash()
}

// Manifest is of the set in use; nil if there is none.
func (k *Keeper) Manifest() *index.Manifest {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inUse
}

package assess

import (
	"context"
	"fmt"
	"sync"
	"time"

	"assay/internal/vault"
)

// runKeyData is the associated data of a run's wrapped data key.
func runKeyData(run string) []byte { return []byte("run " + run) }

// segmentData is the associated data of a sealed segment: what cannot be
// exchanged for another's without being noticed.
func segmentData(run, agent, sensor string, sequence int64) []byte {
	return fmt.Appendf(nil, "segment\x00%s\x00%s\x00%s\x00%d", run, agent, sensor, sequence)
}

// dataKeys keeps a few unwrapped data keys in memory for a short while: a call
// to a key management service for every segment would be the slowest part of it.
// A key that was destroyed is gone from every replica's memory after keyLife.
type dataKeys struct {
	load func(ctx context.Context, run string) (vault.DataKey, error)
	now  func() time.Time

	mu   sync.Mutex
	keys map[string]heldKey
}

type heldKey struct {
	key   vault.DataKey
	until time.Time
}

const (
	keyLife  = 5 * time.Minute
	keysHeld = 256
)

func newDataKeys(load func(context.Context, string) (vault.DataKey, error), now func() time.Time) *dataKeys {
	return &dataKeys{load: load, now: now, keys: map[string]heldKey{}}
}

func (d *dataKeys) of(ctx context.Context, run string) (vault.DataKey, error) {
	d.mu.Lock()
	held, ok := d.keys[run]
	d.mu.Unlock()
	if ok && d.now().Before(held.until) {
		return held.key, nil
	}
	key, err := d.load(ctx, run)
	if err != nil {
		return vault.DataKey{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.keys) >= keysHeld {
		clear(d.keys)
	}
	d.keys[run] = heldKey{key, d.now().Add(keyLife)}
	return key, nil
}

// forgetAll drops all keys, after some of them were destroyed.
func (d *dataKeys) forgetAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.keys)
}

// errNoKey says that the key of a run was destroyed.
type errNoKey struct{ run string }

func (e errNoKey) Error() string {
	return fmt.Sprintf("the data key of the run %s is not there any more", e.run)
}

// unwrap reads a run's data key from the database.
func (s *Service) unwrap(ctx context.Context, run string) (vault.DataKey, error) {
	wrapped, ok, err := s.Store.RunKey(ctx, run)
	if err != nil {
		return vault.DataKey{}, err
	}
	if !ok {
		return vault.DataKey{}, errNoKey{run}
	}
	return vault.UnwrapDataKey(ctx, s.Keys, wrapped, runKeyData(run))
}

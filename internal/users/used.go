package users

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"assay/internal/store"
)

// Used notes when access keys were last used, without making a call wait for it:
// in memory, and every few minutes in the store. A replica that is killed forgets
// those minutes. It is safe for concurrent use.
type Used struct {
	Store *store.Store
	Log   *slog.Logger

	mu   sync.Mutex
	keys map[string]time.Time // of keys that the store has, so there are no more than there
}

// every is how exact the time of a key's last use is.
const every = 2 * time.Minute

// Note notes the use of a key that signed a call.
func (u *Used) Note(keyID string, at time.Time) {
	if keyID == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys == nil {
		u.keys = map[string]time.Time{}
	}
	u.keys[keyID] = at
}

// Run writes down what was noted until ctx ends, and then once more.
func (u *Used) Run(ctx context.Context) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			u.write(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			u.write(last)
			return nil
		}
	}
}

// write writes what was noted. What could not be written is tried again.
func (u *Used) write(ctx context.Context) {
	u.mu.Lock()
	noted := u.keys
	u.keys = nil
	u.mu.Unlock()
	if len(noted) == 0 {
		return
	}
	if err := u.Store.Update(ctx, func(tx *store.Tx) error { return tx.KeysUsed(ctx, noted) }); err != nil {
		u.Log.Warn("the last use of access keys was not noted", "error", err)
		u.mu.Lock()
		defer u.mu.Unlock()
		maps.Copy(noted, u.keys)
		u.keys = noted
	}
}

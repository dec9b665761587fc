package access

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"assay/internal/vault"
)

// counting counts what the vault is asked.
type counting struct {
	Wrapper
	unwraps int
}

func (c *counting) Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	c.unwraps++
	return c.Wrapper.Unwrap(ctx, wrapped, associated)
}

func newVault(t *testing.T) *counting {
	t.Helper()
	keyring, err := vault.OpenKeyring(filepath.Join(t.TempDir(), "keys", "keyring"))
	if err != nil {
		t.Fatal(err)
	}
	return &counting{Wrapper: keyring}
}

func TestKeys(t *testing.T) {
	v, rows := newVault(t), map[string]Sealed{}
	made, sealed, err := NewKey(t.Context(), v, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(made.KeyID) || len(made.Secret) != 40 {
		t.Errorf("the key has the id %s and a secret of %d characters", made.KeyID, len(made.Secret))
	}
	rows[made.KeyID] = sealed
	keys := NewKeys(func(_ context.Context, id string) (Sealed, bool, error) { s, ok := rows[id]; return s, ok, nil }, v)
	for range 3 {
		if got, ok, err := keys.Credential(t.Context(), made.KeyID, ""); got != made || !ok || err != nil {
			t.Errorf("got %+v, %v, %v", got, ok, err)
		}
	}
	if v.unwraps != 1 {
		t.Errorf("the vault was asked %d times, want once", v.unwraps)
	}
	if _, ok, err := keys.Credential(t.Context(), "AKIAIOSFODNN7EXAMPLE", ""); ok || err != nil {
		t.Errorf("a key that is not there: %v, %v", ok, err)
	}

	// What changes in the store counts at once.
	sealed.Disabled = true
	rows[made.KeyID] = sealed
	if _, ok, err := keys.Credential(t.Context(), made.KeyID, ""); ok || err != nil {
		t.Errorf("a disabled key: %v, %v", ok, err)
	}
	other, otherSealed, err := NewKey(t.Context(), v, "mallory")
	if err != nil {
		t.Fatal(err)
	}
	rows[made.KeyID] = Sealed{KeyID: made.KeyID, User: "alice", Secret: otherSealed.Secret}
	if got, _, err := keys.Credential(t.Context(), made.KeyID, ""); err == nil {
		t.Errorf("%s was opened with the secret of %s: %+v", made.KeyID, other.KeyID, got)
	}
}

func TestKeysAreBounded(t *testing.T) {
	v := newVault(t)
	keys := NewKeys(func(ctx context.Context, id string) (Sealed, bool, error) {
		sealed, err := v.Wrap(ctx, []byte("secret"), []byte(id))
		return Sealed{KeyID: id, Secret: sealed}, true, err
	}, v)
	for i := range maxOpened + 10 {
		if _, ok, err := keys.Credential(t.Context(), fmt.Sprintf("AKIA%016d", i), ""); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if len(keys.opened) > maxOpened {
		t.Errorf("%d secrets are in memory", len(keys.opened))
	}
}

func TestKeysWithoutStore(t *testing.T) {
	keys := NewKeys(func(context.Context, string) (Sealed, bool, error) { return Sealed{}, false, errors.New("gone") }, newVault(t))
	if _, ok, err := keys.Credential(t.Context(), "AKIAIOSFODNN7EXAMPLE", ""); ok || err == nil {
		t.Errorf("got %v, %v, want an error", ok, err)
	}
}

// Many requests at once.
func TestKeysAtOnce(t *testing.T) {
	v := newVault(t)
	sealed, err := v.Wrap(t.Context(), []byte(key.Secret), []byte(key.KeyID))
	if err != nil {
		t.Fatal(err)
	}
	keys := NewKeys(func(_ context.Context, id string) (Sealed, bool, error) {
		return Sealed{KeyID: id, User: "alice", Secret: sealed}, true, nil
	}, v.Wrapper)
	verifier := Verifier{Source: keys, Now: func() time.Time { return now }}
	var group sync.WaitGroup
	for range 8 {
		r := request(t, nil)
		group.Go(func() {
			for range 20 {
				if _, err := verifier.Verify(context.Background(), r, body, want); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

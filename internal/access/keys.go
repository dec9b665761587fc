package access

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"sync"
)

// Wrapper seals secrets: a vault's.
type Wrapper interface {
	Wrap(ctx context.Context, secret, associated []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error)
}

// Sealed is an access key as it rests: its secret is wrapped, with the key's id as
// associated data, so that no key can be given another's secret.
type Sealed struct {
	KeyID, User string
	Secret      []byte
	Disabled    bool

	UserID  string // empty where the user is none
	Version int64  // see Principal
}

// NewKey makes an access key for a user: an id of AWS's form ("AKIA" and 16
// base-32 characters) and a random secret of 40 characters. The credential is
// for the user's eyes, the sealed form for the store.
func NewKey(ctx context.Context, w Wrapper, user string) (Credential, Sealed, error) {
	var id [10]byte
	var secret [30]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	c := Credential{
		KeyID:  "AKIA" + base32.StdEncoding.EncodeToString(id[:]),
		User:   user,
		Secret: base64.StdEncoding.EncodeToString(secret[:]),
	}
	key, err := Seal(ctx, w, c)
	return c, key, err
}

// Seal makes the form in which a key rests.
func Seal(ctx context.Context, w Wrapper, c Credential) (Sealed, error) {
	secret, err := w.Wrap(ctx, []byte(c.Secret), []byte(c.KeyID))
	if err != nil {
		return Sealed{}, fmt.Errorf("seal the secret of an access key: %w", err)
	}
	return Sealed{KeyID: c.KeyID, User: c.User, Secret: secret}, nil
}

// Open unseals a key's secret.
func Open(ctx context.Context, w Wrapper, key Sealed) (Credential, error) {
	secret, err := w.Unwrap(ctx, key.Secret, []byte(key.KeyID))
	if err != nil {
		return Credential{}, fmt.Errorf("open the secret of access key %s: %w", key.KeyID, err)
	}
	return Credential{KeyID: key.KeyID, User: key.User, UserID: key.UserID, Version: key.Version, Secret: string(secret)}, nil
}

// Lookup reads a key from the store. It is false where there is none.
type Lookup func(ctx context.Context, keyID string) (Sealed, bool, error)

// Keys is a Source of the keys in a store. Every look-up reads the store, so that
// a disabled key is refused at once; only the unsealing, which may be a call over
// the network, is remembered. It is safe for concurrent use.
type Keys struct {
	Sessions *Sessions // of temporary credentials; nil: there are none. Set it before use

	lookup Lookup
	vault  Wrapper

	mu     sync.Mutex
	opened map[string]opened // at most maxOpened
}

type opened struct {
	sealed []byte // what it was opened from: a key that is made anew is opened anew
	secret string
}

// maxOpened bounds the secrets in memory.
const maxOpened = 1024

// NewKeys returns the Source.
func NewKeys(lookup Lookup, vault Wrapper) *Keys {
	return &Keys{lookup: lookup, vault: vault, opened: map[string]opened{}}
}

// Credential implements Source.
func (k *Keys) Credential(ctx context.Context, keyID, token string) (Credential, bool, error) {
	// What cannot be an id is not worth a query.
	if len(keyID) < 16 || len(keyID) > 128 {
		return Credential{}, false, nil
	}
	if isSession(keyID) {
		return k.session(ctx, keyID, token)
	}
	key, ok, err := k.lookup(ctx, keyID)
	if err != nil || !ok || key.Disabled {
		return Credential{}, false, err
	}
	k.mu.Lock()
	known, ok := k.opened[keyID]
	k.mu.Unlock()
	if ok && bytes.Equal(known.sealed, key.Secret) {
		return Credential{KeyID: key.KeyID, User: key.User, UserID: key.UserID, Version: key.Version, Secret: known.secret}, true, nil
	}
	c, err := Open(ctx, k.vault, key)
	if err != nil {
		return Credential{}, false, err
	}
	k.remember(key, c.Secret)
	return c, true, nil
}

func (k *Keys) remember(key Sealed, secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.opened {
		if len(k.opened) < maxOpened {
			break
		}
		delete(k.opened, id)
	}
	k.opened[key.KeyID] = opened{bytes.Clone(key.Secret), secret}
}

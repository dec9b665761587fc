package service

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"

	"assay/internal/access"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/users"
	"assay/internal/vault"
)

// What is made once for a deployment and kept in its database, so that every
// replica and every restart finds the same. Secrets are sealed under the
// key-encryption key.
const (
	settingScope         = "scope"
	settingAuthority     = "authority"
	settingAdministrator = "administrator"
	settingTokens        = "page-tokens"
	settingSessions      = "session-tokens"
)

// errForeign is in the error of sealedOnce for what is sealed under another key.
var errForeign = errors.New("its key is another")

// sealedOnce keeps a secret that is made at first.
func sealedOnce(ctx context.Context, st *store.Store, keys vault.Wrapper, name string, make func() ([]byte, error)) ([]byte, error) {
	sealed, ok, err := st.Setting(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		secret, err := make()
		if err != nil {
			return nil, err
		}
		if sealed, err = keys.Wrap(ctx, secret, []byte(name)); err != nil {
			return nil, fmt.Errorf("seal the %s: %w", name, err)
		}
		if sealed, err = st.SettingOnce(ctx, name, sealed); err != nil {
			return nil, err
		}
	}
	secret, err := keys.Unwrap(ctx, sealed, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("open the %s that the database has: %w: %w", name, errForeign, err)
	}
	return secret, nil
}

// scopeOf decides on region and account: what is kept, else what is asked for,
// else a region that AWS does not have and a random account. They are part of
// every ARN and never change.
func scopeOf(ctx context.Context, st *store.Store, asked inspector.Scope) (inspector.Scope, error) {
	fresh := asked
	if fresh.Region == "" {
		fresh.Region = "xx-local-1"
	}
	if fresh.Account == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
		if err != nil {
			return fresh, err
		}
		fresh.Account = fmt.Sprint(n.Int64() + 100_000_000_000)
	}
	if !inspector.ValidRegion(fresh.Region) {
		return fresh, fmt.Errorf("%q cannot be a region: one looks like eu-central-1", fresh.Region)
	}
	if !inspector.ValidAccount(fresh.Account) {
		return fresh, fmt.Errorf("%q cannot be an account: one has 12 digits", fresh.Account)
	}
	data, err := json.Marshal(fresh)
	if err != nil {
		return fresh, err
	}
	if data, err = st.SettingOnce(ctx, settingScope, data); err != nil {
		return fresh, err
	}
	var kept inspector.Scope
	if err := json.Unmarshal(data, &kept); err != nil {
		return kept, fmt.Errorf("read the region and account that the database has: %w", err)
	}
	if asked.Region != "" && asked.Region != kept.Region || asked.Account != "" && asked.Account != kept.Account {
		return kept, fmt.Errorf("this database answers for region %s and account %s, which are part of every ARN and cannot change", kept.Region, kept.Account)
	}
	return kept, nil
}

func authorityOf(ctx context.Context, st *store.Store, keys vault.Wrapper) (*identity.Authority, error) {
	data, err := sealedOnce(ctx, st, keys, settingAuthority, func() ([]byte, error) {
		host, _ := os.Hostname()
		a, err := identity.NewAuthority("Assay "+host, time.Now)
		if err != nil {
			return nil, err
		}
		return a.Encode()
	})
	if err != nil {
		return nil, err
	}
	return identity.ParseAuthority(data, time.Now)
}

// administratorOf is the access key that a deployment begins with, or the one that
// Recover made. The first key in the database is made of the setting, so that a
// crash between the two is mended by the next start.
func administratorOf(ctx context.Context, st *store.Store, keys vault.Wrapper) (access.Credential, error) {
	var c access.Credential
	data, err := sealedOnce(ctx, st, keys, settingAdministrator, func() ([]byte, error) {
		fresh, _, err := access.NewKey(ctx, keys, users.Administrator)
		if err != nil {
			return nil, err
		}
		return json.Marshal(fresh)
	})
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, errors.New("read the administrator's access key: what the database has is not one")
	}
	return c, (&users.Service{Store: st, Vault: keys, Now: time.Now}).Begin(ctx, c)
}

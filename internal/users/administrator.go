package users

import (
	"context"
	"time"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/store"
)

// settingBegun is there once the first administrator was made: who deletes it does
// not find it again after the next start.
const settingBegun = "users"

// Begin makes the user administrator with its access key, once for a deployment.
// Whatever becomes of them afterwards is for people to decide; see Recover.
func (s *Service) Begin(ctx context.Context, c access.Credential) error {
	if _, begun, err := s.Store.Setting(ctx, settingBegun); begun || err != nil {
		return err
	}
	sealed, err := access.Seal(ctx, s.Vault, c)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, begun, err := tx.Setting(ctx, settingBegun); begun || err != nil {
			return err // another replica was faster
		}
		if err := s.ensureAdministrator(ctx, tx); err != nil {
			return err
		}
		if _, ok, err := tx.AccessKey(ctx, c.KeyID); err != nil {
			return err
		} else if !ok {
			if err := tx.CreateAccessKey(ctx, s.key(sealed)); err != nil {
				return err
			}
		}
		return tx.SetSetting(ctx, settingBegun, []byte("1"))
	})
}

func (s *Service) key(sealed access.Sealed) store.AccessKey {
	return store.AccessKey{ID: sealed.KeyID, User: sealed.User, Secret: sealed.Secret, CreatedAt: s.Now().UTC()}
}

// ensureAdministrator makes the user if there is none, and attaches
// AdministratorAccess.
func (s *Service) ensureAdministrator(ctx context.Context, tx *store.Tx) error {
	if _, ok, err := tx.User(ctx, Administrator); err != nil {
		return err
	} else if !ok {
		u := store.User{Name: Administrator, ID: newID("AIDA"), CreatedAt: s.Now().UTC().Truncate(time.Microsecond)}
		if err := tx.CreateUser(ctx, u); err != nil { // nobody has a name like it: see CreateUser
			return err
		}
	}
	return tx.Attach(ctx, store.Principal{Name: Administrator}, policy.Administrator)
}

// Recover makes a new access key for the user administrator, and takes from it what
// could keep it out: its other keys, its groups, and all policies but
// AdministratorAccess. It is for who has the data folder, and so can read
// everything anyway. also is done in the same transaction.
func (s *Service) Recover(ctx context.Context, also func(*store.Tx, access.Credential) error) (access.Credential, error) {
	c, sealed, err := access.NewKey(ctx, s.Vault, Administrator)
	if err != nil {
		return access.Credential{}, err
	}
	return c, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.ensureAdministrator(ctx, tx); err != nil {
			return err
		}
		if err := strip(ctx, tx); err != nil {
			return err
		}
		if err := tx.CreateAccessKey(ctx, s.key(sealed)); err != nil {
			return err
		}
		if err := tx.SetSetting(ctx, settingBegun, []byte("1")); err != nil {
			return err
		}
		return also(tx, c)
	})
}

func strip(ctx context.Context, tx *store.Tx) error {
	keys, err := tx.AccessKeysOf(ctx, Administrator)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := tx.DeleteAccessKey(ctx, k.ID); err != nil {
			return err
		}
	}
	groups, err := tx.GroupsOf(ctx, Administrator)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := tx.RemoveMember(ctx, g, Administrator); err != nil {
			return err
		}
	}
	me := store.Principal{Name: Administrator}
	attached, err := tx.Attached(ctx, me)
	if err != nil {
		return err
	}
	for _, name := range attached {
		if name == policy.Administrator {
			continue
		}
		if err := tx.Detach(ctx, me, name); err != nil {
			return err
		}
	}
	return nil
}

package store

import (
	"context"
	"fmt"
	"time"
)

// KeyHolder is an access key with whose it is: all that a call needs to know.
type KeyHolder struct {
	AccessKey
	UserID  string // empty where there is no such user
	Version int64  // of what users may do, see IdentityVersion
}

// KeyHolder returns an access key with its user, in one query.
func (r *Reader) KeyHolder(ctx context.Context, id string) (k KeyHolder, ok bool, err error) {
	q := r.query(`SELECT k.id, k.owner, k.secret, k.created_at, k.disabled, k.last_used_at, coalesce(u.id, ''), v.version
		FROM access_keys k JOIN identity_version v ON v.one = 1 LEFT JOIN users u ON u.name = k.owner WHERE k.id = ?`, id)
	ok, err = one(ctx, r, q, &k.ID, &k.User, &k.Secret, (*instant)(&k.CreatedAt), &k.Disabled, (*instant)(&k.LastUsedAt), &k.UserID, &k.Version)
	if err != nil {
		return KeyHolder{}, false, fmt.Errorf("read access key %s: %w", id, err)
	}
	return k, ok, nil
}

// IdentityVersion counts the changes to users, keys, groups and policies.
func (r *Reader) IdentityVersion(ctx context.Context) (version int64, err error) {
	if _, err := one(ctx, r, r.query("SELECT version FROM identity_version WHERE one = 1"), &version); err != nil {
		return 0, fmt.Errorf("read the version of what users may do: %w", err)
	}
	return version, nil
}

// AccessKeysOf lists the access keys of a user, the oldest first.
func (r *Reader) AccessKeysOf(ctx context.Context, user string) ([]AccessKey, error) {
	q := r.query("SELECT id, owner, secret, created_at, disabled, last_used_at FROM access_keys WHERE owner = ? ORDER BY created_at, id", user)
	found, err := rows(ctx, r, q, func(row scanner) (k AccessKey, err error) {
		err = row.Scan(&k.ID, &k.User, &k.Secret, (*instant)(&k.CreatedAt), &k.Disabled, (*instant)(&k.LastUsedAt))
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the access keys of %s: %w", user, err)
	}
	return found, nil
}

// DisableAccessKey disables a key, or enables it again.
func (tx *Tx) DisableAccessKey(ctx context.Context, id string, disabled bool) error {
	n, err := tx.exec(ctx, "UPDATE access_keys SET disabled = $1 WHERE id = $2", disabled, id)
	return tx.changed(ctx, n, err, "change access key "+id)
}

// DeleteAccessKey deletes a key.
func (tx *Tx) DeleteAccessKey(ctx context.Context, id string) error {
	n, err := tx.exec(ctx, "DELETE FROM access_keys WHERE id = $1", id)
	tx.scrub = true
	return tx.changed(ctx, n, err, "delete access key "+id)
}

// KeysUsed notes when keys were last used. Keys that are gone, and times before
// those that are known, are passed over.
func (tx *Tx) KeysUsed(ctx context.Context, used map[string]time.Time) error {
	for id, at := range used {
		if _, err := tx.exec(ctx, "UPDATE access_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1", stamp(at), id); err != nil {
			return fmt.Errorf("note the use of access key %s: %w", id, err)
		}
	}
	return nil
}

// SetSetting writes a setting, or replaces it: one that is not for good.
func (tx *Tx) SetSetting(ctx context.Context, name string, value []byte) error {
	_, err := tx.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, append([]byte{}, value...))
	if err != nil {
		return fmt.Errorf("write setting %s: %w", name, err)
	}
	tx.scrub = true
	return nil
}

package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Setting returns a value that was written once.
func (r *Reader) Setting(ctx context.Context, name string) (value []byte, ok bool, err error) {
	ok, err = one(ctx, r, r.query("SELECT value FROM settings WHERE name = ?", name), &value)
	if err != nil {
		return nil, false, fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, ok, nil
}

// SettingOnce writes a value unless there is one, and returns the one that is
// there then: replicas that start together all get the first one's.
func (s *Store) SettingOnce(ctx context.Context, name string, value []byte) (stored []byte, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, append([]byte{}, value...))
		if err != nil {
			return err
		}
		stored, _, err = tx.Setting(ctx, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write setting %s: %w", name, err)
	}
	return stored, nil
}

// AccessKey lets a user sign requests.
type AccessKey struct {
	ID, User  string
	Secret    []byte // sealed: the store never sees it in the clear
	CreatedAt time.Time
	Disabled  bool

	LastUsedAt time.Time // to some minutes; zero: never
}

// AccessKey returns an access key, also one that is disabled.
func (r *Reader) AccessKey(ctx context.Context, id string) (k AccessKey, ok bool, err error) {
	q := r.query("SELECT id, owner, secret, created_at, disabled, last_used_at FROM access_keys WHERE id = ?", id)
	ok, err = one(ctx, r, q, &k.ID, &k.User, &k.Secret, (*instant)(&k.CreatedAt), &k.Disabled, (*instant)(&k.LastUsedAt))
	if err != nil {
		return AccessKey{}, false, fmt.Errorf("read access key %s: %w", id, err)
	}
	return k, ok, nil
}

// CreateAccessKey adds an access key, or replaces the one with its id.
func (tx *Tx) CreateAccessKey(ctx context.Context, k AccessKey) error {
	_, err := tx.exec(ctx, `INSERT INTO access_keys (id, owner, secret, created_at, disabled) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, secret = excluded.secret, disabled = excluded.disabled`,
		k.ID, k.User, k.Secret, stamp(k.CreatedAt), k.Disabled)
	if err != nil {
		return fmt.Errorf("write access key %s: %w", k.ID, err)
	}
	return nil
}

// Tags returns the tags of a resource, by its ARN.
func (r *Reader) Tags(ctx context.Context, arn string) (tags []inspector.Tag, err error) {
	if _, err = one(ctx, r, r.query("SELECT tags FROM resource_tags WHERE arn = ?", arn), fromJSON{&tags}); err != nil {
		return nil, fmt.Errorf("read the tags of %s: %w", arn, err)
	}
	return tags, nil
}

// SetTags replaces all tags of a resource. They go with it when it is deleted.
func (tx *Tx) SetTags(ctx context.Context, arn string, tags []inspector.Tag) error {
	parsed, err := inspector.ParseARN(arn)
	if err != nil {
		return inspector.Errorf(inspector.InvalidInput, "INVALID_RESOURCE_ARN", "%v", err)
	}
	_, err = tx.exec(ctx, `INSERT INTO resource_tags (arn, resource, tags) VALUES ($1, $2, $3)
		ON CONFLICT (arn) DO UPDATE SET tags = excluded.tags`, arn, parsed.ID, toJSON(tags))
	if err != nil {
		return fmt.Errorf("write the tags of %s: %w", arn, err)
	}
	return nil
}

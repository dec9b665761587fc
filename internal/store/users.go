package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
)

// User is somebody who may have access keys.
type User struct {
	Name      string
	ID        string // stays the user's, and is never another's of the same name
	CreatedAt time.Time
}

// Group gives its members its policies.
type Group struct {
	Name      string
	CreatedAt time.Time
}

// Principal names who has policies: a user, or a group.
type Principal struct {
	Name  string
	Group bool
}

func (p Principal) table() string {
	if p.Group {
		return "group_policies"
	}
	return "user_policies"
}

func scanUser(row scanner) (u User, err error) {
	err = row.Scan(&u.Name, &u.ID, (*instant)(&u.CreatedAt))
	return u, err
}

// User returns a user by name.
func (r *Reader) User(ctx context.Context, name string) (User, bool, error) {
	var u User
	ok, err := one(ctx, r, r.query("SELECT name, id, created_at FROM users WHERE name = ?", name), &u.Name, &u.ID, (*instant)(&u.CreatedAt))
	if err != nil {
		return User{}, false, fmt.Errorf("read user %s: %w", name, err)
	}
	return u, ok, nil
}

// ListUsers lists users by name.
func (r *Reader) ListUsers(ctx context.Context, p inspector.Page) ([]User, string, error) {
	found, err := rows(ctx, r, r.query("SELECT name, id, created_at FROM users WHERE name > ? ORDER BY name LIMIT ?", p.After, limit(p)), scanUser)
	if err != nil {
		return nil, "", fmt.Errorf("list users: %w", err)
	}
	page, next := cut(found, p, func(u User) string { return u.Name })
	return page, next, nil
}

// CreateUser adds a user.
func (tx *Tx) CreateUser(ctx context.Context, u User) error {
	n, err := tx.exec(ctx, "INSERT INTO users (name, folded, id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		u.Name, strings.ToLower(u.Name), u.ID, stamp(u.CreatedAt))
	return tx.changed(ctx, n, err, "create user "+u.Name)
}

// DeleteUser deletes a user with the keys, memberships and attachments that it has.
func (tx *Tx) DeleteUser(ctx context.Context, name string) error {
	if _, err := tx.exec(ctx, "DELETE FROM access_keys WHERE owner = $1", name); err != nil {
		return fmt.Errorf("delete the access keys of user %s: %w", name, err)
	}
	tx.scrub = true
	n, err := tx.exec(ctx, "DELETE FROM users WHERE name = $1", name)
	return tx.changed(ctx, n, err, "delete user "+name)
}

// Group returns a group by name.
func (r *Reader) Group(ctx context.Context, name string) (Group, bool, error) {
	var g Group
	ok, err := one(ctx, r, r.query("SELECT name, created_at FROM user_groups WHERE name = ?", name), &g.Name, (*instant)(&g.CreatedAt))
	if err != nil {
		return Group{}, false, fmt.Errorf("read group %s: %w", name, err)
	}
	return g, ok, nil
}

// ListGroups lists groups by name.
func (r *Reader) ListGroups(ctx context.Context, p inspector.Page) ([]Group, string, error) {
	q := r.query("SELECT name, created_at FROM user_groups WHERE name > ? ORDER BY name LIMIT ?", p.After, limit(p))
	found, err := rows(ctx, r, q, func(row scanner) (g Group, err error) {
		err = row.Scan(&g.Name, (*instant)(&g.CreatedAt))
		return g, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	page, next := cut(found, p, func(g Group) string { return g.Name })
	return page, next, nil
}

// CreateGroup adds a group.
func (tx *Tx) CreateGroup(ctx context.Context, g Group) error {
	n, err := tx.exec(ctx, "INSERT INTO user_groups (name, folded, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		g.Name, strings.ToLower(g.Name), stamp(g.CreatedAt))
	return tx.changed(ctx, n, err, "create group "+g.Name)
}

// DeleteGroup deletes a group; its members stay.
func (tx *Tx) DeleteGroup(ctx context.Context, name string) error {
	n, err := tx.exec(ctx, "DELETE FROM user_groups WHERE name = $1", name)
	return tx.changed(ctx, n, err, "delete group "+name)
}

// GroupsOf lists the groups of a user.
func (r *Reader) GroupsOf(ctx context.Context, user string) ([]string, error) {
	return r.names(ctx, r.query("SELECT user_group FROM group_members WHERE member = ? ORDER BY user_group", user), "list the groups of "+user)
}

// MembersOf lists the users of a group.
func (r *Reader) MembersOf(ctx context.Context, group string) ([]string, error) {
	return r.names(ctx, r.query("SELECT member FROM group_members WHERE user_group = ? ORDER BY member", group), "list the members of "+group)
}

func (r *Reader) names(ctx context.Context, q *query, what string) ([]string, error) {
	found, err := rows(ctx, r, q, func(row scanner) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}

// AddMember puts a user into a group. Both have to exist.
func (tx *Tx) AddMember(ctx context.Context, group, user string) error {
	n, err := tx.exec(ctx, "INSERT INTO group_members (user_group, member) VALUES ($1, $2) ON CONFLICT DO NOTHING", group, user)
	if err == nil && n == 0 {
		return nil // it is one already
	}
	return tx.changed(ctx, n, err, "put "+user+" into group "+group)
}

// RemoveMember takes a user out of a group.
func (tx *Tx) RemoveMember(ctx context.Context, group, user string) error {
	n, err := tx.exec(ctx, "DELETE FROM group_members WHERE user_group = $1 AND member = $2", group, user)
	return tx.changed(ctx, n, err, "take "+user+" out of group "+group)
}

// CountUsers counts the users.
func (r *Reader) CountUsers(ctx context.Context) (int, error) { return r.count(ctx, "users") }

// CountGroups counts the groups.
func (r *Reader) CountGroups(ctx context.Context) (int, error) { return r.count(ctx, "user_groups") }

// CountPolicies counts the policies.
func (r *Reader) CountPolicies(ctx context.Context) (int, error) { return r.count(ctx, "policies") }

func (r *Reader) count(ctx context.Context, table string) (n int, err error) {
	if _, err := one(ctx, r, r.query("SELECT count(*) FROM "+table), &n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}

// changed notes that what users may do has changed, where n rows have. ErrNoChange
// is in the error where none has.
func (tx *Tx) changed(ctx context.Context, n int64, err error, what string) error {
	if err == nil && n == 0 {
		err = ErrNoChange
	}
	if err == nil {
		_, err = tx.exec(ctx, "UPDATE identity_version SET version = version + 1")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

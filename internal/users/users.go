package users

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"regexp"
	"strings"
	"time"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/inspector"
	"assay/internal/store"
)

// The bounds, AWS's where it has them (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const (
	MaxKeys     = 2 // of a user
	MaxGroups   = 10
	MaxAttached = 10 // policies of a user, and of a group
	MaxUsers    = 5000
	MaxNamed    = 1500 // groups, and policies
)

// Administrator is the user that a deployment begins with.
const Administrator = "administrator"

// Service changes users, groups and policies. Its errors are *inspector.Err, or the
// service's own.
type Service struct {
	Store *store.Store
	Vault access.Wrapper
	Now   func() time.Time
}

var nameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)

// checkName holds the names of users and groups to AWS's form.
func checkName(what, name string, most int) error {
	if len(name) > most || !nameForm.MatchString(name) {
		return invalid("INVALID_NAME", "%.80q is not the name of a %s: one has 1 to %d letters, digits and +=,.@_-", name, what, most)
	}
	return nil
}

func invalid(code, format string, args ...any) error {
	return inspector.Errorf(inspector.InvalidInput, code, format, args...)
}

func missing(what, name string) error {
	return inspector.Errorf(inspector.NoSuchEntity, "NO_SUCH_ENTITY", "there is no %s %s", what, name)
}

func limit(what string, most int) error {
	return inspector.Errorf(inspector.LimitExceeded, "LIMIT_EXCEEDED", "%s at most %d", what, most)
}

// unchanged gives an error in place of one that says that nothing was changed.
func unchanged(err, instead error) error {
	if errors.Is(err, store.ErrNoChange) {
		return instead
	}
	return err
}

// newID is an id of IAM's form: what it is of, and 17 characters.
func newID(prefix string) string {
	var b [11]byte
	rand.Read(b[:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])[:17]
}

// CreateUser adds a user, who may do nothing yet.
func (s *Service) CreateUser(ctx context.Context, name string) (store.User, error) {
	if err := checkName("user", name, 64); err != nil {
		return store.User{}, err
	}
	// Recover has to be able to make the administrator.
	if name != Administrator && strings.EqualFold(name, Administrator) {
		return store.User{}, invalid("INVALID_NAME", "%s is too much like %s", name, Administrator)
	}
	u := store.User{Name: name, ID: newID("AIDA"), CreatedAt: s.Now().UTC().Truncate(time.Microsecond)}
	return u, s.Store.Update(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountUsers(ctx); err != nil {
			return err
		} else if n >= MaxUsers {
			return limit("there are users,", MaxUsers)
		}
		return unchanged(tx.CreateUser(ctx, u), invalid("ENTITY_ALREADY_EXISTS", "there is a user %s (names that differ in case only are the same)", name))
	})
}

// DeleteUser deletes a user with its access keys. What is done with them, and with
// temporary credentials that they were used for, ends at once.
func (s *Service) DeleteUser(ctx context.Context, name string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.DeleteUser(ctx, name), missing("user", name))
	})
}

// CreateKey makes an access key for a user. The secret is not seen again.
func (s *Service) CreateKey(ctx context.Context, user string) (access.Credential, error) {
	c, sealed, err := access.NewKey(ctx, s.Vault, user)
	if err != nil {
		return access.Credential{}, err
	}
	return c, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := tx.User(ctx, user); err != nil {
			return err
		} else if !ok {
			return missing("user", user)
		}
		keys, err := tx.AccessKeysOf(ctx, user)
		if err != nil {
			return err
		}
		if len(keys) >= MaxKeys {
			return limit("a user has access keys,", MaxKeys)
		}
		return tx.CreateAccessKey(ctx, store.AccessKey{ID: sealed.KeyID, User: user, Secret: sealed.Secret, CreatedAt: s.Now().UTC()})
	})
}

// DisableKey disables an access key, or enables it again.
func (s *Service) DisableKey(ctx context.Context, id string, disabled bool) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.DisableAccessKey(ctx, id, disabled), missing("access key", id))
	})
}

// DeleteKey deletes an access key.
func (s *Service) DeleteKey(ctx context.Context, id string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.DeleteAccessKey(ctx, id), missing("access key", id))
	})
}

// CreateGroup adds a group, which has no members and gives them nothing yet.
func (s *Service) CreateGroup(ctx context.Context, name string) error {
	if err := checkName("group", name, 128); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountGroups(ctx); err != nil {
			return err
		} else if n >= MaxNamed {
			return limit("there are groups,", MaxNamed)
		}
		g := store.Group{Name: name, CreatedAt: s.Now().UTC()}
		return unchanged(tx.CreateGroup(ctx, g), invalid("ENTITY_ALREADY_EXISTS", "there is a group %s (names that differ in case only are the same)", name))
	})
}

// DeleteGroup deletes a group; its members stay, without what it gave them.
func (s *Service) DeleteGroup(ctx context.Context, name string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.DeleteGroup(ctx, name), missing("group", name))
	})
}

// AddMember puts a user into a group.
func (s *Service) AddMember(ctx context.Context, group, user string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, p := range []store.Principal{{Name: user}, {Name: group, Group: true}} {
			if err := exists(ctx, tx, p); err != nil {
				return err
			}
		}
		groups, err := tx.GroupsOf(ctx, user)
		if err != nil {
			return err
		}
		if len(groups) >= MaxGroups {
			return limit("a user is in groups,", MaxGroups)
		}
		return tx.AddMember(ctx, group, user)
	})
}

// RemoveMember takes a user out of a group.
func (s *Service) RemoveMember(ctx context.Context, group, user string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.RemoveMember(ctx, group, user),
			inspector.Errorf(inspector.NoSuchEntity, "NO_SUCH_ENTITY", "there is no user %s in a group %s", user, group))
	})
}

func exists(ctx context.Context, tx *store.Tx, p store.Principal) (err error) {
	what, ok := "user", false
	if p.Group {
		what = "group"
		_, ok, err = tx.Group(ctx, p.Name)
	} else {
		_, ok, err = tx.User(ctx, p.Name)
	}
	if err == nil && !ok {
		err = missing(what, p.Name)
	}
	return err
}

// PutPolicy adds a policy or replaces its text, which has to be one that means all
// it says. Whoever has it is under the new text at once.
func (s *Service) PutPolicy(ctx context.Context, name, document string) error {
	if err := checkName("policy", name, 128); err != nil {
		return err
	}
	for managed := range policy.Managed() { // nobody is to take one for the other
		if strings.EqualFold(managed, name) {
			return invalid("UNMODIFIABLE_ENTITY", "the managed policy %s cannot be changed: write one with another name", managed)
		}
	}
	if _, err := policy.Parse([]byte(document)); err != nil {
		return invalid("MALFORMED_POLICY_DOCUMENT", "the policy is refused: %v", err)
	}
	now := s.Now().UTC()
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountPolicies(ctx); err != nil {
			return err
		} else if n >= MaxNamed {
			if _, ok, err := tx.Policy(ctx, name); err != nil {
				return err
			} else if !ok {
				return limit("there are policies,", MaxNamed)
			}
		}
		p := store.Policy{Name: name, Document: document, CreatedAt: now, UpdatedAt: now}
		return unchanged(tx.PutPolicy(ctx, p), invalid("ENTITY_ALREADY_EXISTS", "there is a policy whose name differs from %s in case only", name))
	})
}

// DeletePolicy deletes a policy that nobody has.
func (s *Service) DeletePolicy(ctx context.Context, name string) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		holders, err := tx.AttachedTo(ctx, name)
		if err != nil {
			return err
		}
		if len(holders) > 0 {
			return invalid("DELETE_CONFLICT", "the policy %s is attached to %s, and %d more: detach it first", name, holders[0].Name, len(holders)-1)
		}
		return unchanged(tx.DeletePolicy(ctx, name), missing("policy", name))
	})
}

// Attach gives a user or a group a policy, by its name or its ARN.
func (s *Service) Attach(ctx context.Context, p store.Principal, name string) error {
	name = nameOf(name)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := exists(ctx, tx, p); err != nil {
			return err
		}
		if _, ok, err := documentOf(ctx, &tx.Reader, name); err != nil {
			return err
		} else if !ok {
			return missing("policy", name)
		}
		attached, err := tx.Attached(ctx, p)
		if err != nil {
			return err
		}
		if len(attached) >= MaxAttached {
			return limit("a user or a group has policies,", MaxAttached)
		}
		return tx.Attach(ctx, p, name)
	})
}

// nameOf is the name of a policy that is named by its ARN.
func nameOf(policy string) string {
	if strings.HasPrefix(policy, "arn:") {
		if _, name, ok := strings.Cut(policy, ":policy/"); ok {
			return name
		}
	}
	return policy
}

// Detach takes a policy from a user or a group.
func (s *Service) Detach(ctx context.Context, p store.Principal, name string) error {
	name = nameOf(name)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		return unchanged(tx.Detach(ctx, p, name),
			inspector.Errorf(inspector.NoSuchEntity, "NO_SUCH_ENTITY", "the policy %s is not attached to %s", name, p.Name))
	})
}

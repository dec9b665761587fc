package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Token lets hosts enrol. Only its hash is kept.
type Token struct {
	ID                   string
	Hash                 []byte
	Tags                 []inspector.Tag // given to the hosts that enrol with it
	CreatedAt, ExpiresAt time.Time       // a zero ExpiresAt: never
	Uses, MaxUses        int             // MaxUses 0: no bound
}

// Why a token is refused.
var (
	ErrTokenUnknown = errors.New("this enrolment token does not exist")
	ErrTokenExpired = errors.New("this enrolment token has expired")
	ErrTokenUsedUp  = errors.New("this enrolment token has been used as often as it may")
)

// CreateToken adds an enrolment token.
func (tx *Tx) CreateToken(ctx context.Context, t Token) error {
	_, err := tx.exec(ctx, `INSERT INTO tokens (id, hash, tags, created_at, expires_at, uses, max_uses) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.ID, t.Hash, toJSON(t.Tags), stamp(t.CreatedAt), stamp(t.ExpiresAt), t.Uses, t.MaxUses)
	if err != nil {
		return fmt.Errorf("write enrolment token %s: %w", t.ID, err)
	}
	return nil
}

// UseToken counts a use of the token with a hash and returns it.
func (tx *Tx) UseToken(ctx context.Context, hash []byte, now time.Time) (Token, error) {
	t := Token{}
	q := tx.query("SELECT id, hash, tags, created_at, expires_at, uses, max_uses FROM tokens WHERE hash = ?", hash)
	ok, err := one(ctx, &tx.Reader, q, &t.ID, &t.Hash, fromJSON{&t.Tags}, (*instant)(&t.CreatedAt), (*instant)(&t.ExpiresAt), &t.Uses, &t.MaxUses)
	switch {
	case err != nil:
		return Token{}, fmt.Errorf("read an enrolment token: %w", err)
	case !ok:
		return Token{}, ErrTokenUnknown
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return Token{}, ErrTokenExpired
	case t.MaxUses > 0 && t.Uses >= t.MaxUses:
		return Token{}, ErrTokenUsedUp
	}
	t.Uses++
	if _, err := tx.exec(ctx, "UPDATE tokens SET uses = $1 WHERE id = $2", t.Uses, t.ID); err != nil {
		return Token{}, fmt.Errorf("count a use of enrolment token %s: %w", t.ID, err)
	}
	return t, nil
}

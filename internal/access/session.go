package access

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// How long temporary credentials are valid (sts:GetSessionToken of AWS).
const (
	MinSession     = 15 * time.Minute
	MaxSession     = 36 * time.Hour
	DefaultSession = 12 * time.Hour
)

// Sessions issues temporary credentials and knows them again. Nothing is stored:
// the token that a client sends with every request carries, sealed, the secret
// and the access key that it was issued for. So there is no bound on them, every
// replica knows those of the others, and they end with that access key: it is
// looked up with every call. It is safe for concurrent use.
type Sessions struct{ aead cipher.AEAD }

// NewSessions makes Sessions of a deployment's key of 32 secret bytes.
func NewSessions(key []byte) (*Sessions, error) {
	if len(key) != 32 {
		return nil, errors.New("the key of temporary credentials has 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Sessions{aead}, err
}

// session is what a token carries.
type session struct {
	Secret  string `json:"s"`
	Key     string `json:"k"` // the access key that it was issued for
	UserID  string `json:"u"` // whose key it was
	Issued  int64  `json:"i"` // seconds since 1970
	Expires int64  `json:"e"`
}

const (
	sessionPrefix = "ASIA" // of the ids of temporary keys
	maxToken      = 2048
)

// isSession tells whether an access key's id is of temporary credentials.
func isSession(keyID string) bool { return strings.HasPrefix(keyID, sessionPrefix) }

// Issue makes temporary credentials for who has signed with a key of its own.
func (s *Sessions) Issue(who Principal, now time.Time, valid time.Duration) (Credential, error) {
	var id [10]byte
	var secret [30]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	c := Credential{
		KeyID: sessionPrefix + base32.StdEncoding.EncodeToString(id[:]), User: who.User, UserID: who.UserID,
		Secret: base64.StdEncoding.EncodeToString(secret[:]), Issued: now.Truncate(time.Second), Expires: now.Add(valid).Truncate(time.Second),
	}
	text, err := json.Marshal(session{c.Secret, who.KeyID, who.UserID, c.Issued.Unix(), c.Expires.Unix()})
	if err != nil {
		return Credential{}, fmt.Errorf("issue temporary credentials: %w", err)
	}
	// The id is associated data: no token goes with another's id.
	c.SessionToken = base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, text, []byte(c.KeyID)))
	return c, nil
}

// open reads a token. It is false for what was not issued under this key and id.
func (s *Sessions) open(keyID, token string) (session, bool) {
	var out session
	if len(token) > maxToken {
		return out, false
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return out, false
	}
	text, err := s.aead.Open(nil, nil, sealed, []byte(keyID))
	if err != nil {
		return out, false
	}
	return out, json.Unmarshal(text, &out) == nil
}

// session finds the credential of temporary credentials: what the token says, if
// the key that it was issued for is still good and still the same user's.
func (k *Keys) session(ctx context.Context, keyID, token string) (Credential, bool, error) {
	if k.Sessions == nil {
		return Credential{}, false, nil
	}
	s, ok := k.Sessions.open(keyID, token)
	if !ok {
		return Credential{}, false, nil
	}
	key, ok, err := k.lookup(ctx, s.Key)
	if err != nil || !ok || key.Disabled || key.UserID != s.UserID {
		return Credential{}, false, err
	}
	return Credential{
		KeyID: keyID, User: key.User, UserID: key.UserID, Version: key.Version, Secret: s.Secret, SessionToken: token,
		Issued: time.Unix(s.Issued, 0).UTC(), Expires: time.Unix(s.Expires, 0).UTC(), Parent: s.Key,
	}, true, nil
}

package access

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// sessionsOf are Keys with one stored key, alice's, and temporary credentials.
func sessionsOf(t *testing.T) (*Keys, map[string]Sealed, Principal) {
	t.Helper()
	v, rows := newVault(t), map[string]Sealed{}
	made, sealed, err := NewKey(t.Context(), v, "alice")
	if err != nil {
		t.Fatal(err)
	}
	sealed.UserID, sealed.Version = "AIDA1", 7
	rows[made.KeyID] = sealed
	keys := NewKeys(func(_ context.Context, id string) (Sealed, bool, error) { s, ok := rows[id]; return s, ok, nil }, v)
	if keys.Sessions, err = NewSessions(bytes.Repeat([]byte("k"), 32)); err != nil {
		t.Fatal(err)
	}
	return keys, rows, Principal{KeyID: made.KeyID, User: "alice", UserID: "AIDA1"}
}

func TestSessions(t *testing.T) {
	keys, rows, alice := sessionsOf(t)
	c, err := keys.Sessions.Issue(alice, now, time.Hour)
	if err != nil || !strings.HasPrefix(c.KeyID, "ASIA") || len(c.KeyID) != 20 || len(c.Secret) != 40 {
		t.Fatalf("%+v, %v", c, err)
	}
	if strings.Contains(c.SessionToken, c.Secret) || strings.Contains(c.String(), c.Secret) {
		t.Error("the secret can be read")
	}
	verify := func(at time.Time, c Credential) (Principal, error) {
		r := sdkRequest(0)
		signAs(r, body, c, "inspector", "host", "x-amz-date", "x-amz-target")
		v := Verifier{Source: keys, Now: func() time.Time { return at }}
		return v.Verify(t.Context(), r, body, want)
	}
	refused := func(what string, code Code, c Credential) {
		t.Helper()
		var refusal *Error
		if who, err := verify(now, c); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("%s: %+v, %v", what, who, err)
		}
	}
	who, err := verify(now, c)
	if err != nil || who != (Principal{KeyID: c.KeyID, User: "alice", UserID: "AIDA1", Parent: alice.KeyID, Version: 7, Issued: now}) {
		t.Errorf("%+v, %v", who, err)
	}

	expired, err := keys.Sessions.Issue(alice, now.Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	refused("expired", ExpiredToken, expired)
	other, err := keys.Sessions.Issue(alice, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*Credential)) Credential { c := c; change(&c); return c }
	refused("no token", UnrecognizedClient, with(func(c *Credential) { c.SessionToken = "" }))
	refused("another's token", UnrecognizedClient, with(func(c *Credential) { c.SessionToken = other.SessionToken }))
	refused("no base 64", UnrecognizedClient, with(func(c *Credential) { c.SessionToken = "!" }))
	refused("a long token", UnrecognizedClient, with(func(c *Credential) { c.SessionToken = strings.Repeat("A", 4*maxToken) }))
	refused("another secret", InvalidSignature, with(func(c *Credential) { c.Secret = other.Secret }))
	refused("another id", UnrecognizedClient, with(func(c *Credential) { c.KeyID = other.KeyID }))
	for i := range len(c.SessionToken) {
		b := []byte(c.SessionToken)
		b[i] ^= 1
		if _, ok := keys.Sessions.open(c.KeyID, string(b)); ok && i < len(b)-4 { // the last bits of base 64 mean nothing
			t.Errorf("a token with another byte %d is accepted", i)
		}
	}
	foreign, err := NewSessions(bytes.Repeat([]byte("x"), 32))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := foreign.Issue(alice, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	refused("another deployment's", UnrecognizedClient, forged)

	// They end with the key that they were issued for, and with its user.
	kept := rows[alice.KeyID]
	for what, change := range map[string]func(*Sealed){
		"its key is disabled":              func(s *Sealed) { s.Disabled = true },
		"its user is gone":                 func(s *Sealed) { s.UserID = "" },
		"its user is another of that name": func(s *Sealed) { s.UserID = "AIDA2" },
	} {
		changed := kept
		change(&changed)
		rows[alice.KeyID] = changed
		refused(what, UnrecognizedClient, c)
	}
	delete(rows, alice.KeyID)
	refused("its key is deleted", UnrecognizedClient, c)
	rows[alice.KeyID] = kept
	if _, err := verify(now, c); err != nil {
		t.Error(err)
	}
	if _, err := NewSessions([]byte("short")); err == nil {
		t.Error("a short key is accepted")
	}
}

func FuzzSessionToken(f *testing.F) {
	sessions, err := NewSessions(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		f.Fatal(err)
	}
	c, err := sessions.Issue(Principal{KeyID: "AKIAIOSFODNN7EXAMPLE"}, now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ASIA0000000000000000", c.SessionToken)
	f.Fuzz(func(t *testing.T, id, token string) {
		if _, ok := sessions.open(id, token); ok {
			t.Errorf("%q is open to %q", token, id)
		}
	})
}

package access

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Skew is how far a client's clock may be off.
const Skew = 15 * time.Minute

// Principal is who has signed a request, and over which connection it came.
type Principal struct {
	KeyID   string // the access key's id
	User    string
	UserID  string    // empty where the key's user is none
	Parent  string    // of temporary credentials: the access key that they were issued for
	Issued  time.Time // of temporary credentials; zero: the user's own key
	Version int64     // of what users may do, when the key was read (store.KeyHolder)

	// What the door knows of the connection; Verify leaves them empty.
	From   netip.Addr // the zero Addr: not known
	Secure bool       // over TLS
}

// UserARN is the name of a user in errors and records.
func UserARN(partition, account, user string) string {
	return "arn:" + partition + ":iam::" + account + ":user/" + user
}

// Credential is an access key with its secret.
type Credential struct {
	KeyID, User, Secret string
	UserID              string    // empty where the user is none
	Version             int64     // see Principal
	SessionToken        string    // empty for a user's own key
	Issued, Expires     time.Time // of a session; zero: never
	Parent              string    // of a session: the key that it was issued for
}

// String names the key and no secret, so that a credential that gets into a log or
// an error does not tell it.
func (c Credential) String() string { return "the access key " + c.KeyID }

// GoString is String.
func (c Credential) GoString() string { return c.String() }

// Source finds the credential of an access key's id, and of the session token that
// came with it, if one did. It is false for a key that does not exist or is
// disabled; an error is the service's own.
type Source interface {
	Credential(ctx context.Context, keyID, token string) (Credential, bool, error)
}

// Want is what a signature has to be about.
type Want struct {
	Service string   // of the credential's scope: "inspector"
	Headers []string // that have to be signed beside host and x-amz-date, in lower case
}

// Verifier checks signatures. It is safe for concurrent use.
type Verifier struct {
	Source Source
	Now    func() time.Time

	derived derivedKeys
}

// Verify tells who signed a request, whose whole body is given. Refusals are
// *Error. The region in the scope is the client's affair: it only has to be one.
//
// A request that is sent again within the time that it is valid is accepted
// again, as by AWS; TLS is what keeps others from having it.
func (v *Verifier) Verify(ctx context.Context, r *http.Request, body []byte, want Want) (Principal, error) {
	c, err := readClaim(r)
	if err != nil {
		return Principal{}, err
	}
	if err := c.check(r, want, v.Now()); err != nil {
		return Principal{}, err
	}
	key, ok, err := v.Source.Credential(ctx, c.credential.keyID, c.token)
	if err != nil {
		return Principal{}, fmt.Errorf("look up an access key: %w", err)
	}
	if !ok || subtle.ConstantTimeCompare([]byte(c.token), []byte(key.SessionToken)) != 1 {
		return Principal{}, refuse(UnrecognizedClient, "The security token included in the request is invalid.")
	}
	if err := v.matches(c, r, body, key.Secret); err != nil {
		return Principal{}, err
	}
	// Only who has the secret is told that it has expired.
	if !key.Expires.IsZero() && !v.Now().Before(key.Expires) {
		return Principal{}, refuse(ExpiredToken, "The security token included in the request is expired")
	}
	return Principal{KeyID: key.KeyID, User: key.User, UserID: key.UserID, Parent: key.Parent, Issued: key.Issued, Version: key.Version}, nil
}

// matches compares the signature with the one that the secret gives.
func (v *Verifier) matches(c claim, r *http.Request, body []byte, secret string) error {
	hash := payloadHash(body)
	canonical := canonicalRequest(r, c.signed, hash)
	derived, known := v.derived.get(c.credential, secret)
	if !known {
		derived = deriveKey(secret, c.credential)
	}
	signature := signWith(derived, stringToSign(c.at, c.credential, canonical))
	if subtle.ConstantTimeCompare([]byte(signature), []byte(c.signature)) != 1 {
		return refuse(InvalidSignature, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if !known {
		v.derived.put(c.credential, secret, derived) // of no stranger's making
	}
	// The body is part of the signature; the header that repeats its hash may not say otherwise.
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" && sent != hash {
		return refuse(InvalidSignature, "The value of the 'X-Amz-Content-Sha256' header is not the SHA-256 of the body.")
	}
	return nil
}

// check is all that can be told without the secret: the scope, the time, and what
// is signed.
func (c claim) check(r *http.Request, want Want, now time.Time) error {
	if c.credential.service != want.Service {
		return refuse(InvalidSignature, "Credential should be scoped to correct service: '%s'.", want.Service)
	}
	if !isRegion(c.credential.region) {
		return refuse(InvalidSignature, "Credential should be scoped to a valid region.")
	}
	if date := c.at.Format(dateFormat); c.credential.date != date {
		return refuse(InvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.20s' != '%s'.", c.credential.date, date)
	}
	if err := c.checkTime(now); err != nil {
		return err
	}
	required := append([]string{"host"}, want.Headers...)
	if c.expires == 0 {
		required = append(required, "x-amz-date")
	}
	for _, name := range required {
		if !slices.Contains(c.signed, name) {
			return refuse(InvalidSignature, "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	for _, name := range c.signed {
		if len(headerValues(r, name)) == 0 {
			return refuse(InvalidSignature, "A header in 'SignedHeaders' is not in the request.")
		}
	}
	return nil
}

func (c claim) checkTime(now time.Time) error {
	at, current := c.at.Format(timeFormat), now.UTC().Format(timeFormat)
	if c.at.After(now.Add(Skew)) {
		return refuse(InvalidSignature, "Signature not yet current: %s is still later than %s (%s + 15 min.)", at, now.UTC().Add(Skew).Format(timeFormat), current)
	}
	if c.expires > 0 {
		if now.After(c.at.Add(c.expires)) {
			return refuse(InvalidSignature, "Signature expired: %s is now earlier than %s", c.at.Add(c.expires).Format(timeFormat), current)
		}
		return nil
	}
	if c.at.Before(now.Add(-Skew)) {
		return refuse(InvalidSignature, "Signature expired: %s is now earlier than %s (%s - 15 min.)", at, now.UTC().Add(-Skew).Format(timeFormat), current)
	}
	return nil
}

// isRegion tells whether s looks like a region: "eu-central-1", "local".
func isRegion(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// The constants of Signature Version 4.
const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
)

// credential is what a request says of the key it is signed with.
type credential struct {
	keyID, date, region, service string
}

func (c credential) scope() string {
	return c.date + "/" + c.region + "/" + c.service + "/" + terminator
}

// stringToSign binds the canonical request to a time and a scope.
func stringToSign(at time.Time, c credential, canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return algorithm + "\n" + at.Format(timeFormat) + "\n" + c.scope() + "\n" + hex.EncodeToString(sum[:])
}

// sign is the signature, in hex, under a key that is derived from the secret for
// one day, region and service.
func sign(secret string, c credential, text string) string {
	return signWith(deriveKey(secret, c), text)
}

func deriveKey(secret string, c credential) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.date, c.region, c.service, terminator} {
		key = authenticate(key, part)
	}
	return key
}

func signWith(derived []byte, text string) string {
	return hex.EncodeToString(authenticate(derived, text))
}

func authenticate(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// derivedKeys remembers derived keys, which are the same for a day. A key goes with
// the secret that it was derived from: when the secret is another, so is the key.
type derivedKeys struct {
	mu   sync.Mutex
	keys map[credential]derivedKey // at most maxOpened
}

type derivedKey struct {
	secret string
	key    []byte
}

func (d *derivedKeys) get(c credential, secret string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.keys[c]
	return known.key, ok && subtle.ConstantTimeCompare([]byte(known.secret), []byte(secret)) == 1
}

func (d *derivedKeys) put(c credential, secret string, key []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = map[credential]derivedKey{}
	}
	for other := range d.keys {
		if len(d.keys) < maxOpened {
			break
		}
		delete(d.keys, other)
	}
	// The parts of c share the memory of a whole header.
	c = credential{strings.Clone(c.keyID), strings.Clone(c.date), strings.Clone(c.region), strings.Clone(c.service)}
	d.keys[c] = derivedKey{secret, key}
}

func payloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

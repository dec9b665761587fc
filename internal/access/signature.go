package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.date, c.region, c.service, terminator, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func payloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// tokenPrefix makes a token recognisable: for people, and for tools that search
// for leaked secrets.
const tokenPrefix = "assay-enroll-"

// NewToken makes an enrolment token of 160 random bits. Only its hash is kept.
func NewToken() (token string, hash []byte) {
	var b [20]byte
	rand.Read(b[:])
	token = tokenPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	return token, HashToken(token)
}

// HashToken is how a token is looked up. A token is as random as a key, so one
// round of SHA-256 is enough.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

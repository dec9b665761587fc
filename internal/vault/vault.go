// Package vault encrypts what rests in the service: envelope encryption, with a
// data key for each assessment run and one key-encryption key above them.
//
// A data key seals streams with Tink's streaming AEAD (AES-256-GCM-HKDF in
// segments of 64 KiB: https://developers.google.com/tink/streaming-aead), bound
// to associated data that says what the stream is, so that sealed objects
// cannot be exchanged for one another. A data key rests only wrapped by a
// Wrapper; destroying the wrapped key destroys everything that was sealed under
// it.
package vault

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// Wrapper encrypts small secrets, data keys among them, under a key-encryption
// key that it alone has: a local keyring, or a key management service. What was
// wrapped with associated data is unwrapped only with the same.
type Wrapper interface {
	Wrap(ctx context.Context, secret, associated []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error)
}

const (
	dataKeySize = 32
	segmentSize = 64 << 10
)

// DataKey seals and opens streams. It is safe for concurrent use.
type DataKey struct {
	secret []byte
	stream *subtle.AESGCMHKDF
}

// String is no part of the secret, so that a data key that gets into a log or an
// error does not tell it.
func (DataKey) String() string { return "a data key" }

// GoString is String.
func (k DataKey) GoString() string { return k.String() }

// NewDataKey makes a random data key.
func NewDataKey() (DataKey, error) {
	secret := make([]byte, dataKeySize)
	rand.Read(secret)
	return dataKey(secret)
}

func dataKey(secret []byte) (DataKey, error) {
	if len(secret) != dataKeySize {
		return DataKey{}, fmt.Errorf("a data key has %d bytes, this has %d", dataKeySize, len(secret))
	}
	stream, err := subtle.NewAESGCMHKDF(secret, "SHA256", dataKeySize, segmentSize, 0)
	if err != nil {
		return DataKey{}, fmt.Errorf("make a data key: %w", err)
	}
	return DataKey{secret: secret, stream: stream}, nil
}

// Wrap returns the data key wrapped for keeping.
func (k DataKey) Wrap(ctx context.Context, w Wrapper, associated []byte) ([]byte, error) {
	wrapped, err := w.Wrap(ctx, k.secret, associated)
	if err != nil {
		return nil, fmt.Errorf("wrap a data key: %w", err)
	}
	return wrapped, nil
}

// UnwrapDataKey is the inverse of Wrap.
func UnwrapDataKey(ctx context.Context, w Wrapper, wrapped, associated []byte) (DataKey, error) {
	secret, err := w.Unwrap(ctx, wrapped, associated)
	if err != nil {
		return DataKey{}, fmt.Errorf("unwrap a data key: %w", err)
	}
	return dataKey(secret)
}

// Seal returns a writer that encrypts to w. The stream is whole only if Close
// returned nil; Close does not close w.
func (k DataKey) Seal(w io.Writer, associated []byte) (io.WriteCloser, error) {
	return k.stream.NewEncryptingWriter(w, associated)
}

// Open returns a reader of what was sealed with the same associated data. A
// stream that was changed, truncated, or sealed as something else gives an error
// instead of data; what was read before the error is authentic but not whole.
func (k DataKey) Open(r io.Reader, associated []byte) (io.Reader, error) {
	return k.stream.NewDecryptingReader(r, associated)
}

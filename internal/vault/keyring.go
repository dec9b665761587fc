package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"assay/internal/durable"
)

// Keyring is a Wrapper whose key-encryption key is a Tink keyset in a file that
// only the service's user can read. Who has that file and the database can read
// everything: past one machine, use a key management service.
type Keyring struct{ primitive tink.AEAD }

// OpenKeyring reads the keyring at path, or makes one where there is no file. A
// file that others can read is refused.
func OpenKeyring(path string) (*Keyring, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = createKeyring(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	if err := checkPrivate(path); err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, fmt.Errorf("open the keyring %s: %w", path, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("open the keyring %s: %w", path, err)
	}
	return &Keyring{primitive}, nil
}

// createKeyring writes a new keyring so that it is there wholly or not at all,
// and never over another: of two that start at once, both use the first's.
func createKeyring(path string) ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".keyring-*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(buf.Bytes())
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Wrap encrypts a secret.
func (k *Keyring) Wrap(_ context.Context, secret, associated []byte) ([]byte, error) {
	return k.primitive.Encrypt(secret, associated)
}

// Unwrap decrypts it.
func (k *Keyring) Unwrap(_ context.Context, wrapped, associated []byte) ([]byte, error) {
	secret, err := k.primitive.Decrypt(wrapped, associated)
	if err != nil {
		return nil, errors.New("it was not wrapped under this keyring, or for something else")
	}
	return secret, nil
}

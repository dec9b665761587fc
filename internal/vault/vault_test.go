package vault_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/internal/vault"
)

func keyring(t *testing.T) *vault.Keyring {
	t.Helper()
	k, err := vault.OpenKeyring(filepath.Join(t.TempDir(), "keys", "master.json"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t testing.TB, key vault.DataKey, plain []byte, associated string) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := key.Seal(&sealed, []byte(associated))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

func open(key vault.DataKey, sealed []byte, associated string) ([]byte, error) {
	r, err := key.Open(bytes.NewReader(sealed), []byte(associated))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestSealedStreams(t *testing.T) {
	key, err := vault.NewDataKey()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := vault.NewDataKey()
	for _, size := range []int{0, 1, 64 << 10, 300_000} {
		plain := make([]byte, size)
		rand.Read(plain)
		sealed := seal(t, key, plain, "run/agent/1")
		if size > 16 && bytes.Contains(sealed, plain[:16]) {
			t.Errorf("%d bytes: the plain text is in the sealed one", size)
		}
		got, err := open(key, sealed, "run/agent/1")
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: opened %d bytes, %v", size, len(got), err)
		}
		for name, attempt := range map[string]func() ([]byte, error){
			"as another object": func() ([]byte, error) { return open(key, sealed, "run/agent/2") },
			"under another key": func() ([]byte, error) { return open(other, sealed, "run/agent/1") },
			"truncated":         func() ([]byte, error) { return open(key, sealed[:len(sealed)-1], "run/agent/1") },
			"extended":          func() ([]byte, error) { return open(key, append(bytes.Clone(sealed), 0), "run/agent/1") },
			"with a bit flipped": func() ([]byte, error) {
				changed := bytes.Clone(sealed)
				changed[len(changed)/2] ^= 1
				return open(key, changed, "run/agent/1")
			},
		} {
			if got, err := attempt(); err == nil {
				t.Errorf("%d bytes %s: opened %d bytes without an error", size, name, len(got))
			}
		}
	}
}

func TestDataKeysAreWrapped(t *testing.T) {
	ring := keyring(t)
	key, _ := vault.NewDataKey()
	wrapped, err := key.Wrap(t.Context(), ring, []byte("run 1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := vault.UnwrapDataKey(t.Context(), ring, wrapped, []byte("run 1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(again, seal(t, key, []byte("x"), ""), ""); err != nil || string(got) != "x" {
		t.Errorf("the unwrapped key opens %q, %v", got, err)
	}
	if _, err := vault.UnwrapDataKey(t.Context(), ring, wrapped, []byte("run 2")); err == nil {
		t.Error("the key of one run was unwrapped as another's")
	}
	if _, err := vault.UnwrapDataKey(t.Context(), keyring(t), wrapped, []byte("run 1")); err == nil {
		t.Error("a key was unwrapped by another keyring")
	}
}

// Replicas that start at once on one folder must end up with one key.
func TestKeyringIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master.json")
	rings := make([]*vault.Keyring, 8)
	var group sync.WaitGroup
	for i := range rings {
		group.Go(func() {
			var err error
			if rings[i], err = vault.OpenKeyring(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	wrapped, err := rings[0].Wrap(t.Context(), []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, ring := range rings {
		if _, err := ring.Unwrap(t.Context(), wrapped, nil); err != nil {
			t.Errorf("keyring %d is another one: %v", i, err)
		}
	}
}

func TestKeyringRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		mode os.FileMode
		want string
	}{
		"readable by others": {"{}", 0o644, "chmod 600"},
		"damaged":            {`{"primaryKeyId":`, 0o600, "open the keyring"},
		"empty":              {"", 0o600, "open the keyring"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.json")
			if err := os.WriteFile(path, []byte(c.data), c.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := vault.OpenKeyring(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	key, err := vault.NewDataKey()
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 4<<20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		w, err := key.Seal(io.Discard, []byte("benchmark"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDataKeyIsNotPrinted prints a data key in all ways.
func TestDataKeyIsNotPrinted(t *testing.T) {
	key, err := vault.NewDataKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, key); got != "a data key" {
			t.Errorf("%s prints %q", format, got)
		}
	}
}

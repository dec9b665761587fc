package blob_test

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/blob"
	"assay/internal/blob/blobtest"
)

func TestMemory(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Store { return blob.NewMemory() })
}

func TestFolder(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		f, err := blob.OpenFolder(filepath.Join(t.TempDir(), "objects"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

// A write that was killed leaves a temporary file; the next start removes it and
// nothing else.
func TestFolderCleansUp(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"runs/a/1", "runs/a/.new-123"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := blob.OpenFolder(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "runs/a/1")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "runs/a/.new-123")); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

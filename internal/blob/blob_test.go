package blob_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

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

// A write that was killed leaves a temporary file; a later start removes it and
// nothing else. One that is young may be another replica's.
func TestFolderCleansUp(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"runs/a/1", "runs/a/.new-123", "runs/a/.new-456"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{"runs/a/1", "runs/a/.new-123"} {
		if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := blob.OpenFolder(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"runs/a/1", "runs/a/.new-456"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "runs/a/.new-123")); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

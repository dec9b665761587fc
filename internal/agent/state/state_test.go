package state

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPrepareRefusesAFolderThatOthersWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Prepare(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err == nil && writableByOthers(info) && Prepare(dir) == nil {
		t.Error("it was accepted")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if Prepare(file) == nil {
		t.Error("a file was accepted for a folder")
	}
}

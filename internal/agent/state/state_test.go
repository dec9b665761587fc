package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(name); err != nil || string(data) != text {
			t.Errorf("%q: %v", data, err)
		}
	}
	odd := errors.New("odd")
	err := ReplaceFile(name, true, func(f *os.File) error {
		if _, err := f.WriteString("half"); err != nil {
			return err
		}
		return odd
	})
	if data, readErr := os.ReadFile(name); !errors.Is(err, odd) || readErr != nil || string(data) != "two" {
		t.Errorf("after an error (%v) the file is %q: %v", err, data, readErr)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("there are other files: %v %v", files, err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	if held, err := Locked(dir); held || err != nil {
		t.Errorf("a folder without a lock: %v %v", held, err)
	}
	lock, err := TryLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if held, err := Locked(dir); !held || err != nil {
		t.Errorf("a held one: %v %v", held, err)
	}
	if _, err := TryLock(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if held, err := Locked(dir); held || err != nil {
		t.Errorf("a released one: %v %v", held, err)
	}
}

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

package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/durable"
)

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	for _, content := range []string{"one", "two", ""} {
		if err := durable.WriteFile(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != content {
			t.Errorf("read %q, %v; want %q", got, err, content)
		}
	}
	durable.WriteFile(name, []byte("kept"))
	failed := errors.New("the disk is full")
	for _, replace := range []func(string, func(*os.File) error) error{durable.Replace, durable.ReplaceLoosely} {
		err := replace(name, func(f *os.File) error {
			f.WriteString("half of")
			return failed
		})
		if !errors.Is(err, failed) {
			t.Errorf("%v, want %v", err, failed)
		}
	}
	if got, _ := os.ReadFile(name); string(got) != "kept" {
		t.Errorf("a failed write left %q", got)
	}
	if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) != 1 {
		t.Errorf("a failed write left files behind: %v", entries)
	}
	if err := durable.WriteFile(filepath.Join(name, "below a file"), nil); err == nil {
		t.Error("wrote into a file as if it were a folder")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	if held, err := durable.Locked(dir); held || err != nil {
		t.Errorf("an untouched folder: held %t, %v", held, err)
	}
	first, err := durable.TryLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.TryLock(dir); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	if held, err := durable.Locked(dir); !held || err != nil {
		t.Errorf("held %t, %v", held, err)
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	if held, err := durable.Locked(dir); held || err != nil {
		t.Errorf("after Unlock: held %t, %v", held, err)
	}
}

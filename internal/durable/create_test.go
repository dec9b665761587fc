package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/durable"
)

// A file that appears while another is written in its place stays.
func TestCreateReplacesNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write := func(text string) error {
		return durable.Create(name, func(f *os.File) error {
			_, err := f.WriteString(text)
			return err
		})
	}
	if err := write("first"); err != nil {
		t.Fatal(err)
	}
	if err := write("second"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "first" {
		t.Errorf("the file has %q, %v", got, err)
	}
	if files, err := os.ReadDir(filepath.Dir(name)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

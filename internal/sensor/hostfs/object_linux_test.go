package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestObject(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("its text"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	fs, err := Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	o, err := fs.Object(name)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	want, err := fs.Stat(name)
	if got, err2 := o.Stat(); err != nil || err2 != nil || got.Inode != want.Inode || got.Perm != 0o640 {
		t.Errorf("%+v, want %+v; %v, %v", got, want, err, err2)
	}
	// A link on the way may lead anywhere.
	for _, path := range []string{dir + "/link/file", dir + "/nothing"} {
		if o, err := fs.Object(path); err == nil {
			o.Close()
			t.Errorf("%s was taken", path)
		}
	}
	// A pipe is held, and never opened: opening would wait for a writer.
	pipe, err := fs.Object(dir + "/pipe")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if _, err := pipe.Open(); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a pipe: %v", err)
	}
	// What is held stays the same file, whatever is put in its place.
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text := make([]byte, 20)
	if n, _ := file.Read(text); string(text[:n]) != "its text" {
		t.Errorf("%q", text[:n])
	}
	if path, err := o.Path(); path != name+" (deleted)" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}

// The mount of a file is one of those that the kernel lists; that of a file in memory
// is none of them.
func TestMounts(t *testing.T) {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		number, _, _ := strings.Cut(line, " ")
		listed[number] = true
	}
	o, err := OpenObject("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if id, err := o.Mount(); err != nil || !listed[strconv.Itoa(id)] {
		t.Errorf("the program's mount is %d, %v", id, err)
	}
	if id, err := MemoryMount(); err != nil || listed[strconv.Itoa(id)] {
		t.Errorf("the mount of files in memory is %d, %v", id, err)
	}
}

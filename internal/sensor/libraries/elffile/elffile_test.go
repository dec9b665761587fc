package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Our sections are those that debug/elf finds, in programs of each class and order.
func TestAgainstDebugELF(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"/proc/self/exe"}
	for _, arch := range []string{"386", "s390x"} {
		out := filepath.Join(dir, arch)
		cmd := exec.Command("go", "build", "-o", out, source)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		names = append(names, out)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		theirs, err := elf.NewFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := Open(file)
		if err != nil || ours.Count != len(theirs.Sections) || ours.Count == 0 {
			t.Fatalf("%s has %d sections: %v", name, ours.Count, err)
		}
		for _, want := range theirs.Sections {
			found, err := ours.Find(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := found[want.Name]
			if content := want.Type != elf.SHT_NOBITS; ok != content || ok && got != (Section{int64(want.Offset), int64(want.FileSize)}) {
				t.Errorf("%s: %s is at %+v, not at %d", name, want.Name, got, want.Offset)
			}
		}
	}
}

// A header that promises gigabytes of sections has none of them read.
func TestPromises(t *testing.T) {
	for at, value := range map[int]uint16{58: 0xffff, 60: 0xfffe} {
		head := make([]byte, 1<<20)
		copy(head, "\x7fELF\x02\x01\x01")
		head[40], head[58], head[60] = 64, 64, 3
		if _, err := Open(bytes.NewReader(head)); err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint16(head[at:], value)
		if _, err := Open(bytes.NewReader(head)); !errors.Is(err, ErrFormat) {
			t.Errorf("%d at %d: %v", value, at, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	head := make([]byte, 300)
	copy(head, "\x7fELF\x02\x01\x01")
	head[40], head[58], head[60], head[62] = 64, 64, 3, 1
	f.Add(bytes.Clone(head))
	head[62], head[63] = 0xff, 0xff
	f.Add(bytes.Clone(head))
	head[4], head[32], head[46], head[48] = 1, 64, 40, 3
	f.Add(head)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		ours, err := Open(r)
		if err != nil {
			return
		}
		found, err := ours.Find("", ".go.buildinfo", ".dep-v0")
		if err == nil && len(found) > 3 {
			t.Errorf("%v", found)
		}
	})
}

package ziparchive

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pack makes an archive of files.
func pack(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, name := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: uint16(i % 2 * Deflated)})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, strings.Repeat(name, 100))
	}
	w.SetComment("a comment PK\x05\x06")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ours(data []byte) (all []string, err error) {
	r := bytes.NewReader(data)
	err = Each(r, int64(len(data)), func(e Entry) error {
		content, err := ReadFile(r, e, 1<<20)
		all = append(all, fmt.Sprintf("%s %d %d %x %.30q %v", e.Name, e.Method, e.Size, e.CRC, content, err != nil))
		return nil
	})
	return all, err
}

func theirs(t testing.TB, data []byte) (all []string, err error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	for _, f := range r.File {
		content, err := unpack(f)
		if err != nil {
			content = nil
		}
		all = append(all, fmt.Sprintf("%s %d %d %x %.30q %v", f.Name, f.Method, f.UncompressedSize64, f.CRC32, content, err != nil))
	}
	return all, nil
}

func unpack(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

func TestAgainstArchiveZip(t *testing.T) {
	plain := pack(t, "a", "b/c", "\xff")
	for name, data := range map[string][]byte{
		"plain": plain, "behind a script": append([]byte("#!/bin/sh\nexec java -jar $0\n"), plain...), "empty": pack(t), "64 bits": wide(t),
	} {
		want, err := theirs(t, data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ours(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// wide is an archive of more entries than 16 bits can count.
func wide(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 70_000 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever is cut off or changed is noticed, or was not looked at.
func TestDamage(t *testing.T) {
	whole := pack(t, "a", "b")
	want, _ := ours(whole)
	for n := range whole {
		if got, err := ours(whole[:n]); err == nil && len(got) != 2 {
			t.Errorf("of %d bytes: %v", n, got)
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x40
		got, err := ours(flipped)
		if err != nil || strings.Contains(strings.Join(got, " "), " true") {
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], "a 0 100") && !strings.HasPrefix(got[i], "b 8 100") && got[i][1:] != want[i][1:] {
				t.Errorf("byte %d: %q is taken for %q", n, got[i], want[i])
			}
		}
	}
}

func FuzzEach(f *testing.F) {
	f.Add(pack(f, "META-INF/MANIFEST.MF", "b"))
	f.Add(append([]byte("#!"), pack(f, "a")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ours(data)
		if err != nil {
			return
		}
		if want, err := theirs(t, data); err == nil && len(want) != len(got) {
			t.Errorf("archive/zip finds %d entries, we %d", len(want), len(got))
		}
	})
}

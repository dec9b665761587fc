package bdb_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"assay/internal/sensor/packages/rpm/bdb"

	"github.com/google/go-cmp/cmp"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// values reads all values, sorted.
func values(b []byte) ([]string, error) {
	var all []string
	err := bdb.Values(bytes.NewReader(b), int64(len(b)), func(r io.Reader, size int64) error {
		v, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if int64(len(v)) != size {
			return errors.New("the size is another one")
		}
		all = append(all, string(v))
		return nil
	})
	slices.Sort(all)
	return all, err
}

func TestValues(t *testing.T) {
	var want []string
	for i := range 60 {
		n := 7*i + 1
		if i%10 == 0 {
			n = 3001 + 10*i
		}
		want = append(want, string(bytes.Repeat([]byte{byte('A' + i%26)}, n)))
	}
	slices.Sort(want)
	for _, name := range []string{"order1234.gz", "order4321.gz"} {
		got, err := values(fixture(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", name, diff)
		}
	}
}

func TestDamage(t *testing.T) {
	whole := fixture(t, "order1234.gz")
	overflow := 0 // the offset of an overflow page
	for at := 512; at < len(whole); at += 512 {
		if whole[at+25] == 7 {
			overflow = at
			break
		}
	}
	if overflow == 0 {
		t.Fatal("the fixture has no overflow page")
	}
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":             func(b []byte) []byte { return nil },
		"metadata cut off":  func(b []byte) []byte { return b[:300] },
		"pages cut off":     func(b []byte) []byte { return b[:len(b)-512] },
		"another magic":     func(b []byte) []byte { b[12]++; return b },
		"a B-tree":          func(b []byte) []byte { copy(b[12:], "\x62\x31\x05\x00"); return b },
		"another version":   func(b []byte) []byte { b[16] = 77; return b },
		"encrypted":         func(b []byte) []byte { b[24] = 1; return b },
		"page size 0":       func(b []byte) []byte { copy(b[20:], "\x00\x00\x00\x00"); return b },
		"too many buckets":  func(b []byte) []byte { copy(b[72:], "\xff\xff\xff\xff"); return b },
		"page number wrong": func(b []byte) []byte { b[overflow+8] ^= 1; return b },
		"chain in a circle": func(b []byte) []byte { copy(b[overflow+16:], b[overflow+8:overflow+12]); return b },
		"chain too short":   func(b []byte) []byte { copy(b[overflow+16:], "\x00\x00\x00\x00"); return b },
		"empty overflow":    func(b []byte) []byte { copy(b[overflow+22:], "\x00\x00"); return b },
		"long overflow":     func(b []byte) []byte { copy(b[overflow+22:], "\xff\xff"); return b },
		"bucket in a circle": func(b []byte) []byte {
			for at := 512; at < len(b); at += 512 {
				if b[at+25] == 13 {
					copy(b[at+16:], b[at+8:at+12])
				}
			}
			return b
		},
	} {
		if got, err := values(damage(slices.Clone(whole))); err == nil {
			t.Errorf("%s: %d values and no error", name, len(got))
		}
	}
}

func FuzzValues(f *testing.F) {
	f.Add(fixture(f, "order1234.gz"))
	f.Add(fixture(f, "order4321.gz"))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		bdb.Values(bytes.NewReader(b), int64(len(b)), func(r io.Reader, _ int64) error {
			n, _ := io.Copy(io.Discard, r)
			if read += int(n); read > len(b) {
				t.Fatalf("%d bytes of values in %d bytes", read, len(b))
			}
			return nil
		})
	})
}

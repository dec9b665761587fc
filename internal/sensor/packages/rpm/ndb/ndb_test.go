package ndb_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor/packages/rpm/ndb"
	"assay/internal/sensor/packages/rpmtest"

	"github.com/google/go-cmp/cmp"
)

// sample has n blobs of which blob i is the letter 'a'+i%26 100i times.
func sample(n int) (file []byte, want []string) {
	blobs := map[uint32][]byte{}
	for i := range n {
		text := strings.Repeat(string(rune('a'+i%26)), 100*i)
		want = append(want, text)
		blobs[uint32(i+1)] = []byte(text)
	}
	slices.Sort(want)
	return rpmtest.NDB(blobs), want
}

// blobs reads all blobs, sorted, and counts the broken ones.
func blobs(b []byte) (all []string, broken int, err error) {
	err = ndb.Blobs(bytes.NewReader(b), int64(len(b)), func(r io.Reader, size int64) error {
		v, err := io.ReadAll(r)
		if err != nil {
			broken++
			return nil
		}
		all = append(all, string(v))
		return nil
	})
	slices.Sort(all)
	return all, broken, err
}

func TestBlobs(t *testing.T) {
	for _, n := range []int{0, 1, 40, 300} { // 254 slots are on the first page
		file, want := sample(n)
		got, broken, err := blobs(file)
		if err != nil || broken != 0 {
			t.Errorf("%d blobs: %d broken, %v", n, broken, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d blobs: want -, got +\n%s", n, diff)
		}
	}
}

func TestDamage(t *testing.T) {
	whole, _ := sample(10)
	const first = 32 // the first slot
	blob := int(binary.LittleEndian.Uint32(whole[first+8:])) * 16
	for name, test := range map[string]struct {
		damage func(b []byte) []byte
		broken int
		fails  bool
	}{
		"nothing":            {func(b []byte) []byte { return b }, 0, false},
		"empty":              {func(b []byte) []byte { return nil }, 0, true},
		"slots cut off":      {func(b []byte) []byte { return b[:4000] }, 0, true},
		"cut off":            {func(b []byte) []byte { return b[:len(b)-16] }, 0, true},
		"magic":              {func(b []byte) []byte { b[0]++; return b }, 0, true},
		"version":            {func(b []byte) []byte { b[4]++; return b }, 0, true},
		"no pages":           {func(b []byte) []byte { b[12] = 0; return b }, 0, true},
		"many pages":         {func(b []byte) []byte { b[15] = 255; return b }, 0, true},
		"slot's mark":        {func(b []byte) []byte { b[first]++; return b }, 0, true},
		"slot without count": {func(b []byte) []byte { clear(b[first+12 : first+16]); return b }, 0, true},
		"slot into slots":    {func(b []byte) []byte { copy(b[first+8:], "\x01\x00\x00\x00"); return b }, 0, true},
		"slot out of file":   {func(b []byte) []byte { b[first+11] = 255; return b }, 0, true},
		"head":               {func(b []byte) []byte { b[blob]++; return b }, 1, false},
		"other number":       {func(b []byte) []byte { b[blob+4]++; return b }, 1, false},
		"size":               {func(b []byte) []byte { b[blob+13]++; return b }, 1, false},
		"generation":         {func(b []byte) []byte { b[blob+8]++; return b }, 1, false},
		"free slot":          {func(b []byte) []byte { clear(b[first+4 : first+16]); return b }, 0, false},
	} {
		_, broken, err := blobs(test.damage(slices.Clone(whole)))
		if broken != test.broken || (err != nil) != test.fails {
			t.Errorf("%s: %d broken, error %v", name, broken, err)
		}
	}
}

func FuzzBlobs(f *testing.F) {
	for _, n := range []int{0, 3, 20} {
		file, _ := sample(n)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		ndb.Blobs(bytes.NewReader(b), int64(len(b)), func(r io.Reader, _ int64) error {
			n, _ := io.Copy(io.Discard, r)
			if read += int(n); read > len(b) {
				t.Fatalf("%d bytes of blobs in %d bytes", read, len(b))
			}
			return nil
		})
	})
}

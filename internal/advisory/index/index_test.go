package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/advisory"
	"assay/internal/durable"
)

var built = time.Date(2026, 8, 22, 6, 0, 0, 0, time.UTC)

// examples are n advisories with everything that there can be.
func examples(n int) []advisory.Record {
	all := make([]advisory.Record, 0, n)
	for i := range n {
		ecosystem := []string{"Debian:11", "Debian:12", "AlmaLinux:9"}[i%3]
		r := advisory.Record{
			ID: fmt.Sprintf("DSA-%05d-1", i), CVEs: []string{fmt.Sprintf("CVE-2024-%05d", i), fmt.Sprintf("CVE-2025-%05d", i/2)},
			Summary: fmt.Sprintf("package%d - security update", i%97), Severity: advisory.High,
			Published: built.Add(-time.Duration(i) * time.Hour), Modified: built.Add(-time.Duration(i) * time.Minute),
			CVSS: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, References: []string{"https://example.org/" + fmt.Sprint(i)},
		}
		for k := range 1 + i%3 {
			r.Affected = append(r.Affected, advisory.Affected{
				Ecosystem: ecosystem, Package: fmt.Sprintf("package%d", (i+k*7)%97), Status: advisory.Fixed, Arch: []string{"", "x86_64"}[k%2],
				Module: []string{"", "", "nodejs:18"}[i%3], Note: []string{"", "Minor issue"}[i%2], Severity: advisory.Low,
				Ranges:   []advisory.Range{{Fixed: fmt.Sprintf("1.%d-1", i)}, {Introduced: "2.0", LastAffected: "2.5-1"}, {Introduced: "3.0"}}[:1+i%3],
				Versions: []string{"2.8-1", "2.9-1"}[:i%3], Binaries: []string{"liba", "libb"}[:i%2],
			})
		}
		all = append(all, r)
	}
	return all
}

func facts(n int) []advisory.Fact {
	var all []advisory.Fact
	for i := range n {
		f := advisory.Fact{ID: fmt.Sprintf("CVE-2024-%05d", i), Summary: "a summary", Description: strings.Repeat("long ", i%100), CVSS: []string{"a", "b"}, References: []string{"https://example.org"}, EPSS: 0.25, EPSSRank: 0.5}
		if i%2 == 0 {
			f.Exploited = &advisory.Exploited{Added: built, Due: built.AddDate(0, 0, 21), Ransomware: i%4 == 0, Action: "update"}
		}
		all = append(all, f)
	}
	return all
}

func build(t testing.TB, dir string, memory int, records []advisory.Record, known []advisory.Fact) Manifest {
	t.Helper()
	b, err := New(dir, memory)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, r := range records {
		if err := b.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range known {
		if err := b.Fact(f); err != nil {
			t.Fatal(err)
		}
	}
	m, err := b.Finish(context.Background(), built, []Source{{Name: "debian", From: "a file", Records: len(records)}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openSetIn(t testing.TB, dir string) *Set {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// contents are all rows of a set as records with one package each, in a fixed order.
func contents(t *testing.T, s *Set) []advisory.Record {
	t.Helper()
	var all []advisory.Record
	for _, f := range s.Manifest().Files {
		x, err := s.Index(f.Ecosystem)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range x.Names() {
			if err != nil {
				t.Fatal(err)
			}
			found, err := x.Find(name)
			first, end := found.First, found.End
			if err != nil || first == end {
				t.Fatalf("%s has rows %d to %d, %v", name, first, end, err)
			}
			for n := first; n < end; n++ {
				r, err := x.Advisory(n)
				if err != nil || r.Affected[0].Package != name {
					t.Fatalf("%s: %v, %v", name, r, err)
				}
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, order)
	return all
}

func order(a, b advisory.Record) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

// TestRoundTrip: what was put in comes out, whole.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	records, known := examples(200), facts(200)
	m := build(t, dir, 0, records, known)
	var want []advisory.Record
	for _, r := range records {
		for _, a := range r.Affected {
			one := r
			one.Affected = []advisory.Affected{a}
			want = append(want, one)
		}
	}
	slices.SortFunc(want, order)
	s := openSetIn(t, dir)
	if diff := cmp.Diff(want, contents(t, s), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	for _, f := range known {
		got, ok, err := s.Fact(f.ID)
		if diff := cmp.Diff(f, got); !ok || err != nil || diff != "" {
			t.Errorf("%s: %v, %v: %s", f.ID, ok, err, diff)
		}
	}
	if _, ok, err := s.Fact("CVE-1"); ok || err != nil {
		t.Errorf("a fact that is not there: %v, %v", ok, err)
	}
	if _, err := s.Index("Debian:99"); !errors.Is(err, ErrNoData) {
		t.Errorf("a release that is not there: %v", err)
	}
	if diff := cmp.Diff(&m, s.Manifest()); diff != "" {
		t.Error(diff)
	}
	if err := s.Verify(); err != nil || !m.Newest().Equal(built) {
		t.Errorf("%v, newest %v", err, m.Newest())
	}
}

// TestSameBytes: neither the order nor the memory nor repetition shows in the files.
func TestSameBytes(t *testing.T) {
	records, known := examples(3000), facts(300)
	want := build(t, t.TempDir(), 0, records, known)
	shuffle := rand.New(rand.NewPCG(1, 2))
	for _, memory := range []int{8 << 10, 64 << 10, 1 << 20} {
		records := append(slices.Clone(records), records[:500]...)
		shuffle.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		shuffle.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
		dir := t.TempDir()
		got := build(t, dir, memory, records, known)
		if diff := cmp.Diff(want.Files, got.Files); diff != "" || got.Facts != want.Facts || got.Hash() != want.Hash() {
			t.Errorf("with %d bytes: %s", memory, diff)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".build-*")); len(left) != 0 {
			t.Errorf("%v remain", left)
		}
	}
}

func TestFactsOfSeveralFeedsJoin(t *testing.T) {
	dir := t.TempDir()
	x := &advisory.Exploited{Added: built, Due: built, Action: "update"}
	build(t, dir, 0, nil, []advisory.Fact{
		{ID: "CVE-1", EPSS: 0.5, EPSSRank: 0.9}, {ID: "CVE-1", Exploited: x}, {ID: "CVE-1", Summary: "s", CVSS: []string{"b", "a"}}, {ID: "CVE-1", CVSS: []string{"a"}}, {ID: "CVE-2"},
	})
	got, ok, err := openSetIn(t, dir).Fact("CVE-1")
	want := advisory.Fact{ID: "CVE-1", Summary: "s", CVSS: []string{"a", "b"}, EPSS: 0.5, EPSSRank: 0.9, Exploited: x}
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Error(ok, err, diff)
	}
}

func TestBadRecords(t *testing.T) {
	b, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	affected := advisory.Affected{Ecosystem: "Debian:12", Package: "a"}
	for why, r := range map[string]advisory.Record{
		"no id":        {},
		"0 in the id":  {ID: "a\x00b"},
		"no ecosystem": {ID: "a", Affected: []advisory.Affected{{Package: "a"}}},
		"no package":   {ID: "a", Affected: []advisory.Affected{{Ecosystem: "PyPI"}}},
		"two ends":     {ID: "a", Affected: []advisory.Affected{{Ecosystem: "PyPI", Package: "a", Ranges: []advisory.Range{{Fixed: "1", LastAffected: "1"}}}}},
		"too large":    {ID: "a", Summary: strings.Repeat("x", DefaultMemory), Affected: []advisory.Affected{affected}},
	} {
		if err := b.Record(r); err == nil {
			t.Errorf("%s: taken", why)
		} else {
			t.Log(err)
		}
	}
	for _, f := range []advisory.Fact{{}, {ID: "a", EPSS: 2}, {ID: "a", EPSSRank: -1}} {
		if b.Fact(f) == nil {
			t.Errorf("%+v is taken", f)
		}
	}
	if err := b.Record(advisory.Record{ID: "gone", Withdrawn: built, Affected: []advisory.Affected{affected}}); err != nil {
		t.Error(err)
	}
	m, err := b.Finish(context.Background(), built, nil)
	if err != nil || len(m.Files) != 0 || m.Withdrawn != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestOldSetRemains: until a build ends well, and for those who use it, longer.
func TestOldSetRemains(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrNoIndex) {
		t.Errorf("an empty folder: %v", err)
	}
	build(t, dir, 0, examples(300), nil)
	old := openSetIn(t, dir)
	before := contents(t, old)

	b, err := New(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir, 0); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second builder: %v", err)
	}
	b.Record(examples(1)[0])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.sorter.add(slices.Repeat([]byte("!"), 100)) // what is no item
	if _, err := b.Finish(ctx, built, nil); err == nil {
		t.Error("a build of nonsense succeeds")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, contents(t, openSetIn(t, dir))); diff != "" {
		t.Error("the failed build changed the set: ", diff)
	}

	m := build(t, dir, 0, examples(30), nil)
	if diff := cmp.Diff(before, contents(t, old)); diff != "" {
		t.Error("the open set changed: ", diff)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) != len(m.Files)+1 {
		t.Errorf("%d files of a set of %d: %v", len(files), len(m.Files)+1, err)
	}
	if len(contents(t, openSetIn(t, dir))) >= len(before) {
		t.Error("the new set is not in use")
	}
}

// TestCrashesLeaveNothing: a build removes what one before it left that was killed.
func TestCrashesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".build-123", "run-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"of-Debian_12-0123456789abcdef.index", ".of-Debian_12-0123456789abcdef.index.123", ".manifest.json.123"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half of"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := build(t, dir, 0, examples(1), nil)
	var left []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{m.Facts.File, "lock", ManifestFile, m.Files[0].File}; !slices.Equal(left, want) || err != nil {
		t.Errorf("%v, %v; want %v", left, err, want)
	}
}

// TestSwap replaces sets under those who read them.
func TestSwap(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	counts := map[uint32]bool{}
	for i, dir := range dirs {
		counts[build(t, dir, 0, examples(300*(i+1)), nil).Files[0].Rows] = true
	}
	var c Current
	if _, err := c.Use(); !errors.Is(err, ErrNoIndex) {
		t.Errorf("no set: %v", err)
	}
	replace := func(i int) {
		s, err := Open(dirs[i%2])
		if err == nil {
			err = c.Replace(s)
		}
		if err != nil {
			t.Error(err)
		}
	}
	replace(0)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 50 {
				s, err := c.Use()
				if err != nil {
					t.Error(err)
					return
				}
				x, err := s.Index(s.Manifest().Files[0].Ecosystem)
				if err != nil {
					t.Error(err)
					return
				}
				n := uint32(0)
				for name := range x.Names() {
					found, _ := x.Find(name)
					first, end := found.First, found.End
					for row := first; row < end; row++ {
						if _, err := x.Advisory(row); err != nil {
							t.Error(err)
						}
						n++
					}
				}
				if !counts[n] {
					t.Errorf("a set of %d rows", n)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		replace(i)
	}
	readers.Wait()
	last := c.set
	if err := c.Replace(nil); err != nil || last.users.Load() != 0 {
		t.Errorf("%v; %d users of the last set", err, last.users.Load())
	}
}

// TestDamage changes every byte of a file, one at a time, and cuts it anywhere.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	m := build(t, dir, 0, examples(6), facts(3))
	for _, f := range append(m.Files, m.Facts) {
		content, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		k := ofAdvisories
		if f.Ecosystem == "" {
			k = ofFacts
		}
		check := func(what string, at int, data []byte) {
			if _, err := verified(data, k); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s %d of %s: %v", what, at, f.File, err)
			}
		}
		for at := range content {
			changed := slices.Clone(content)
			changed[at] ^= 1 << (at % 8)
			check("changed byte", at, changed)
			check("cut at", at, content[:at])
		}
		check("more than", len(content), append(slices.Clone(content), 0))
	}
}

func verified(data []byte, k kind) (*table, error) {
	t, err := newTable("a file", data, k)
	if err != nil {
		return nil, err
	}
	return t, t.verify()
}

func TestDamagedSet(t *testing.T) {
	dir := t.TempDir()
	m := build(t, dir, 0, examples(30), nil)
	name := filepath.Join(dir, m.Files[0].File)
	content, _ := os.ReadFile(name)
	content[len(content)-9] ^= 1
	os.WriteFile(name, content, 0o600)
	s := openSetIn(t, dir)
	if _, err := s.Index(m.Files[0].Ecosystem); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged file: %v", err)
	}
	if _, err := s.Index(m.Files[1].Ecosystem); err != nil {
		t.Errorf("another file: %v", err)
	}
	if err := s.Verify(); !errors.Is(err, ErrDamaged) {
		t.Errorf("all files: %v", err)
	}
	build(t, dir, 0, examples(30), nil) // which writes the file anew
	if err := openSetIn(t, dir).Verify(); err != nil {
		t.Error(err)
	}
	os.Remove(name)
	if _, err := Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, text := range []string{"", "{", "[]", `{"files":[{"file":"../x.index"}],"facts":{"file":"a.index"}}`, `{"files":[{"file":"a.index"}],"facts":{"file":"a.index"}}`, "{}"} {
		os.WriteFile(filepath.Join(dir, ManifestFile), []byte(text), 0o600)
		if _, err := Open(dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("the manifest %s: %v", text, err)
		}
	}
}

// FuzzOpen changes files. With their checksums left alone, that is seen; with the
// checksums made right again, nothing leads out of the file or goes on forever.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	m := build(f, dir, 0, examples(9), facts(5))
	var seeds [][]byte
	for _, file := range append(m.Files, m.Facts) {
		content, err := os.ReadFile(filepath.Join(dir, file.File))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, content)
	}
	f.Add(uint8(0), uint32(300), uint32(4), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint8(3), uint32(24), uint32(8), []byte{0, 0, 0, 0, 0, 0, 0, 0x80})
	f.Add(uint8(1), uint32(230), uint32(0), []byte("more"))
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint32, put []byte) {
		seed := seeds[int(which)%len(seeds)]
		from := min(int(at), len(seed))
		data := slices.Concat(seed[:from], put, seed[min(uint64(from)+uint64(cut), uint64(len(seed))):])
		for _, k := range []kind{ofAdvisories, ofFacts} {
			if _, err := verified(data, k); err == nil && !slices.Equal(data, seed) {
				t.Errorf("a change at %d is not seen", at)
			}
		}
		resum(data)
		if x, err := verified(data, ofAdvisories); err == nil {
			readAll(newIndex(x))
		}
		if x, err := verified(data, ofFacts); err == nil {
			for name := range x.names() {
				(&Facts{x}).Fact(name)
			}
			(&Facts{x}).Fact("CVE-2024-00001")
		}
	})
}

// resum makes the checksums right, where there are sections to have some.
func resum(data []byte) {
	if len(data) < headerSize {
		return
	}
	binary.LittleEndian.PutUint64(data[16:], uint64(len(data)))
	for s := range int(sections) {
		at := 24 + 24*s
		offset, length := u64(data, at), u64(data, at+8)
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			binary.LittleEndian.PutUint32(data[at+16:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	binary.LittleEndian.PutUint32(data[headerSum:], crc32.Checksum(data[:headerSum], castagnoli))
}

func readAll(x *Index) {
	for name := range x.Names() {
		found, _ := x.Find(name)
		x.Position(found, "1.0-1")
		first, end := found.First, found.End
		for n := first; n < end && n < first+1000; n++ {
			if row, err := x.Row(n); err == nil {
				for i := range min(row.Ranges(), 100) {
					row.Range(i)
					row.Interval(i)
				}
				for i := range min(row.Versions(), 100) {
					row.Version(i)
				}
				for i := range min(row.Binaries(), 100) {
					row.Binary(i)
				}
			}
			x.Advisory(n)
		}
	}
	x.Rows("package1")
	x.Advisory(1 << 31)
}

package match_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
)

// FuzzMutated: an index with whatever in it, and checksums that say that it is right,
// gives matches or an error, and ends.
func FuzzMutated(f *testing.F) {
	ecosystems := []string{"AlmaLinux:9", "Debian:12", "PyPI", "Unknown"}
	var seeds [][]byte
	for _, ecosystem := range ecosystems {
		seeds = append(seeds, indexOf(f, ecosystem))
	}
	f.Add(uint8(0), uint32(300), uint32(4), []byte{0xff, 0xff, 0xff, 0xff}, "1.0-1")
	f.Add(uint8(1), uint32(224+8), uint32(8), []byte{1, 0, 0, 0, 0, 0, 0, 0x80}, "1")
	f.Add(uint8(2), uint32(700), uint32(20), []byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255}, "x")
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint32, put []byte, v string) {
		ecosystem, seed := ecosystems[int(which)%len(seeds)], seeds[int(which)%len(seeds)]
		from := min(int(at), len(seed))
		data := slices.Concat(seed[:from], put, seed[min(uint64(from)+uint64(cut), uint64(len(seed))):])
		resum(data)
		name := filepath.Join(t.TempDir(), "x.index")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := index.OpenFile(name)
		if err != nil {
			if !errors.Is(err, index.ErrDamaged) {
				t.Error(err)
			}
			return
		}
		defer x.Close()
		for _, r := range match.Packages(one{x}, []match.Package{
			{Ecosystem: ecosystem, Name: "name", Version: v}, {Ecosystem: ecosystem, Name: "other", Binaries: []string{"name", "b"}, Version: v, Arch: "x86_64", Module: "m:1"},
		}) {
			for _, v := range r.ByCVE() {
				if v.ID == "" && len(v.Matches[0].Advisory.CVEs) == 0 && v.Matches[0].Advisory.ID != "" {
					t.Error("a vulnerability without a name")
				}
				v.Matches[0].Comparison("1")
			}
		}
	})
}

type one struct{ x *index.Index }

func (o one) Index(string) (*index.Index, error) { return o.x, nil }

func indexOf(f *testing.F, ecosystem string) []byte {
	dir := f.TempDir()
	b, err := index.New(dir, 0)
	if err != nil {
		f.Fatal(err)
	}
	defer b.Close()
	for _, r := range []advisory.Record{
		{ID: "A-1", CVEs: []string{"CVE-2026-1"}, Affected: []advisory.Affected{
			{Ecosystem: ecosystem, Package: "name", Ranges: []advisory.Range{{Introduced: "1", Fixed: "2"}, {Introduced: "3", LastAffected: "4"}}, Versions: []string{"9", "none of"}},
			{Ecosystem: ecosystem, Package: "other", Arch: "src", Module: "m:1", Binaries: []string{"b", "c"}, Ranges: []advisory.Range{{Fixed: "not a version"}}}}},
		{ID: "A-2", Affected: []advisory.Affected{{Ecosystem: ecosystem, Package: "name", Status: advisory.NotAffected, Ranges: []advisory.Range{{}}}, {Ecosystem: ecosystem, Package: "b"}}},
	} {
		if err := b.Record(r); err != nil {
			f.Fatal(err)
		}
	}
	m, err := b.Finish(context.Background(), time.Unix(1, 0), nil)
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, m.Files[0].File))
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// resum makes the checksums of a file right (see docs/advisory-index.md).
func resum(data []byte) {
	const header, sections = 224, 8
	if len(data) < header {
		return
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint64(data[16:], uint64(len(data)))
	for at := 24; at < 24+24*sections; at += 24 {
		offset, length := binary.LittleEndian.Uint64(data[at:]), binary.LittleEndian.Uint64(data[at+8:])
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			binary.LittleEndian.PutUint32(data[at+16:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	binary.LittleEndian.PutUint32(data[header-8:], crc32.Checksum(data[:header-8], castagnoli))
}

package rust

import (
	"bytes"
	"compress/zlib"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
)

// pack makes a section out of its JSON.
func pack(text []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(text)
	z.Close()
	return b.Bytes()
}

func read(data []byte) (all []telemetry.Library, err error) {
	err = Read(bytes.NewReader(data), func(l telemetry.Library) error {
		all = append(all, l)
		return nil
	})
	return all, err
}

// example is in the form of cargo-auditable's own documentation (PARSING.md and its
// JSON schema).
const example = `{"packages":[
{"name":"adler","version":"0.2.3","source":"registry"},
{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
{"name":"grep-cli","version":"0.1.9","source":"local","kind":"runtime"},
{"name":"auditable","version":"0.1.0","source":"local","dependencies":[0,2],"root":true}]}`

func TestRead(t *testing.T) {
	all, err := read(pack([]byte(example)))
	if err != nil {
		t.Fatal(err)
	}
	want := []telemetry.Library{
		{Ecosystem: "crates.io", Name: "adler", Version: "0.2.3"},
		{Ecosystem: "crates.io", Name: "grep-cli", Version: "0.1.9"},
		{Ecosystem: "crates.io", Name: "auditable", Version: "0.1.0", Main: true},
	}
	if d := cmp.Diff(want, all); d != "" {
		t.Error(d)
	}
	whole := pack([]byte(example))
	for name, bad := range map[string][]byte{
		"empty": nil, "no zlib": []byte("hello"), "cut": whole[:len(whole)/2], "no JSON": pack([]byte("hello")),
		"a bomb": pack(bytes.Repeat([]byte(" "), maxUnpacked+1)), "without checksum": whole[:len(whole)-4],
	} {
		if all, err := read(bad); err == nil || len(all) > 0 {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(example), true)
	f.Add(pack([]byte(example)), false)
	f.Fuzz(func(t *testing.T, data []byte, packed bool) {
		if packed {
			data = pack(data)
		}
		if all, err := read(data); err != nil && len(all) > 0 {
			t.Errorf("%v and %v", all, err)
		}
	})
}

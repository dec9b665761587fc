package rpm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
)

// item is an entry of a header that a test builds.
type item struct {
	tag, kind, count uint32
	data             string
}

func text(tag uint32, s string) item { return item{tag, typeString, 1, s + "\x00"} }

func texts(tag uint32, s ...string) item {
	return item{tag, typeStringArray, uint32(len(s)), strings.Join(s, "\x00") + "\x00"}
}

func numbers(tag uint32, n ...uint32) item {
	var b []byte
	for _, v := range n {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return item{tag, typeInt32, uint32(len(n)), string(b)}
}

// blob builds a header. Its data stand in the order of the items; the index is in
// the order of the tags, as rpm's.
func blob(items ...item) []byte {
	var data []byte
	type at struct {
		item
		offset int
	}
	var index []at
	for _, it := range items {
		for it.kind == typeInt32 && len(data)%4 != 0 {
			data = append(data, 0)
		}
		index = append(index, at{it, len(data)})
		data = append(data, it.data...)
	}
	slices.SortStableFunc(index, func(a, b at) int { return cmp.Compare(a.tag, b.tag) })
	out := binary.BigEndian.AppendUint32(nil, uint32(len(items)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	for _, e := range index {
		for _, n := range []uint32{e.tag, e.kind, uint32(e.offset), e.count} {
			out = binary.BigEndian.AppendUint32(out, n)
		}
	}
	return append(out, data...)
}

func base() []item {
	return []item{text(tagName, "bash"), text(tagVersion, "5.1"), text(tagRelease, "2.el9")}
}

func TestReadPackage(t *testing.T) {
	want := &telemetry.Package{Manager: "rpm", Name: "bash", Version: "5.1-2.el9", Status: "installed", Source: "bash", SourceVersion: "5.1-2.el9"}
	with := func(change func(p *telemetry.Package)) *telemetry.Package {
		p := *want
		change(&p)
		return &p
	}
	for name, test := range map[string]struct {
		items []item
		want  *telemetry.Package
	}{
		"least": {base(), want},
		"order": {[]item{base()[2], base()[1], base()[0]}, want},
		"epoch 0": {append(base(), numbers(tagEpoch, 0)),
			with(func(p *telemetry.Package) { p.Version, p.SourceVersion = "0:5.1-2.el9", "0:5.1-2.el9" })},
		"source": {append(base(), text(tagSourceRPM, "shell-tools-5-2.src.rpm")),
			with(func(p *telemetry.Package) { p.Source, p.SourceVersion = "shell-tools", "5-2" })},
		"source without source": {append(base(), text(tagSourceRPM, "x-5-2.nosrc.rpm")),
			with(func(p *telemetry.Package) { p.Source, p.SourceVersion = "x", "5-2" })},
		"no source":                     {append(base(), text(tagSourceRPM, "(none)")), want},
		"odd source":                    {append(base(), text(tagSourceRPM, "-1-2.src.rpm")), want},
		"later wins":                    {append(base(), text(tagVendor, "a"), text(tagVendor, "b")), with(func(p *telemetry.Package) { p.Vendor = "b" })},
		"empty value":                   {append(base(), text(tagVendor, "")), want},
		"no version":                    {base()[:1], nil},
		"no name":                       {base()[1:], nil},
		"no entries":                    {nil, nil},
		"number where text has to be":   {append(base(), numbers(tagVendor, 1)), nil},
		"text where a number has to be": {append(base(), text(tagEpoch, "1")), nil},
		"long":                          {append(base(), text(tagVendor, strings.Repeat("x", 5000))), nil},
		"unending":                      {append(base(), item{tagVendor, typeString, 1, "x"}), nil},
		"overlap":                       {append(base(), item{tagVendor, typeString, 1, ""}, text(tagArch, "x")), nil},
	} {
		b := blob(test.items...)
		got, err := readPackage(newHeader(), bytes.NewReader(b), int64(len(b)))
		if (err == nil) != (test.want != nil) {
			t.Errorf("%s: error %v", name, err)
		}
		if diff := gocmp.Diff(test.want, got, gocmp.AllowUnexported(telemetry.Package{})); diff != "" {
			t.Errorf("%s: want -, got +\n%s", name, diff)
		}
	}
}

func TestHeaderBounds(t *testing.T) {
	whole := blob(base()...)
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":          func(b []byte) []byte { return nil },
		"cut off":        func(b []byte) []byte { return b[:len(b)-1] },
		"longer":         func(b []byte) []byte { return append(b, 0) },
		"many entries":   func(b []byte) []byte { b[0] = 1; return b },
		"offset outside": func(b []byte) []byte { b[8+8] = 1; return b },
		"no values":      func(b []byte) []byte { clear(b[8+12 : 8+16]); return b },
		"many values":    func(b []byte) []byte { b[8+12] = 1; return b },
	} {
		b := damage(slices.Clone(whole))
		if _, err := readPackage(newHeader(), bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// filesOf returns the wanted files of a header.
func filesOf(b []byte, wanted ...string) []string {
	var got []string
	h := newHeader()
	if err := h.open(bytes.NewReader(b), int64(len(b)), []uint32{tagName, tagFileStates, tagDirIndexes, tagBaseNames, tagDirNames}); err != nil {
		return []string{err.Error()}
	}
	f := files{h: h, wanted: func(base []byte) bool { return slices.Contains(wanted, string(base)) }}
	for _, e := range h.entries {
		if err := f.read(e); err != nil {
			return []string{err.Error()}
		}
	}
	f.visit(func(name, path string) { got = append(got, name+" "+path) })
	return got
}

func TestFiles(t *testing.T) {
	name := text(tagName, "p")
	index := numbers(tagDirIndexes, 0, 1, 0, 1, 7)
	bases := texts(tagBaseNames, "a", "a", "b", "c", "d")
	dirs := texts(tagDirNames, "/bin/", "/lib/")
	states := item{tagFileStates, 1, 5, "\x00\x01\x00\x04\x00"}
	for _, test := range []struct {
		items []item
		want  []string
	}{
		{[]item{name, index, bases, dirs}, []string{"p /bin/a", "p /lib/a", "p /lib/c"}},
		{[]item{name, dirs, bases, index}, []string{"p /bin/a", "p /lib/a", "p /lib/c"}},
		{[]item{bases, name, dirs, index}, []string{"p /bin/a", "p /lib/a", "p /lib/c"}},
		{[]item{name, index, bases, dirs, states}, []string{"p /bin/a"}},
		{[]item{name, states, index, bases, dirs}, []string{"p /bin/a"}},
		{[]item{name}, nil},
		{[]item{name, bases, dirs}, nil},
	} {
		got := filesOf(blob(test.items...), "a", "c", "d")
		if diff := gocmp.Diff(test.want, got); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(blob(base()...))
	f.Add(blob(append(base(), numbers(tagEpoch, 3), text(tagSourceRPM, "a-1-2.src.rpm"), numbers(tagInstallTime, 5))...))
	f.Add(blob(text(tagName, "p"), numbers(tagDirIndexes, 0, 1), texts(tagBaseNames, "a", "b"), texts(tagDirNames, "/x/", "/y/")))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := readPackage(newHeader(), bytes.NewReader(b), int64(len(b)))
		if err == nil && (p.Name == "" || p.Version == "" || p.Source == "" || p.SourceVersion == "") {
			t.Fatalf("%+v", p)
		}
		filesOf(b, "a", "b")
	})
}

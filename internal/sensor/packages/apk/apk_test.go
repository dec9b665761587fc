package apk_test

import (
	"strings"
	"testing"

	"assay/internal/sensor/packages/apk"
	"assay/internal/telemetry"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sample is in the form of Alpine 3.20's database: musl and busybox-binsh, cut
// down, with checksums of our own.
const sample = `C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=
P:musl
V:1.2.5-r0
A:x86_64
S:407278
I:663552
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo <x@example.org>
t:1710277384
c:4a8b0d7ddde0bcb1e3ac3bd4ee8e4ab4
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=
R:libc.musl-x86_64.so.1
F:usr
F:usr/share/x
M:0:0:700
R:y z

C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=
P:busybox-binsh
V:1.36.1-r28
A:x86_64
o:busybox
D:busybox=1.36.1-r28
F:
R:init
F:bin
R:sh
`

func TestRead(t *testing.T) {
	var got []telemetry.Package
	err := apk.Read(strings.NewReader(sample+"\n\nP:plain\nV:1-r0\n"), func(p *telemetry.Package, bad error) error {
		if bad != nil {
			return bad
		}
		got = append(got, *p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []telemetry.Package{
		{Manager: "apk", Name: "musl", Version: "1.2.5-r0", Arch: "x86_64", Source: "musl", SourceVersion: "1.2.5-r0", Status: "installed"},
		{Manager: "apk", Name: "busybox-binsh", Version: "1.36.1-r28", Arch: "x86_64", Source: "busybox", SourceVersion: "1.36.1-r28", Status: "installed"},
		{Manager: "apk", Name: "plain", Version: "1-r0", Source: "plain", SourceVersion: "1-r0", Status: "installed"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(telemetry.Meta{})); diff != "" {
		t.Error(diff)
	}
}

func TestCutOff(t *testing.T) {
	n := 0
	err := apk.Read(strings.NewReader(sample+"\nP:plain\nV:1-r"), func(*telemetry.Package, error) error { n++; return nil })
	if err == nil || n != 2 {
		t.Errorf("%d entries, error %v", n, err)
	}
}

func TestBadEntries(t *testing.T) {
	for name, text := range map[string]string{
		"no name":    "V:1-r0\n",
		"no version": "P:a\n",
		"long":       "P:a\nV:" + strings.Repeat("1", 40000) + "\n",
		"bytes":      "\x00\xff",
	} {
		good, bad := 0, 0
		err := apk.Read(strings.NewReader(text+"\n\nP:next\nV:1-r0\nD:"+strings.Repeat("x ", 40000)+"\n"), func(p *telemetry.Package, why error) error {
			if why != nil {
				bad++
			} else {
				good++
			}
			return nil
		})
		if err != nil || good != 1 || bad != 1 {
			t.Errorf("%s: %d good, %d bad, error %v", name, good, bad, err)
		}
	}
}

func TestReadFiles(t *testing.T) {
	var got []string
	err := apk.ReadFiles(strings.NewReader(sample), func(name, path string) { got = append(got, name+" "+path) })
	want := []string{
		"musl /lib/ld-musl-x86_64.so.1", "musl /lib/libc.musl-x86_64.so.1", "musl /usr/share/x/y z",
		"busybox-binsh /init", "busybox-binsh /bin/sh",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, text string) {
		err := apk.Read(strings.NewReader(text), func(p *telemetry.Package, bad error) error {
			if bad == nil && (p.Name == "" || p.Version == "" || p.Source == "") {
				t.Fatalf("%+v", p)
			}
			return nil
		})
		if err != nil && strings.HasSuffix(text, "\n") {
			t.Fatal(err)
		}
		apk.ReadFiles(strings.NewReader(text), func(_, path string) {
			if !strings.HasPrefix(path, "/") {
				t.Fatal(path)
			}
		})
	})
}

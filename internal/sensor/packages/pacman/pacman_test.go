package pacman_test

import (
	"strings"
	"testing"

	"assay/internal/sensor/packages/pacman"
	"assay/internal/telemetry"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const sample = `%NAME%
gcc-libs

%VERSION%
1:14.1.1+r58-1

%BASE%
gcc

%DESC%
Runtime libraries
%NAME% in a description

%ARCH%
x86_64

%BUILDDATE%
1715000000

%INSTALLDATE%
1716000000

%DEPENDS%
glibc>=2.27

`

func TestReadDesc(t *testing.T) {
	got, err := pacman.ReadDesc(strings.NewReader(sample))
	want := &telemetry.Package{Manager: "pacman", Name: "gcc-libs", Version: "1:14.1.1+r58-1", Arch: "x86_64",
		Source: "gcc", SourceVersion: "1:14.1.1+r58-1", Status: "installed", Installed: 1716000000}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(telemetry.Meta{})); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, text := range []string{"", "%NAME%\nx\n", "%VERSION%\n1\n", "%NAME%\n\n%VERSION%\n1\n", "%NAME%\nx\n\n%VERSION%\n1.", "\x00"} {
		if p, err := pacman.ReadDesc(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func TestReadFiles(t *testing.T) {
	var got []string
	err := pacman.ReadFiles(strings.NewReader("%FILES%\nusr/\nusr/lib/\nusr/lib/libgcc_s.so.1\n\n%BACKUP%\netc/x\tabc\n"), func(path string) { got = append(got, path) })
	if diff := cmp.Diff([]string{"/usr/", "/usr/lib/", "/usr/lib/libgcc_s.so.1"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestPackageName(t *testing.T) {
	for folder, want := range map[string]string{"gcc-libs-1:14.1-1": "gcc-libs", "a-1-1": "a", "odd": "odd", "-1-1": "-1", "": ""} {
		if got := pacman.PackageName(folder); got != want {
			t.Errorf("%q: %q, want %q", folder, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("%FILES%\nusr/\n")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := pacman.ReadDesc(strings.NewReader(text)); err == nil && (p.Name == "" || p.Version == "" || p.Source == "") {
			t.Fatalf("%+v", p)
		}
		pacman.ReadFiles(strings.NewReader(text), func(string) {})
		if name := pacman.PackageName(text); len(name) > len(text) {
			t.Fatalf("the folder %q is of the package %q", text, name)
		}
	})
}

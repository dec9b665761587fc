// Package rpmtest makes rpm databases for tests with the real rpmbuild and rpm,
// and asks rpm what is in them. It is used by tests only.
package rpmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// Spec returns a specification of count packages named p001, p002, ... whose
// headers cover what the parsers have to read: epochs, none and 0 included, an
// architecture of noarch, module labels, and every fiftieth with a list of files
// and a description that need chains of overflow pages.
func Spec(count int) string {
	var s, folders, install strings.Builder
	s.WriteString("Name: many\nEpoch: 2\nVersion: 1.0\nRelease: 3\nSummary: s\nLicense: x\nVendor: Example Vendor\n" +
		"ModularityLabel: nodejs:18:20230101:abcdef\nAutoReqProv: no\n%description\nd\n")
	for i := 1; i <= count; i++ {
		files := 2
		if i%50 == 0 {
			files = 400
		}
		fmt.Fprintf(&s, "%%package -n p%03d\nSummary: s\nVersion: %d.%d~rc1\nRelease: %d.el9\nAutoReqProv: no\n", i, i, i%7, i%5+1)
		if i%4 == 0 {
			fmt.Fprintf(&s, "Epoch: %d\n", i%8)
		}
		if i%3 == 0 {
			s.WriteString("BuildArch: noarch\n")
		}
		fmt.Fprintf(&s, "%%description -n p%03d\n%s\n%%files -n p%03d\n", i, strings.Repeat("word ", i*20), i)
		fmt.Fprintf(&folders, " usr/lib/p%03d/a usr/lib/p%03d/b usr/lib/p%03d/c", i, i, i)
		for j := range files {
			path := fmt.Sprintf("/usr/lib/p%03d/%c/library-file-number-%d.so", i, 'a'+j%3, j)
			s.WriteString(path + "\n")
			install.WriteString("> ." + path + "\n")
		}
	}
	s.WriteString("%package -n gpg-pubkey\nSummary: s\nVersion: 0123abcd\nRelease: 4567cdef\n%description -n gpg-pubkey\nd\n%files -n gpg-pubkey\n%files\n")
	return s.String() + "%install\ncd %{buildroot}; mkdir -p" + folders.String() + "\n" + install.String()
}

// Build builds the packages of a specification below dir and returns their files,
// sorted.
func Build(t testing.TB, dir, spec string) []string {
	t.Helper()
	rpmbuild := testenv.Need(t, "rpmbuild", "rpm")
	path := filepath.Join(dir, "many.spec")
	if err := os.WriteFile(path, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(rpmbuild, "-bb", "--define", "_topdir "+dir, "--define", "_tmppath "+dir, "--define", "_buildhost build.example", "--define", "_build_id_links none",
		"--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}",
		"--define", "_binary_payload w0.gzdio", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rpmbuild: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "RPMS", "*", "*.rpm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("rpmbuild made no package: %v", err)
	}
	slices.Sort(files)
	return files
}

// RPM runs rpm on the database in dbpath, and returns what it prints.
func RPM(t testing.TB, dbpath string, args ...string) string {
	t.Helper()
	rpm := testenv.Need(t, "rpm", "rpm")
	cmd := exec.Command(rpm, append([]string{"--dbpath", dbpath}, args...)...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("rpm %s: %v\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

// Install puts packages into the database in dbpath, which is made if there is
// none, without their files.
func Install(t testing.TB, dbpath string, files []string) {
	t.Helper()
	if err := os.MkdirAll(dbpath, 0o755); err != nil {
		t.Fatal(err)
	}
	RPM(t, dbpath, append([]string{"-i", "--justdb", "--nodeps", "--nosignature"}, files...)...)
}

const format = `%{NAME}|%{EVR}|%|ARCH?{%{ARCH}}:{}||%|SOURCERPM?{%{SOURCERPM}}:{}||%|MODULARITYLABEL?{%{MODULARITYLABEL}}:{}||%|VENDOR?{%{VENDOR}}:{}||%{INSTALLTIME}\n`

// Query asks rpm for the packages of a database, as lines of the form of Line,
// sorted, without the keys.
func Query(t testing.TB, dbpath string, args ...string) []string {
	t.Helper()
	out := RPM(t, dbpath, append(args, "-qa", "--qf", format)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" || strings.HasPrefix(l, "gpg-pubkey|") })
	slices.Sort(lines)
	return lines
}

// Line writes a package in the form of Query. The source is put together again.
func Line(p *telemetry.Package) string {
	source := fmt.Sprintf("%s-%s.src.rpm", p.Source, p.SourceVersion)
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s|%d", p.Name, p.Version, p.Arch, source, p.Modularity, p.Vendor, p.Installed)
}

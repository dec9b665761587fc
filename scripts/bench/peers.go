//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// missingPeers tells which peers are not there, and how to get them.
func missingPeers(dataStream string) (missing []error) {
	for _, peer := range [][2]string{
		{"dpkg-query", "dpkg: this is not a Debian or Ubuntu system"},
		{"rpm", "apt-get install rpm"},
		{"rpmbuild", "apt-get install rpm"},
		{"oscap", "apt-get install openscap-scanner"},
		{"zstd", "apt-get install zstd"},
		{osvScanner, getOSVScanner},
		{"grype", getGrype},
	} {
		if _, err := exec.LookPath(peer[0]); err != nil {
			missing = append(missing, fmt.Errorf("the peer %s is missing: %s", peer[0], peer[1]))
		}
	}
	if _, err := os.Stat(dataStream); err != nil {
		missing = append(missing, fmt.Errorf("the content for oscap is missing: %w: set ASSAY_SHARED to the folder that has "+
			"data/scap, or build ssg-debian12-ds.xml from https://github.com/ComplianceAsCode/content and put it there compressed with zstd", err))
	}
	return missing
}

func (b *bench) program(name string) string { return filepath.Join(b.bin, name) }

// packages compares the packages sensor, as a whole process that writes a
// snapshot, with the tools that come with the databases.
func (b *bench) packages(ctx context.Context) error {
	out := filepath.Join(b.work, "packages")
	collect := func(root string) func(context.Context) (cost, error) {
		return func(ctx context.Context) (cost, error) {
			return command(ctx, []int{0, 3}, b.program("assay-agent"), "collect", "-sensors", "packages", "-root", root, "-o", out)
		}
	}
	dpkg := func(ctx context.Context) (cost, error) {
		return command(ctx, []int{0}, "dpkg-query", "-W", "-f", `${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Status}\n`)
	}
	ours, theirs, err := pairs(ctx, 11, collect("/"), dpkg)
	if err != nil {
		return err
	}
	b.table.beside("packages of this host", ours.Seconds*1e3, theirs.Seconds*1e3, "ms", "dpkg-query -W")
	root := filepath.Join(b.work, "rpmroot")
	database := filepath.Join(root, "var/lib/rpm")
	count, err := makeRPM(ctx, filepath.Join(b.work, "rpmbuild"), database)
	if err != nil {
		return err
	}
	rpm := func(ctx context.Context) (cost, error) {
		return command(ctx, []int{0}, "rpm", "--dbpath", database, "-qa", "--qf", `%{NAME} %{EVR} %{ARCH} %{SOURCERPM} %{VENDOR} %{INSTALLTIME}\n`)
	}
	if ours, theirs, err = pairs(ctx, 11, collect(root), rpm); err != nil {
		return err
	}
	b.table.beside(fmt.Sprintf("an rpm database of %d packages", count), ours.Seconds*1e3, theirs.Seconds*1e3, "ms", "rpm -qa")
	return nil
}

// rpmCount is how many packages the made database has.
const rpmCount = 1000

// makeRPM makes a database of packages with rpmbuild and rpm, and returns how many
// rpm says it has. Each header has ten files and a text, as real ones do.
func makeRPM(ctx context.Context, dir, database string) (int, error) {
	for _, d := range []string{dir, database} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return 0, err
		}
	}
	path := filepath.Join(dir, "many.spec")
	if err := os.WriteFile(path, []byte(rpmSpec(rpmCount)), 0o600); err != nil {
		return 0, err
	}
	build := exec.CommandContext(ctx, "rpmbuild", "-bb", "--define", "_topdir "+dir, "--define", "_tmppath "+dir, "--define", "_build_id_links none",
		"--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}", "--define", "_binary_payload w0.gzdio", path)
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("rpmbuild: %w: %s", err, tail(string(out)))
	}
	files, err := filepath.Glob(filepath.Join(dir, "RPMS/*/*.rpm"))
	if err != nil {
		return 0, err
	}
	install := exec.CommandContext(ctx, "rpm", append([]string{"--dbpath", database, "-i", "--justdb", "--nodeps", "--nosignature"}, files...)...)
	if out, err := install.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("rpm -i: %w: %s", err, tail(string(out)))
	}
	out, err := exec.CommandContext(ctx, "rpm", "--dbpath", database, "-qa").Output()
	if err != nil {
		return 0, fmt.Errorf("rpm -qa: %w", err)
	}
	count := strings.Count(string(out), "\n")
	if count < rpmCount {
		return 0, fmt.Errorf("the made rpm database has %d packages, not %d", count, rpmCount)
	}
	return count, nil
}

func rpmSpec(count int) string {
	var s strings.Builder
	s.WriteString("Name: many\nVersion: 1.0\nRelease: 1\nSummary: s\nLicense: x\nVendor: Example\nBuildArch: noarch\nAutoReqProv: no\n%description\nd\n")
	for i := range count {
		fmt.Fprintf(&s, "%%package -n p%04d\nSummary: a package\nVersion: %d.%d\nAutoReqProv: no\n%%description -n p%04d\n%s\n%%files -n p%04d\n/usr/lib/p%04d\n",
			i, i, i%7, i, strings.Repeat("It does one thing. ", 1+i%20), i, i)
	}
	s.WriteString("%install\nfor i in $(seq -f %04g 0 " + fmt.Sprint(count-1) + "); do d=%{buildroot}/usr/lib/p$i; mkdir -p $d; for j in 1 2 3 4 5 6 7 8 9 10; do : >$d/library-file-number-$j.so; done; done\n")
	return s.String()
}

package packages_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/sensor/packages"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

func TestOwners(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"usr/bin/": "", "usr/lib/": "", "usr/lib64/": "", "bin": "-> usr/bin", "lib": "-> usr/lib", "usr/sbin": "-> bin", "sbin": "-> usr/sbin",
		"var/lib/dpkg/info/libc6:amd64.list":        "/.\n/lib\n/lib/libc.so.6\n/usr/share/doc/libc6\n",
		"var/lib/dpkg/info/libc6:i386.list":         "/lib/i386/libc.so.6\n/usr/share/doc/libc6\n",
		"var/lib/dpkg/info/init.list":               "/sbin/init\n",
		"var/lib/dpkg/info/dash.list":               "/bin/sh\n/bin/dash\n",
		"var/lib/dpkg/info/bash.list":               "/bin/sh\n/bin/bash\n",
		"var/lib/dpkg/info/mine.list":               "/usr/bin/tool\n",
		"var/lib/dpkg/diversions":                   "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/tool\n/usr/bin/tool.real\n:\n",
		"var/lib/dpkg/status.d/base.md5sums":        "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libbase.so",
		"lib64/apk/":                                "",
		"usr/lib/apk/db/installed":                  "P:musl\nV:1\nF:lib\nR:ld-musl.so.1\nF:\nR:init\n\n",
		"var/lib/pacman/local/gcc-libs-1:2-3/files": "%FILES%\nusr/lib/\nusr/lib/libgcc_s.so.1\n",
		"var/lib/pacman/local/ALPM_DB_VERSION":      "9\n",
	})
	want := map[string]string{
		"/usr/lib/libc.so.6":      "libc6:amd64",
		"/lib/libc.so.6":          "libc6:amd64",
		"/usr/lib/i386/libc.so.6": "libc6:i386",
		"/usr/bin/init":           "init",
		"/usr/bin/sh":             "dash",
		"/usr/bin/sh.distrib":     "bash",
		"/usr/bin/tool.real":      "mine",
		"/usr/lib/libbase.so":     "base",
		"/usr/lib/ld-musl.so.1":   "musl",
		"/init":                   "musl",
		"/usr/lib/libgcc_s.so.1":  "gcc-libs",
	}
	wanted := []string{"/usr/bin/tool", "/usr/bin/none", "relative", "", "/", "/usr", "/bin", "/libc.so.6"}
	for path := range want {
		wanted = append(wanted, path)
	}
	got, err := packages.Owners(context.Background(), open(t, root), wanted)
	delete(got, "/bin") // folders are whoever's comes first
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v; want -, got +\n%s", err, diff)
	}
}

func TestOwnersProblems(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"var/lib/rpm/rpmdb.sqlite":  "rubbish",
		"var/lib/dpkg/info/a.list":  "/usr/bin/a\n",
		"var/lib/dpkg/info/b.list/": "",
	})
	got, err := packages.Owners(context.Background(), open(t, root), []string{"/usr/bin/a"})
	if err == nil || !strings.Contains(err.Error(), "rpmdb.sqlite") || !strings.Contains(err.Error(), "b.list") {
		t.Errorf("error %v", err)
	}
	if got["/usr/bin/a"] != "a" {
		t.Errorf("%v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := packages.Owners(ctx, open(t, root), []string{"/usr/bin/a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("context over: error %v", err)
	}
}

func TestOwnersAgainstRPM(t *testing.T) {
	root, _ := rpmHost(t, "var/lib/rpm")
	dir := filepath.Join(root, "var/lib/rpm")
	want := map[string]string{}
	var wanted []string
	for line := range strings.Lines(rpmtest.RPM(t, dir, "-qa", "--qf", `[%{FILENAMES}|%{=NAME}\n]`)) {
		path, name, _ := strings.Cut(strings.TrimSpace(line), "|")
		want[path] = name
		wanted = append(wanted, path, path+"x")
	}
	got, err := packages.Owners(context.Background(), open(t, root), wanted)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || len(want) < 40 {
		t.Errorf("error %v; rpm says -, we say +\n%s", err, diff)
	}
}

// TestThisMachine compares with dpkg on the host that the test runs on: all
// packages, and the owners of programs and libraries.
func TestThisMachine(t *testing.T) {
	tool := testenv.Need(t, "dpkg-query", "dpkg")
	r := collect(t, "/")
	out, err := exec.Command(tool, "-W", "-f", `${binary:Package} ${Version} ${Architecture}\n`).Output()
	must(t, err)
	var want, got []string
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ = strings.Cut(name, ":")
		want = append(want, name+" "+rest)
	}
	for _, p := range r.packages {
		if p.Manager == "dpkg" {
			got = append(got, p.Name+" "+p.Version+" "+p.Arch)
		}
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" || r.coverage.Part("dpkg").State != complete {
		t.Errorf("%+v; dpkg says -, we say +\n%s", r.coverage, diff)
	}

	var paths []string
	for _, pattern := range []string{"/usr/bin/*", "/usr/sbin/*", "/usr/lib/*/*.so*"} {
		found, err := filepath.Glob(pattern)
		must(t, err)
		for _, path := range found {
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				paths = append(paths, path)
			}
		}
	}
	owners, err := packages.Owners(context.Background(), open(t, "/"), paths)
	must(t, err)
	wantOwners := searchDpkg(t, tool, paths)
	for path, name := range wantOwners {
		if strings.HasPrefix(name, "diverted by ") && owners[path] != "" && name != "diverted by "+owners[path] {
			wantOwners[path] = owners[path]
		}
	}
	if diff := cmp.Diff(wantOwners, owners); diff != "" || len(owners) < 100 {
		t.Errorf("of %d paths: dpkg says -, we say +\n%s", len(paths), diff)
	}
}

// searchDpkg asks dpkg for the owners of paths, below /usr or not: dpkg knows a
// file by the path by which its package has it only.
func searchDpkg(t *testing.T, tool string, paths []string) map[string]string {
	t.Helper()
	args := []string{"-S"}
	for _, path := range paths {
		args = append(args, path, strings.TrimPrefix(path, "/usr"))
	}
	out, err := exec.Command(tool, args...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) { // 1: some were not found
		t.Fatal(err)
	}
	known := map[string]string{}
	var diverter, diverted string
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if by, ok := strings.CutPrefix(name, "diversion by "); ok {
			// "diversion by X from", "diversion by X to": who is diverted is
			// in the line of the first path.
			by, end, _ := strings.Cut(by, " ")
			if end == "from" {
				diverter, diverted = by, path
			} else {
				known[path] = "diverted by " + diverter
				known[diverted] = diverter
			}
		} else if known[path] == "" {
			known[path] = name
		}
	}
	owners := map[string]string{}
	for _, path := range paths {
		for _, spelling := range []string{path, strings.TrimPrefix(path, "/usr")} {
			if name := known[spelling]; name != "" {
				owners[path] = name
			}
		}
	}
	return owners
}

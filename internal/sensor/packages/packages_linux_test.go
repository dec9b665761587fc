package packages_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/packages"
	"assay/internal/telemetry"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const (
	complete = telemetry.Complete
	partial  = telemetry.Partial
	failed   = telemetry.Failed
	denied   = telemetry.Denied
	none     = telemetry.NotCollected
)

const (
	statusA = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
	statusB = "Package: b\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
)

func TestHosts(t *testing.T) {
	for name, test := range map[string]struct {
		files   map[string]string
		states  []telemetry.State // whole, dpkg, rpm, apk, pacman
		names   []string
		problem string // is in the reason of the whole
	}{
		"nothing": {map[string]string{"etc/": ""}, []telemetry.State{none, none, none, none, none}, nil, "no package database was found"},
		"dpkg": {map[string]string{"var/lib/dpkg/status": statusA + statusB},
			[]telemetry.State{complete, complete, none, none, none}, []string{"dpkg a 1", "dpkg b 1"}, ""},
		"dpkg beside empty folders of rpm": {map[string]string{"var/lib/dpkg/status": statusA, "var/lib/rpm/": ""},
			[]telemetry.State{complete, complete, none, none, none}, []string{"dpkg a 1"}, ""},
		"distroless": {map[string]string{"var/lib/dpkg/status.d/a": "Package: a\nVersion: 1", "var/lib/dpkg/status.d/a.md5sums": "x  y\n"},
			[]telemetry.State{complete, complete, none, none, none}, []string{"dpkg a 1"}, ""},
		"updates": {map[string]string{
			"var/lib/dpkg/status":        statusA + statusB + "Package: c\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n",
			"var/lib/dpkg/updates/0000":  strings.Replace(statusA, ": 1", ": 2", 1),
			"var/lib/dpkg/updates/0001":  strings.Replace(statusA, ": 1", ": 3", 1),
			"var/lib/dpkg/updates/0002":  "Package: b\nStatus: deinstall ok not-installed\nArchitecture: amd64\n",
			"var/lib/dpkg/updates/0003":  "Package: c\nStatus: install ok installed\nArchitecture: amd64\nVersion: 4\n",
			"var/lib/dpkg/updates/tmp.i": "rubbish",
		}, []telemetry.State{complete, complete, none, none, none}, []string{"dpkg a 3", "dpkg c 4"}, ""},
		"a bad entry": {map[string]string{"var/lib/dpkg/status": statusA + "Package: x\nStatus: install ok installed\n\n" + statusB},
			[]telemetry.State{partial, partial, none, none, none}, []string{"dpkg a 1", "dpkg b 1"}, "1 entries could not be read"},
		"status cut off": {map[string]string{"var/lib/dpkg/status": statusA + "Package: b\nVersion: 1."},
			[]telemetry.State{partial, partial, none, none, none}, []string{"dpkg a 1"}, "cut off"},
		"status lost": {map[string]string{"var/lib/dpkg/info/a.list": "/.\n"},
			[]telemetry.State{failed, failed, none, none, none}, nil, "it is missing"},
		"status emptied": {map[string]string{"var/lib/dpkg/info/a.list": "/.\n", "var/lib/dpkg/status": ""},
			[]telemetry.State{failed, failed, none, none, none}, nil, "it is empty"},
		"dpkg never used": {map[string]string{"var/lib/dpkg/info/": "", "var/lib/dpkg/status": ""},
			[]telemetry.State{complete, complete, none, none, none}, nil, ""},
		"status is a folder": {map[string]string{"var/lib/dpkg/status/": ""},
			[]telemetry.State{failed, failed, none, none, none}, nil, "not a regular file"},
		"apk": {map[string]string{"lib/apk/db/installed": "P:a\nV:1-r0\n\n"},
			[]telemetry.State{complete, none, none, complete, none}, []string{"apk a 1-r0"}, ""},
		"apk with merged usr": {map[string]string{"usr/lib/apk/db/installed": "P:a\nV:1-r0\n\n", "lib": "-> usr/lib"},
			[]telemetry.State{complete, none, none, complete, none}, []string{"apk a 1-r0"}, ""},
		"apk and a lost dpkg": {map[string]string{"lib/apk/db/installed": "P:a\nV:1-r0\n\n", "var/lib/dpkg/info/a.list": "/.\n"},
			[]telemetry.State{partial, failed, none, complete, none}, []string{"apk a 1-r0"}, "it is missing"},
		"pacman": {map[string]string{"var/lib/pacman/local/a-1-1/desc": "%NAME%\na\n\n%VERSION%\n1-1\n\n", "var/lib/pacman/local/ALPM_DB_VERSION": "9\n"},
			[]telemetry.State{complete, none, none, none, complete}, []string{"pacman a 1-1"}, ""},
		"pacman without a description": {map[string]string{"var/lib/pacman/local/a-1-1/desc": "%NAME%\na\n\n%VERSION%\n1-1\n\n", "var/lib/pacman/local/b-1-1/files": ""},
			[]telemetry.State{partial, none, none, none, partial}, []string{"pacman a 1-1"}, "b-1-1"},
		"rpm damaged": {map[string]string{"var/lib/rpm/rpmdb.sqlite": "SQLite format 3\x00"},
			[]telemetry.State{failed, none, failed, none, none}, nil, "damaged"},
		"rpm without packages' file": {map[string]string{"var/lib/rpm/Basenames": "x"},
			[]telemetry.State{failed, none, failed, none, none}, nil, "no file with the packages"},
		"a link that leads nowhere": {map[string]string{"var/lib/rpm": "-> ../../usr/lib/sysimage/rpm"},
			[]telemetry.State{none, none, none, none, none}, nil, "no package database"},
		"a link that leads to itself": {map[string]string{"var/lib/rpm": "-> rpm"},
			[]telemetry.State{failed, none, failed, none, none}, nil, "symbolic links"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, test.files)
			r := collect(t, root)
			if diff := cmp.Diff(test.states, r.states()); diff != "" {
				t.Errorf("states: want -, got +\n%s\n%+v", diff, r.coverage)
			}
			if diff := cmp.Diff(test.names, r.names()); diff != "" {
				t.Errorf("packages: want -, got +\n%s", diff)
			}
			if !strings.Contains(r.coverage.Reason, test.problem) || (test.problem == "") != (r.coverage.Reason == "") {
				t.Errorf("reason %q", r.coverage.Reason)
			}
			packages := int64(0)
			for _, d := range r.databases {
				packages += d.Packages
			}
			if packages != int64(len(r.packages)) {
				t.Errorf("the databases count %d packages of %d", packages, len(r.packages))
			}
			if (test.states[0] == complete || test.states[0] == none) != !anyProblem(r) {
				t.Errorf("databases: %+v", r.databases)
			}
		})
	}
}

func anyProblem(r result) bool {
	for _, d := range r.databases {
		if d.Problem != "" {
			return true
		}
	}
	return false
}

func TestDenied(t *testing.T) {
	root := t.TempDir()
	must(t, os.Chmod(filepath.Dir(root), 0o755))
	write(t, root, map[string]string{"var/lib/dpkg/status": statusA, "lib/apk/db/installed": "P:a\nV:1-r0\n\n"})
	must(t, os.Chmod(filepath.Join(root, "var/lib/dpkg/status"), 0))
	var r result
	asNobody(func() { r = collect(t, root) })
	if diff := cmp.Diff([]telemetry.State{partial, denied, none, complete, none}, r.states()); diff != "" {
		t.Errorf("unreadable file: want -, got +\n%s", diff)
	}
	must(t, os.Remove(filepath.Join(root, "lib/apk/db/installed")))
	must(t, os.Chmod(filepath.Join(root, "var/lib/dpkg"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "var/lib/dpkg"), 0o755) })
	asNobody(func() { r = collect(t, root) })
	if diff := cmp.Diff([]telemetry.State{denied, denied, none, none, none}, r.states()); diff != "" {
		t.Errorf("unreadable folder: want -, got +\n%s", diff)
	}
}

// asNobody runs f with the file permissions of nobody, if the test runs as root.
// The thread that has lost them ends with f.
func asNobody(f func()) {
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		unix.SetfsuidRetUid(65534)
		f()
	}()
	<-done
}

func TestOnly(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"var/lib/dpkg/status": statusA, "lib/apk/db/installed": "P:a\nV:1-r0\n\n"})
	r := collect(t, root, "/lib/apk/**")
	if diff := cmp.Diff([]telemetry.State{partial, none, none, complete, none}, r.states()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if diff := cmp.Diff([]string{"apk a 1-r0"}, r.names()); diff != "" {
		t.Error(diff)
	}
	r = collect(t, root, "/nowhere/**")
	if diff := cmp.Diff([]telemetry.State{none, none, none, none, none}, r.states()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestEnds(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"var/lib/dpkg/status": statusA + statusB, "var/lib/dpkg/status.d/a": statusA})
	end := errors.New("end")
	n := 0
	_, err := packages.New().Collect(context.Background(), &sensor.Host{FS: open(t, root)}, func(telemetry.Record) error { n++; return end })
	if !errors.Is(err, end) || n != 1 {
		t.Errorf("emit failed: %d records, error %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = packages.New().Collect(ctx, &sensor.Host{FS: open(t, root)}, func(telemetry.Record) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("context over: error %v", err)
	}
}

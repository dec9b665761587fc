package packages_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/telemetry"
	"assay/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

var shared struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// rpmHost makes a host with packages in an rpmdb.sqlite in a folder. The packages
// are built and installed once for all tests.
func rpmHost(t *testing.T, folder string) (root string, want []string) {
	t.Helper()
	testenv.Need(t, "rpmbuild", "rpm")
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "rpmtest")
		must(t, err)
		shared.dir = dir
		rpmtest.Install(t, filepath.Join(dir, "db"), rpmtest.Build(t, dir, rpmtest.Spec(20)))
	})
	built, err := os.ReadFile(filepath.Join(shared.dir, "db/rpmdb.sqlite"))
	must(t, err)
	root = t.TempDir()
	write(t, root, map[string]string{folder + "/rpmdb.sqlite": string(built)})
	return root, rpmtest.Query(t, filepath.Join(root, folder))
}

func (r result) lines() []string {
	var out []string
	for _, p := range r.packages {
		if p.Manager == "rpm" {
			out = append(out, rpmtest.Line(p))
		}
	}
	slices.Sort(out)
	return out
}

func TestRPMHosts(t *testing.T) {
	const folder = "usr/lib/sysimage/rpm"
	root, want := rpmHost(t, folder)
	dir := filepath.Join(root, folder)
	write(t, root, map[string]string{"var/lib/rpm": "-> ../../usr/lib/sysimage/rpm", "usr/share/rpm": "-> /usr/lib/sysimage/rpm"})
	check := func(name, file string, state telemetry.State) {
		t.Helper()
		r := collect(t, root)
		if diff := cmp.Diff(want, r.lines()); diff != "" {
			t.Errorf("%s: rpm says -, we say +\n%s", name, diff)
		}
		if diff := cmp.Diff([]telemetry.State{state, none, state, none, none}, r.states()); diff != "" {
			t.Errorf("%s: states: want -, got +\n%s", name, diff)
		}
		db := r.databases["/var/lib/rpm/"+file]
		if db.Packages != int64(len(want)) || db.Problem != "" || db.Format == "" {
			t.Errorf("%s: %+v", name, db)
		}
	}
	check("sqlite", "rpmdb.sqlite", complete)

	blobs := rpmtest.Blobs(t, dir)
	old := time.Now().Add(-time.Hour)
	rpmtest.WriteBDB(t, dir, blobs, 4096, 1234)
	must(t, os.Chtimes(filepath.Join(dir, "Packages"), old, old))
	check("sqlite beside an old bdb", "rpmdb.sqlite", partial)
	must(t, os.Remove(filepath.Join(dir, "rpmdb.sqlite")))
	os.Remove(filepath.Join(dir, "rpmdb.sqlite-wal"))
	os.Remove(filepath.Join(dir, "rpmdb.sqlite-shm"))
	check("bdb", "Packages", complete)

	must(t, os.Remove(filepath.Join(dir, "Packages")))
	rpmtest.WriteNDB(t, dir, blobs)
	check("ndb", "Packages.db", complete)
}

// TestRPMOnDebian is a host of dpkg on which somebody has used the rpm program.
func TestRPMOnDebian(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"var/lib/dpkg/status": statusA, "var/lib/rpm/": ""})
	rpmtest.RPM(t, filepath.Join(root, "var/lib/rpm"), "--initdb")
	r := collect(t, root)
	if diff := cmp.Diff([]telemetry.State{complete, complete, complete, none, none}, r.states()); diff != "" {
		t.Errorf("states: want -, got +\n%s", diff)
	}
	if diff := cmp.Diff([]string{"dpkg a 1"}, r.names()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestInterruptedTransaction(t *testing.T) {
	root, _ := rpmHost(t, "var/lib/rpm")
	journal := filepath.Join(root, "var/lib/rpm/rpmdb.sqlite-journal")
	must(t, os.WriteFile(journal, make([]byte, 1024), 0o600))
	if r := collect(t, root); r.coverage.State != complete {
		t.Errorf("a journal that is over: %+v", r.coverage)
	}
	must(t, os.WriteFile(journal, append([]byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"), make([]byte, 1024)...), 0o600))
	if r := collect(t, root); r.coverage.State != failed || !strings.Contains(r.coverage.Reason, "interrupted") {
		t.Errorf("a hot journal: %+v", r.coverage)
	}
}

// TestChangesNothing compares everything that can be seen of a host's folders
// before and after, access times and the write-ahead log included.
func TestChangesNothing(t *testing.T) {
	root, want := rpmHost(t, "var/lib/rpm")
	dir := filepath.Join(root, "var/lib/rpm")
	write(t, root, map[string]string{
		"var/lib/dpkg/status": statusA, "var/lib/dpkg/updates/0000": statusB, "var/lib/dpkg/info/a.list": "/.\n/usr/bin/x\n",
		"lib/apk/db/installed":             "P:a\nV:1-r0\n\n",
		"var/lib/pacman/local/a-1-1/desc":  "%NAME%\na\n\n%VERSION%\n1-1\n\n",
		"var/lib/pacman/local/a-1-1/files": "%FILES%\nusr/bin/x\n",
	})
	// A log that is hot: its connection stays open until the end of the test.
	db := rpmtest.OpenSQLite(t, filepath.Join(dir, "rpmdb.sqlite"))
	for _, s := range []string{"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "DELETE FROM Packages WHERE hnum = (SELECT max(hnum) FROM Packages)"} {
		_, err := db.Exec(s)
		must(t, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "rpmdb.sqlite-wal")); err != nil || info.Size() < 4096 {
		t.Fatalf("there is no hot log: %v", err)
	}
	// Access times in the past show every reading, whatever the mount's options.
	paths := walk(t, root)
	past := time.Now().Add(-72 * time.Hour)
	for _, path := range paths {
		must(t, os.Chtimes(path, past, time.Time{}))
	}
	control := filepath.Join(t.TempDir(), "control")
	must(t, os.WriteFile(control, []byte("x"), 0o600))
	must(t, os.Chtimes(control, past, time.Time{}))
	unread := describe(t, []string{control})
	_, err := os.ReadFile(control)
	must(t, err)
	if cmp.Equal(unread, describe(t, []string{control})) {
		testenv.Missing(t, "a temporary folder whose file system keeps access times")
	}
	before := describe(t, paths)
	r := collect(t, root)
	if _, err := packages.Owners(t.Context(), open(t, root), []string{"/usr/bin/x", "/usr/lib/p001/a/library-file-number-0.so"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, describe(t, paths)); diff != "" {
		t.Error("before -, after +\n" + diff)
	}
	if diff := cmp.Diff(paths, walk(t, root)); diff != "" {
		t.Error("before -, after +\n" + diff)
	}
	if n := len(r.lines()); n != len(want)-1 && n != len(want) { // the last entry may be the key
		t.Errorf("%d packages of %d before the deletion in the log", n, len(want))
	}
}

// walk lists the paths below root.
func walk(t *testing.T, root string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	}))
	return paths
}

// describe gives the metadata and times of files. A change of content shows in the
// time of change.
func describe(t *testing.T, paths []string) (out []string) {
	t.Helper()
	for _, path := range paths {
		var st syscall.Stat_t
		must(t, syscall.Lstat(path, &st))
		out = append(out, fmt.Sprintln(path, st.Mode, st.Ino, st.Size, st.Atim, st.Mtim, st.Ctim, st.Nlink))
	}
	return out
}

// busy is a context that lets something happen whenever it is asked: the sensor
// asks before each package.
type busy struct {
	context.Context
	happens func()
}

func (b busy) Err() error {
	b.happens()
	return nil
}

// TestChangesMeanwhile lets the database change while it is read.
func TestChangesMeanwhile(t *testing.T) {
	root, want := rpmHost(t, "var/lib/rpm")
	file := filepath.Join(root, "var/lib/rpm/rpmdb.sqlite")
	for _, test := range []struct {
		changes int
		state   telemetry.State
	}{{0, complete}, {1, complete}, {2, complete}, {3, partial}} {
		now, asked := time.Now(), 0
		ctx := busy{t.Context(), func() {
			// Once an attempt: it asks for each package.
			attempt := asked / len(want)
			if asked%len(want) == 1 && attempt < test.changes {
				now = now.Add(time.Second)
				must(t, os.Chtimes(file, now, now))
			}
			asked++
		}}
		var names int
		coverage, err := packages.New().Collect(ctx, &sensor.Host{FS: open(t, root)}, func(r telemetry.Record) error {
			if telemetry.Kind(r) == telemetry.TypePackage {
				names++
			}
			return nil
		})
		must(t, err)
		if coverage.State != test.state || names != len(want) {
			t.Errorf("%d changes: %d packages of %d, %s: %s", test.changes, names, len(want), coverage.State, coverage.Reason)
		}
		if (coverage.State == partial) != strings.Contains(coverage.Reason, "changed") {
			t.Errorf("%d changes: reason %q", test.changes, coverage.Reason)
		}
	}
}

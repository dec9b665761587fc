package rpm_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"assay/internal/sensor/packages/rpm"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/telemetry"

	"github.com/google/go-cmp/cmp"
)

var shared struct {
	once  sync.Once
	dir   string
	ready bool
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// installed returns a folder with an rpmdb.sqlite of 101 packages and a key, of
// which the packages are built and installed once for all tests.
func installed(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "rpmtest")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		files := rpmtest.Build(t, dir, rpmtest.Spec(100))
		rpmtest.Install(t, filepath.Join(dir, "db"), files)
		shared.ready = true
	})
	if !shared.ready {
		t.Skip("the packages could not be built; another test says why")
	}
	dir := t.TempDir()
	copyFiles(t, filepath.Join(shared.dir, "db"), dir, "rpmdb.sqlite")
	return dir
}

func source(t *testing.T, path string) rpm.Source {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return rpm.Source{}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return rpm.Source{ReaderAt: f, Size: info.Size()}
}

func sqliteDatabase(t *testing.T, dir string) rpm.Database {
	t.Helper()
	return rpm.Database{
		Format: "sqlite",
		Main:   source(t, filepath.Join(dir, "rpmdb.sqlite")),
		Log:    source(t, filepath.Join(dir, "rpmdb.sqlite-wal")),
	}
}

// read returns the packages in the form of rpmtest.Query.
func read(t *testing.T, db rpm.Database) []string {
	t.Helper()
	var lines []string
	err := db.Packages(func(p *telemetry.Package, bad error) error {
		if bad != nil {
			return bad
		}
		lines = append(lines, rpmtest.Line(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func TestSQLiteAgainstRPM(t *testing.T) {
	dir := installed(t)
	want := rpmtest.Query(t, dir)
	if len(want) != 101 {
		t.Fatalf("rpm has %d packages", len(want))
	}
	if diff := cmp.Diff(want, read(t, sqliteDatabase(t, dir))); diff != "" {
		t.Error("rpm says -, we say +\n" + diff)
	}
}

package rpm_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor/packages/rpm"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/telemetry"

	"github.com/google/go-cmp/cmp"
)

func TestBDBAgainstRPM(t *testing.T) {
	dir := installed(t)
	blobs := rpmtest.Blobs(t, dir)
	for _, test := range []struct{ pageSize, order int }{{4096, 1234}, {4096, 4321}, {512, 1234}, {65536, 4321}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			dir := t.TempDir()
			rpmtest.WriteBDB(t, dir, blobs, test.pageSize, test.order)
			want := rpmtest.Query(t, dir, "--define", "_db_backend bdb_ro")
			if len(want) != 101 {
				t.Fatalf("rpm has %d packages", len(want))
			}
			db := rpm.Database{Format: "bdb", Main: source(t, filepath.Join(dir, "Packages"))}
			if diff := cmp.Diff(want, read(t, db)); diff != "" {
				t.Error("rpm says -, we say +\n" + diff)
			}
		})
	}
}

func TestNDB(t *testing.T) {
	dir := installed(t)
	want := rpmtest.Query(t, dir)
	blobs := rpmtest.NDB(rpmtest.Blobs(t, dir))
	db := rpm.Database{Format: "ndb", Main: rpm.Source{ReaderAt: bytes.NewReader(blobs), Size: int64(len(blobs))}}
	if diff := cmp.Diff(want, read(t, db)); diff != "" {
		t.Error("rpm says -, we say +\n" + diff)
	}

	at := bytes.Index(blobs, []byte("Example Vendor"))
	blobs[at] = 'e'
	bad := 0
	err := db.Packages(func(_ *telemetry.Package, why error) error {
		if why != nil {
			bad++
		}
		return nil
	})
	if err != nil || bad != 1 {
		t.Errorf("a changed byte: %d bad entries, error %v", bad, err)
	}
}

// hot returns a folder with a database whose log holds changes that are in no
// checkpoint: a transaction that is committed, and one that is not.
func hot(t *testing.T) string {
	t.Helper()
	dir := installed(t)
	blobs := rpmtest.Blobs(t, dir)
	db := rpmtest.OpenSQLite(t, filepath.Join(dir, "rpmdb.sqlite"))
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("PRAGMA journal_mode = WAL")
	exec("PRAGMA wal_autocheckpoint = 0")
	exec("PRAGMA cache_size = 10")
	exec("DELETE FROM Packages WHERE hnum % 3 = 0")
	again := 0
	for _, blob := range blobs {
		exec("INSERT INTO Packages (blob) VALUES (?)", blob)
		if again++; again == 20 {
			break
		}
	}
	exec("BEGIN")
	exec("DELETE FROM Packages WHERE hnum % 7 = 0") // spilled into the log, never committed
	copied := t.TempDir()
	copyFiles(t, dir, copied, "rpmdb.sqlite", "rpmdb.sqlite-wal")
	exec("ROLLBACK")
	return copied
}

func copyFiles(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(from, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHotLogAgainstRPM reads a database whose newest content is in the log, as it
// is and damaged in the ways in which a crash leaves it, and compares with rpm,
// which recovers its own copy.
func TestHotLogAgainstRPM(t *testing.T) {
	before := hot(t)
	wal, err := os.ReadFile(filepath.Join(before, "rpmdb.sqlite-wal"))
	if err != nil || len(wal) < 100<<10 {
		t.Fatalf("the log has %d bytes: %v", len(wal), err)
	}
	const frame = 24 + 4096
	if last := wal[len(wal)-frame:]; !bytes.Equal(last[4:8], make([]byte, 4)) {
		t.Fatal("the log ends in a commit; the open transaction was not spilled into it")
	}
	seen := map[string]bool{}
	for _, test := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"as it is", func(b []byte) []byte { return b }},
		{"empty", func(b []byte) []byte { return nil }},
		{"only a header", func(b []byte) []byte { return b[:32] }},
		{"header cut off", func(b []byte) []byte { return b[:20] }},
		{"last frame cut off", func(b []byte) []byte { return b[:len(b)-1000] }},
		{"half of it", func(b []byte) []byte { return b[:len(b)/2] }},
		{"a third of it", func(b []byte) []byte { return b[:32+len(b)/3/frame*frame] }},
		{"a byte in the middle", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"a byte at a third", func(b []byte) []byte { b[len(b)/3] ^= 1; return b }},
		{"the salt of the first frame", func(b []byte) []byte { b[32+8] ^= 1; return b }},
		{"the header's checksum", func(b []byte) []byte { b[25] ^= 1; return b }},
		{"the magic number", func(b []byte) []byte { b[0] ^= 1; return b }},
		{"rubbish after it", func(b []byte) []byte { return append(b, bytes.Repeat([]byte("x"), 3*frame)...) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours, theirs := t.TempDir(), t.TempDir()
			for _, dir := range []string{ours, theirs} {
				copyFiles(t, before, dir, "rpmdb.sqlite")
				if err := os.WriteFile(filepath.Join(dir, "rpmdb.sqlite-wal"), test.damage(slices.Clone(wal)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := read(t, sqliteDatabase(t, ours))
			want := rpmtest.Query(t, theirs)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error("rpm says -, we say +\n" + diff)
			}
			seen[strings.Join(got, "\n")] = true
		})
	}
	if len(seen) < 3 {
		t.Errorf("all damages led to only %d different results: the test doesn't test the log", len(seen))
	}
}

// TestNDBOfRPM reads a database that rpm's own code has written; see
// testdata/README.
func TestNDBOfRPM(t *testing.T) {
	f, err := os.Open("testdata/Packages.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/packages.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(want)
	db := rpm.Database{Format: "ndb", Main: rpm.Source{ReaderAt: bytes.NewReader(b), Size: int64(len(b))}}
	if diff := cmp.Diff(want, read(t, db)); diff != "" {
		t.Error("rpm says -, we say +\n" + diff)
	}
}

// TestFilesAgainstRPM compares the lists of files with rpm's.
func TestFilesAgainstRPM(t *testing.T) {
	dir := installed(t)
	want := strings.Fields(rpmtest.RPM(t, dir, "-qa", "--qf", `[%{=NAME}|%{FILENAMES}\n]`))
	var got []string
	err := sqliteDatabase(t, dir).Files(func([]byte) bool { return true }, func(name, path string) { got = append(got, name+"|"+path) })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 900 {
		t.Errorf("of %d files: rpm says -, we say +\n%s", len(want), diff)
	}
}

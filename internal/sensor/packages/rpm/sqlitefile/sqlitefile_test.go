package sqlitefile_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/sensor/packages/rpm/sqlitefile"
	"assay/internal/sensor/packages/rpmtest"

	"github.com/google/go-cmp/cmp"
)

// database makes a database with SQLite itself, and returns the file and its log
// as they are while it is open, and what SQLite says is in the table Packages.
func database(t testing.TB, pageSize int, statements ...string) (file, log []byte, want []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db := rpmtest.OpenSQLite(t, path)
	for _, s := range append([]string{
		fmt.Sprintf("PRAGMA page_size = %d", pageSize),
		"CREATE TABLE Other (x TEXT)",
		"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
		"CREATE INDEX i ON Other (x)",
	}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	want = query(t, db)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err = os.ReadFile(path + "-wal")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return file, log, want
}

func query(t testing.TB, db *sql.DB) (all []string) {
	t.Helper()
	rows, err := db.Query("SELECT hnum, blob FROM Packages ORDER BY hnum")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var blob []byte
		if err := rows.Scan(&id, &blob); err != nil {
			t.Fatal(err)
		}
		all = append(all, line(id, blob))
	}
	return all
}

func line(id int64, blob []byte) string { return fmt.Sprintf("%d %x", id, sha256.Sum256(blob)) }

func source(b []byte) sqlitefile.Source {
	return sqlitefile.Source{ReaderAt: bytes.NewReader(b), Size: int64(len(b))}
}

func read(file, log []byte) (all []string, err error) {
	f, err := sqlitefile.Open(source(file), source(log))
	if err != nil {
		return nil, err
	}
	root, err := f.Table("Packages")
	if err != nil {
		return nil, err
	}
	err = f.Rows(root, func(r *sqlitefile.Row) error {
		blob, size, err := r.Blob(1)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(blob)
		if err == nil && int64(len(b)) != size {
			return fmt.Errorf("%d bytes of %d", len(b), size)
		}
		all = append(all, line(r.ID, b))
		return err
	})
	return all, err
}

const fill = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < %d)
	INSERT INTO Packages (blob) SELECT randomblob((i * 7919) %% %d) FROM n`

func TestAgainstSQLite(t *testing.T) {
	for name, statements := range map[string][]string{
		"empty":      nil,
		"one":        {"INSERT INTO Packages VALUES (9223372036854775807, x'00ff')"},
		"negative":   {"INSERT INTO Packages VALUES (-5, x'01')"},
		"many":       {fmt.Sprintf(fill, 2000, 50)},
		"large":      {fmt.Sprintf(fill, 30, 70000)},
		"every size": {fmt.Sprintf(fill, 1100, 1200)},
		"deleted":    {fmt.Sprintf(fill, 400, 2000), "DELETE FROM Packages WHERE hnum % 3 != 1", fmt.Sprintf(fill, 20, 30000)},
		"log":        {"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", fmt.Sprintf(fill, 300, 3000), "DELETE FROM Packages WHERE hnum > 250"},
		"log of a smaller database": {fmt.Sprintf(fill, 300, 3000), "PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0",
			"DELETE FROM Packages WHERE hnum > 10", "VACUUM"},
		"log used again": {"PRAGMA journal_mode = WAL", fmt.Sprintf(fill, 300, 3000), "PRAGMA wal_checkpoint = RESTART",
			"DELETE FROM Packages WHERE hnum < 7"},
	} {
		for _, pageSize := range []int{512, 4096, 65536} {
			t.Run(fmt.Sprint(name, pageSize), func(t *testing.T) {
				file, log, want := database(t, pageSize, statements...)
				got, err := read(file, log)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error("SQLite says -, we say +\n" + diff)
				}
			})
		}
	}
}

func TestDamage(t *testing.T) {
	whole, _, _ := database(t, 512, fmt.Sprintf(fill, 200, 3000))
	interior, overflow := 0, 0
	for at := 512; at < len(whole); at += 512 {
		switch {
		case whole[at] == 5:
			interior = at
		case whole[at] == 0 && binary.BigEndian.Uint32(whole[at:]) != 0:
			overflow = at
		}
	}
	number := func(at int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(at/512+1)) }
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":              func(b []byte) []byte { return nil },
		"header cut off":     func(b []byte) []byte { return b[:99] },
		"first page cut off": func(b []byte) []byte { return b[:300] },
		"cut off":            func(b []byte) []byte { return b[:len(b)/2] },
		"magic":              func(b []byte) []byte { b[0]++; return b },
		"page size":          func(b []byte) []byte { b[17]++; return b },
		"reserved space":     func(b []byte) []byte { b[20] = 200; return b },
		"another format":     func(b []byte) []byte { b[19] = 3; return b },
		"no tables":          func(b []byte) []byte { b[100+3], b[100+4] = 0, 0; return b },
		"tree in a circle":   func(b []byte) []byte { copy(b[interior+8:], number(interior)); return b },
		"tree out of file":   func(b []byte) []byte { copy(b[interior+8:], "\xff\xff\xff\xff"); return b },
		"chain too short":    func(b []byte) []byte { copy(b[overflow:], "\x00\x00\x00\x00"); return b },
		"chain out of file":  func(b []byte) []byte { copy(b[overflow:], "\xff\xff\xff\xff"); return b },
		"page of an index":   func(b []byte) []byte { b[interior] = 2; return b },
		"too many cells":     func(b []byte) []byte { b[interior+3] = 255; return b },
	} {
		if got, err := read(damage(slices.Clone(whole)), nil); err == nil {
			t.Errorf("%s: %d rows and no error", name, len(got))
		}
	}
}

func FuzzRows(f *testing.F) {
	for _, statements := range [][]string{
		{fmt.Sprintf(fill, 40, 300)},
		{fmt.Sprintf(fill, 5, 5000)},
		{"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", fmt.Sprintf(fill, 20, 300)},
	} {
		file, log, _ := database(f, 512, statements...)
		f.Add(file, log)
	}
	f.Fuzz(func(t *testing.T, file, log []byte) { read(file, log) })
}

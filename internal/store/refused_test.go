package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/store"
)

// TestRefused opens what is no database, or not one for this program: the error
// says so, and no password.
func TestRefused(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := filepath.Join(folder, "whole.db")
	open(t, "sqlite:"+whole).Close()
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	newer := file("newer.db", good)
	db, err := sql.Open("sqlite", "file:"+newer)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO schema_version (version) VALUES (999)"); err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), good...)
	for i := 100; i < 4096; i++ {
		damaged[i] = 0xff
	}
	for name, c := range map[string]struct{ dsn, want string }{
		"newer":     {"sqlite:" + newer, "newer than"},
		"no SQLite": {"sqlite:" + file("text.db", []byte(strings.Repeat("not a database ", 100))), "is it a database of assay's"},
		"damaged":   {"sqlite:" + file("damaged.db", damaged), "is it a database of assay's"},
		"a folder":  {"sqlite:" + folder, "may this user write"},
		"nowhere":   {"sqlite:" + filepath.Join(folder, "none", "assay.db"), "may this user write"},
		"no path":   {"sqlite:", "lacks the path"},
		"no scheme": {"assay.db", `"sqlite:PATH"`},
		"no server": {"postgres://assay:secret@127.0.0.1:1/assay?connect_timeout=2", "connect to the database assay"},
		"no PG URL": {"postgres://assay:secret@[", "address is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), c.dsn)
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got error %q, want one with %q", err, c.want)
			}
		})
	}
}

// TestReadOnlyFolder opens a database in a folder that may not be written, as a
// user who is not root.
func TestReadOnlyFolder(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "assay.db")
	open(t, "sqlite:"+path).Close()
	if os.Geteuid() == 0 {
		readOnlyMount(t, folder) // root may write wherever anybody may
	} else {
		for _, p := range []string{path, folder} {
			if err := os.Chmod(p, 0o500); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { os.Chmod(folder, 0o700) })
	}
	s, err := store.Open(t.Context(), "sqlite:"+path)
	if err == nil {
		s.Close()
		t.Fatal("it was opened")
	}
	if !strings.Contains(err.Error(), "may this user write") {
		t.Errorf("got error %q", err)
	}
}

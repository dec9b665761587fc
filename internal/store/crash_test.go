package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
)

// writerEnv makes the test binary a process that writes to the store it names,
// until it is killed.
const writerEnv = "ASSAY_TEST_STORE_WRITER"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(writerEnv); dsn != "" {
		if err := writeForever(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForever adds two targets and a setting in each transaction, and says so
// after each commit.
func writeForever(dsn string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := s.Update(ctx, func(tx *store.Tx) error {
			for _, half := range []string{"a", "b"} {
				id := fmt.Sprintf("%06d%s", n, half)
				if err := tx.CreateTarget(ctx, inspector.Target{ID: id, Name: id}, inspector.Limits{Targets: 1 << 30}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// killed starts a writer, kills it after it has said so many lines, and returns
// the last commit that it told of.
func killed(t *testing.T, dsn string, after int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, lines := -1, 0
	for said := bufio.NewScanner(out); said.Scan(); lines++ {
		if last, err = strconv.Atoi(said.Text()); err != nil {
			t.Fatalf("the writer said %q", said.Text())
		}
		if lines == after {
			cmd.Process.Kill() // SIGKILL; what is in the pipe is still read
		}
	}
	cmd.Wait()
	if lines <= after {
		t.Fatalf("the writer ended by itself after %d commits", lines)
	}
	return last
}

// survives kills a writer and checks that every transaction is there as a whole,
// and that those it told of are there.
func survives(t *testing.T, dsn string) {
	for _, after := range []int{0, 3, 40} {
		last := killed(t, dsn, after)
		s := open(t, dsn)
		var ids []string
		page := inspector.Page{}
		for {
			targets, next, err := s.ListTargets(t.Context(), inspector.TargetFilter{}, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, target := range targets {
				ids = append(ids, target.ID)
			}
			if page.After = next; next == "" {
				break
			}
		}
		if len(ids)%2 != 0 || len(ids) < 2*(last+1) || len(ids) > 2*(last+2) {
			t.Fatalf("%d targets after commit %d was told of", len(ids), last)
		}
		for i, id := range ids {
			if want := fmt.Sprintf("%06d%c", i/2, 'a'+i%2); id != want {
				t.Fatalf("target %d is %s, want %s", i, id, want)
			}
		}
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for _, id := range ids {
				if err := tx.DeleteTarget(t.Context(), id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func TestKilledSQLite(t *testing.T) { survives(t, "sqlite:"+filepath.Join(t.TempDir(), "assay.db")) }

func TestKilledPostgres(t *testing.T) { survives(t, testpg.New(t)) }

// tables lists the tables of a database.
func tables(t *testing.T, driver, dsn, query string) (names []string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// TestKilledWhileMigrating kills processes at random moments while they open an
// empty database: it has all tables or none, and can be opened.
func TestKilledWhileMigrating(t *testing.T) {
	want := -1
	for n := range 12 {
		path := filepath.Join(t.TempDir(), "assay.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"=sqlite:"+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed as soon as so many bytes are in the write-ahead log, which is where
		// the migration goes.
		for {
			if log, err := os.Stat(path + "-wal"); err == nil && log.Size() >= int64(n)*16<<10 {
				break
			}
			if main, err := os.Stat(path); err == nil && main.Size() > 100<<10 {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		const query = "SELECT name FROM sqlite_master WHERE type = 'table'"
		if found := tables(t, "sqlite", "file:"+path, query); len(found) > 0 && len(found) < 10 {
			t.Errorf("half of a schema is there: %v", found)
		}
		s := open(t, "sqlite:"+path)
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
		found := len(tables(t, "sqlite", "file:"+path, query))
		if want == -1 {
			want = found
		}
		if found != want {
			t.Errorf("%d tables after the second start, want %d", found, want)
		}
	}
}

// TestOpenedAtOnce opens an empty database from several places at once.
func TestOpenedAtOnce(t *testing.T) {
	for name, dsn := range map[string]func(t *testing.T) string{
		"SQLite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "assay.db") },
		"Postgres": func(t *testing.T) string { return testpg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dsn := dsn(t)
			var values sync.Map
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					s, err := store.Open(t.Context(), dsn)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					value, err := s.SettingOnce(t.Context(), "who", []byte{byte(i)})
					if err != nil {
						t.Error(err)
					}
					values.Store(string(value), true)
				})
			}
			wg.Wait()
			n := 0
			values.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				t.Errorf("%d values were written once", n)
			}
		})
	}
}

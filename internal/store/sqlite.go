package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers is how many statements SQLite answers at once beside the writer.
const readers = 8

// openSQLite opens a database file with one connection that writes and a pool of
// connections that read.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	if path == "" {
		return nil, errors.New(`"sqlite:" lacks the path of the database file`)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make it readable by everybody who may enter the folder. Its logs
	// get the file's mode.
	if file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		file.Close()
	} // else SQLite tells why it cannot be opened
	s := &Store{path: path}
	// A committed transaction survives a loss of power (synchronous=FULL), what is
	// deleted is overwritten, and writers queue up instead of failing.
	s.write, err = sql.Open("sqlite", sqliteDSN(path, "immediate", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	s.read, err = sql.Open("sqlite", sqliteDSN(path, "deferred", "query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := patiently(ctx, s.check); err != nil {
		s.read.Close()
		s.write.Close()
		return nil, fmt.Errorf("open database %s: %w (is it a database of assay's, and may this user write to it and its folder?)", path, err)
	}
	return s, nil
}

// patiently tries again for a while what fails because the database is locked: a
// connection that switches to the write-ahead log while another one does is told
// so at once, whatever its busy_timeout.
func patiently(ctx context.Context, do func(context.Context) error) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := do(ctx)
		var known *sqlite.Error
		if !errors.As(err, &known) || known.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func sqliteDSN(path, lock string, pragmas ...string) string {
	values := url.Values{"_txlock": {lock}, "_pragma": append([]string{
		"busy_timeout(10000)", "foreign_keys(1)", "secure_delete(1)", "cache_size(-16000)", "temp_store(2)",
	}, pragmas...)}
	file := url.URL{Path: filepath.ToSlash(path)}
	return "file:" + file.EscapedPath() + "?" + values.Encode()
}

// check reads the schema and takes the write lock once, so that a file that is
// damaged or may not be written is refused at the start.
func (s *Store) check(ctx context.Context) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var tables int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	// Writing the header's user_version shows that the file can be written.
	_, err = tx.ExecContext(ctx, "PRAGMA user_version = 1")
	return err
}

// scrub moves the write-ahead log into the database and empties it, so that what
// was deleted is in no file any more. Readers can hold it up: then the next
// transaction tries again.
func (s *Store) scrub(ctx context.Context) error {
	if s.pg || !s.dirty.Load() {
		return nil
	}
	var busy, log, moved int
	row := s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := row.Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("what was deleted is still in the log of %s: %w", s.path, err)
	}
	if busy == 0 {
		s.dirty.Store(false)
	}
	return nil
}

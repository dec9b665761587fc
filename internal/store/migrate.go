package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the key of PostgreSQL's advisory lock: "assay" in ASCII.
const migrationLock = 0x6173736179

// migrate brings the schema up to date in one transaction: either all of it is
// there afterwards or nothing has changed.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	defer tx.Rollback()
	version, err := s.version(ctx, tx)
	if err != nil {
		return fmt.Errorf("read the version of the database's schema: %w", err)
	}
	if version > len(files) {
		return fmt.Errorf("the database has schema version %d, newer than the %d that this program knows: use the release that wrote it, or a later one", version, len(files))
	}
	for i := version; i < len(files); i++ {
		if err := s.apply(ctx, tx, files[i], i+1); err != nil {
			return fmt.Errorf("migrate the database to version %d: %w", i+1, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// version is the number of migrations that the database has had. It waits for
// another replica that is migrating.
func (s *Store) version(ctx context.Context, tx *sql.Tx) (version int, err error) {
	if s.pg {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return 0, err
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)"); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema_version").Scan(&version)
	return version, err
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, file string, version int) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.dialect(string(text))); err != nil {
		return err
	}
	if file == "migrations/0010_finding_index.sql" {
		if err := (&Tx{Reader: Reader{q: cleaned{tx}, pg: s.pg}, tx: tx}).indexExisting(ctx); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES ($1)", version)
	return err
}

// dialect puts a script into the words of the database. A line that starts with a
// database's name as a comment is a statement there.
func (s *Store) dialect(script string) string {
	if s.pg {
		return strings.ReplaceAll(script, "--postgres ", "")
	}
	// SQLite compares byte by byte anyway, and knows BLOB only.
	return strings.NewReplacer(` COLLATE "C"`, "", "BYTEA", "BLOB", "--sqlite ", "").Replace(script)
}

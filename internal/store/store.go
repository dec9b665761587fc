// Package store keeps the state of the service in SQL: settings, targets,
// templates, runs with what belongs to them, agents, tokens and access keys. It
// runs on SQLite (one machine, one data folder) and on PostgreSQL (many replicas)
// with one set of statements; storetest holds what both must do.
//
// Queries are methods of Reader, which Store and Tx embed. Writes are methods of
// Tx, inside Store.Update. Errors that a caller of the API is to be told are
// *inspector.Err; what agents may do wrong has errors of its own (see ErrClosed).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"assay/internal/inspector"
)

// Store is a database. It is safe for concurrent use.
type Store struct {
	Reader
	// Scope is put into the ARNs that errors carry. Set it before the store is
	// used; without it those ARNs are paths: "target/0-a/template/0-b/run/0-c".
	Scope inspector.Scope

	write *sql.DB
	read  *sql.DB
	path  string      // of the SQLite file
	dirty atomic.Bool // deleted secrets may still be in the write-ahead log
}

// Open opens "sqlite:PATH" or "postgres://..." and migrates the schema. Several
// replicas may open a PostgreSQL database at once: one migrates, the others wait.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s, err := connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.Reader.q = cleaned{s.read}
	// A process that was killed may have left in the log what it deleted.
	s.dirty.Store(!s.pg)
	if err := s.scrub(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func connect(ctx context.Context, dsn string) (*Store, error) {
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return openPostgres(ctx, dsn)
	}
	return nil, errors.New(`a database is named "sqlite:PATH" or "postgres://..."`)
}

// Close ends all connections.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	scrub := s.scrub(context.Background())
	return errors.Join(scrub, s.read.Close(), s.write.Close())
}

// DB is the connection pool for writing, for the job queue that shares the
// database. On SQLite it has a single connection: whoever holds it is the writer.
func (s *Store) DB() *sql.DB { return s.write }

// Postgres tells which database it is.
func (s *Store) Postgres() bool { return s.pg }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Reader has all queries. A Store's sees what is committed, each statement on its
// own; a Tx's sees its transaction. Lists are pages in a fixed order: pass the
// string that a page came with as the next Page.After; it is empty on the last.
// A limit that is not between 1 and 1000 means 1000.
type Reader struct {
	q  querier
	pg bool
}

// Tx is a write transaction. It is not safe for concurrent use and ends with the
// function that Update was given.
type Tx struct {
	Reader
	tx    *sql.Tx
	conn  *sql.Conn // that of tx
	scope inspector.Scope
	scrub bool // something was deleted that must not stay in the log
}

// SQL is the transaction itself, for jobs that are to be enqueued in it.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// Update runs fn in one write transaction and commits it if fn returns nil.
// Transactions have the effect of running one after the other. On PostgreSQL they
// run at once and fn runs again when it lost against another: it must not have
// effects outside of the transaction that hurt when repeated.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	if s.pg {
		return s.retry(ctx, func() error { return s.updateOnce(ctx, fn) })
	}
	return s.updateOnce(ctx, fn)
}

func (s *Store) updateOnce(ctx context.Context, fn func(*Tx) error) error {
	opts := &sql.TxOptions{}
	if s.pg {
		opts.Isolation = sql.LevelSerializable
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer conn.Close()
	begun, err := conn.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer begun.Rollback()
	tx := &Tx{Reader: Reader{q: cleaned{begun}, pg: s.pg}, tx: begun, conn: conn, scope: s.Scope}
	if err := fn(tx); err != nil {
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	conn.Close() // scrub needs it
	if tx.scrub && !s.pg {
		s.dirty.Store(true)
	}
	if s.dirty.Load() {
		return s.scrub(ctx)
	}
	return nil
}

func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connections is how many connections a replica keeps to PostgreSQL.
const connections = 32

func openPostgres(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// pgx leaves passwords out of this error.
		return nil, fmt.Errorf("the database's address is wrong: %w", err)
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("connect to the database %s on %s: %w", config.Database, config.Host, err)
	}
	return &Store{Reader: Reader{pg: true}, write: db, read: db}, nil
}

// attempts bounds how often a transaction is tried that loses against others.
const attempts = 100

// retry runs a transaction again when PostgreSQL says that it cannot be put in an
// order with those that ran at the same time.
func (s *Store) retry(ctx context.Context, try func() error) error {
	clashes := 0
	for n := range attempts {
		err := try()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return err
		}
		switch pg.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
		case "23505": // unique_violation: the other one's row is visible the next time
			if clashes++; clashes > 3 {
				return err
			}
		default:
			return err
		}
		pause := time.Duration(rand.Int64N(int64(min(n+1, 20)) * int64(5*time.Millisecond)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the database is busy: a transaction lost against others %d times", attempts)
}

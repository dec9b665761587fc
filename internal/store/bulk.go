package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// bulk adds many rows in the way that is fastest for the database: on SQLite with
// a statement that is prepared once, on PostgreSQL with COPY.
func (tx *Tx) bulk(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	each := tx.insertEach
	if tx.pg {
		each = tx.copyFrom
	}
	if err := each(ctx, table, columns, rows); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

func (tx *Tx) insertEach(ctx context.Context, table string, columns []string, rows [][]any) error {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	statement, err := tx.tx.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+marks+")")
	if err != nil {
		return err
	}
	defer statement.Close()
	// With a context that can end, the driver starts a goroutine for each row.
	endless := context.WithoutCancel(ctx)
	for _, row := range rows {
		if _, err := statement.ExecContext(endless, cleanAll(row)...); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (tx *Tx) copyFrom(ctx context.Context, table string, columns []string, rows [][]any) error {
	for _, row := range rows {
		cleanAll(row)
	}
	return tx.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("%T is no connection to PostgreSQL", driver)
		}
		_, err := conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

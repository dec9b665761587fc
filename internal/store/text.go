package store

import (
	"context"
	"database/sql"
	"strings"
)

// cleaned passes text to a database in a form that both take: PostgreSQL refuses
// NUL and what is not UTF-8, and with it the whole transaction, as often as it is
// tried. A name, an id or a filter with such bytes is therefore kept, and looked
// for, with U+FFFD in their place.
type cleaned struct{ querier }

func (c cleaned) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.querier.QueryContext(ctx, query, cleanAll(args)...)
}

func (c cleaned) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return c.querier.QueryRowContext(ctx, query, cleanAll(args)...)
}

func (c cleaned) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.querier.ExecContext(ctx, query, cleanAll(args)...)
}

// cleanAll cleans the values that are text, in place: they belong to the statement.
func cleanAll(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			if fit := clean(text); fit != text {
				args[i] = fit
			}
		}
	}
	return args
}

// clean makes text that both databases take of what came from elsewhere.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

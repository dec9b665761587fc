package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"assay/internal/inspector"
)

// maxPage is the longest page.
const maxPage = 1000

// query is a statement under construction: text with numbered placeholders, and
// their values. Values never become part of the text.
type query struct {
	text strings.Builder
	args []any
	pg   bool
}

// add appends text in which each "?" stands for the next value. No text of ours
// has a question mark of its own.
func (q *query) add(text string, values ...any) *query {
	for i, part := range strings.Split(text, "?") {
		if i > 0 {
			q.args = append(q.args, values[i-1])
			q.mark()
		}
		q.text.WriteString(part)
	}
	return q
}

// mark writes the placeholder of the last value. They follow one another in the
// text, which "?" says to SQLite: it keeps names such as "$1" in a list that it
// searches for each, and so takes seconds for a statement with 10,000 of them.
func (q *query) mark() {
	if !q.pg {
		q.text.WriteByte('?')
		return
	}
	q.text.WriteByte('$')
	q.text.WriteString(strconv.Itoa(len(q.args)))
}

func (r *Reader) query(text string, values ...any) *query {
	return (&query{pg: r.pg}).add(text, values...)
}

// in adds " AND column IN (...)", or nothing where there are no values.
func in[S ~string](q *query, column string, values []S) {
	if len(values) == 0 {
		return
	}
	q.add(" AND " + column)
	q.list(toAny(values))
}

// list adds " IN (...)".
func (q *query) list(values []any) *query {
	for i, v := range values {
		q.add([]string{" IN (?", ", ?"}[min(i, 1)], v)
	}
	if len(values) == 0 {
		return q.add(" IN (NULL)")
	}
	return q.add(")")
}

func toAny[S ~string](values []S) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// between adds the bounds of a range that is inclusive; 0 is open.
func (q *query) between(column string, low, high int64) {
	if low != 0 {
		q.add(" AND "+column+" >= ?", low)
	}
	if high != 0 {
		q.add(" AND "+column+" <= ?", high)
	}
}

// within adds a range of times. A bound leaves out what has no such time.
func (q *query) within(column string, r inspector.TimeRange) {
	if !r.Begin.IsZero() {
		q.add(" AND "+column+" >= ?", stamp(r.Begin))
	}
	if !r.End.IsZero() {
		q.add(" AND "+column+" <= ?", stamp(r.End))
	}
	if !r.Begin.IsZero() || !r.End.IsZero() {
		q.add(" AND " + column + " <> 0")
	}
}

// glob adds a pattern in which "*" stands for any characters.
func (q *query) glob(column, pattern string) {
	if pattern != "" {
		q.add(" AND ")
		q.matches(column, strings.Split(pattern, "*")...)
	}
}

// anyOf adds a condition that a JSON array of strings has one of the values.
func (q *query) anyOf(column string, values []string) {
	for i, v := range values {
		q.add([]string{" AND (", " OR "}[min(i, 1)])
		q.matches(column, "", toJSON(v), "")
	}
	if len(values) > 0 {
		q.add(")")
	}
}

// matches adds a condition that column is these literal parts with anything
// between them. Case counts.
func (q *query) matches(column string, parts ...string) {
	operator, escape, wild := " GLOB ?", strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]"), "*"
	if q.pg {
		operator, escape, wild = " LIKE ?", strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`), "%"
	}
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = escape.Replace(part)
	}
	q.add(column+operator, strings.Join(escaped, wild))
}

// rows runs the query and scans every row.
func rows[T any](ctx context.Context, r *Reader, q *query, scan func(scanner) (T, error)) ([]T, error) {
	found, err := r.q.QueryContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []T
	for found.Next() {
		item, err := scan(found)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, found.Err()
}

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

// one runs a query for a single row; ok tells whether there is one.
func one(ctx context.Context, r *Reader, q *query, into ...any) (ok bool, err error) {
	err = r.q.QueryRowContext(ctx, q.text.String(), q.args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// byKey runs a query and returns what it finds by key.
func byKey[T any](ctx context.Context, r *Reader, q *query, scan func(scanner) (T, error), key func(T) string) (map[string]T, error) {
	items, err := rows(ctx, r, q, scan)
	if err != nil {
		return nil, err
	}
	out := make(map[string]T, len(items))
	for _, item := range items {
		out[key(item)] = item
	}
	return out, nil
}

// limit is how many rows a page reads: one more than it returns, to know whether
// it is the last.
func limit(p inspector.Page) int {
	if p.Limit < 1 || p.Limit > maxPage {
		return maxPage + 1
	}
	return p.Limit + 1
}

// cut makes a page of limit(p) rows or fewer.
func cut[T any](items []T, p inspector.Page, key func(T) string) ([]T, string) {
	if n := limit(p) - 1; len(items) > n {
		return items[:n], key(items[n-1])
	}
	return items, ""
}

// cursor reads a number at the start of Page.After; the rest is what follows it
// after a slash.
func cursor(p inspector.Page) (number int64, rest string, err error) {
	if p.After == "" {
		return -1, "", nil
	}
	first, rest, _ := strings.Cut(p.After, "/")
	number, err = strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, "", badPage()
	}
	return number, rest, nil
}

func badPage() error {
	return inspector.Errorf(inspector.InvalidInput, "INVALID_PAGINATION_TOKEN", "the page to go on from is not one that was given out")
}

// insert adds rows in as few statements as the databases' limits on placeholders
// allow. Every row has the same number of values; suffix follows the values.
func (tx *Tx) insert(ctx context.Context, into string, rows [][]any, suffix string) error {
	for len(rows) > 0 {
		n := min(len(rows), 10_000/len(rows[0]))
		q := tx.query("INSERT INTO " + into + " VALUES ")
		for i, row := range rows[:n] {
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(row)), ", ")
			q.add([]string{"(", ", ("}[min(i, 1)]+marks+")", row...)
		}
		if _, err := tx.exec(ctx, q.text.String()+suffix, q.args...); err != nil {
			return fmt.Errorf("insert into %s: %w", strings.Fields(into)[0], err)
		}
		rows = rows[n:]
	}
	return nil
}

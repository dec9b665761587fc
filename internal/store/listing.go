package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"assay/internal/inspector"
)

// FindingRef names a finding.
type FindingRef struct{ Target, Template, Run, ID string }

// attributeHash is 63 bits of a cryptographic hash of a finding's attribute, which
// stand for it: among all attributes that a database will ever hold no two are
// expected to share them.
func attributeHash(a inspector.Attribute) int64 {
	sum := sha256.Sum256([]byte(toJSON(a)))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// place is where a finding stands in the lists: by run, then by id.
type place struct {
	run int64
	id  string
}

// ListFindings returns a page of findings of the runs whose evaluation is over, by
// run in the order of their creation, then by id.
//
// A page is read along the index of the filter that likely selects least, for each
// of its values, and stops when it is full; the other filters are checked on the
// rows that come.
func (r *Reader) ListFindings(ctx context.Context, f inspector.FindingFilter, p inspector.Page) ([]FindingRef, string, error) {
	after, id, err := cursor(p)
	if err != nil {
		return nil, "", err
	}
	runs, err := r.runsOf(ctx, f)
	if err != nil {
		return nil, "", err
	}
	if runs != nil && len(runs) == 0 {
		return nil, "", nil
	}
	begin, last, err := r.createdIn(ctx, f.Created, place{after, id})
	if err != nil {
		return nil, "", err
	}
	places, err := rows(ctx, r, r.findingQuery(f, runs, begin, last, limit(p)), func(row scanner) (at place, err error) {
		err = row.Scan(&at.run, &at.id)
		return at, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	places, next := cut(places, p, func(at place) string { return fmt.Sprintf("%d/%s", at.run, at.id) })
	refs, err := r.refs(ctx, places)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	return refs, next, nil
}

// runsOf returns the numbers of the runs that a filter is limited to; nil: all.
// User attributes are the template's and so the run's: every finding has them.
func (r *Reader) runsOf(ctx context.Context, f inspector.FindingFilter) ([]any, error) {
	if len(f.Runs) == 0 && len(f.UserAttributes) == 0 {
		return nil, nil
	}
	q := r.query("SELECT no FROM runs WHERE shown")
	in(q, "id", f.Runs)
	for _, a := range f.UserAttributes {
		q.add(" AND ")
		q.matches("attributes", "", toJSON(a), "")
	}
	numbers, err := rows(ctx, r, q.add(" ORDER BY no"), func(row scanner) (any, error) {
		var no int64
		err := row.Scan(&no)
		return no, err
	})
	if err != nil {
		return nil, fmt.Errorf("find the runs to list findings of: %w", err)
	}
	if numbers == nil {
		return []any{}, nil
	}
	return numbers, nil
}

// createdIn narrows the places after one to runs that went on in a range of time,
// which are close to one another in the order of the lists.
func (r *Reader) createdIn(ctx context.Context, t inspector.TimeRange, after place) (place, int64, error) {
	last := int64(math.MaxInt64)
	if !t.Begin.IsZero() {
		var first int64
		if _, err := one(ctx, r, r.query("SELECT coalesce(min(no), 0) FROM runs WHERE completed_at >= ?", stamp(t.Begin)), &first); err != nil {
			return after, 0, fmt.Errorf("find the runs of a range of time: %w", err)
		}
		if first > after.run {
			after = place{first, ""}
		}
	}
	if !t.End.IsZero() {
		if _, err := one(ctx, r, r.query("SELECT coalesce(max(no), 0) FROM runs WHERE created_at <= ?", stamp(t.End)), &last); err != nil {
			return after, 0, fmt.Errorf("find the runs of a range of time: %w", err)
		}
	}
	return after, last, nil
}

// refs completes places, which are in order, to references.
func (r *Reader) refs(ctx context.Context, places []place) ([]FindingRef, error) {
	var numbers []any
	for i, at := range places {
		if i == 0 || places[i-1].run != at.run {
			numbers = append(numbers, at.run)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	runs := map[int64]FindingRef{}
	_, err := rows(ctx, r, r.query("SELECT no, target, template, id FROM runs WHERE no").list(numbers), func(row scanner) (struct{}, error) {
		var no int64
		var ref FindingRef
		err := row.Scan(&no, &ref.Target, &ref.Template, &ref.Run)
		runs[no] = ref
		return struct{}{}, err
	})
	refs := make([]FindingRef, 0, len(places))
	for _, at := range places {
		if ref, ok := runs[at.run]; ok { // else the run was deleted meanwhile
			ref.ID = at.id
			refs = append(refs, ref)
		}
	}
	return refs, err
}

package store

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"assay/internal/inspector"
)

// FindingRef names a finding.
type FindingRef struct{ Target, Template, Run, ID string }

// place is where a finding stands in the lists: by run, then by its ordinal there.
type place struct {
	run     int64
	ordinal uint32
}

// ListFindings returns a page of findings of the runs whose evaluation is over, by
// run in the order of their creation, then by agent.
//
// Each run has an index that tells which of its findings have a property. A page is
// made of runs in order, some at once: the sets of all that the filter asks for are
// intersected, until the page is full. So a page costs a few small rows of each run
// at most, whatever the filters are.
func (r *Reader) ListFindings(ctx context.Context, f inspector.FindingFilter, p inspector.Page) ([]FindingRef, string, error) {
	run, text, err := cursor(p)
	if err != nil {
		return nil, "", err
	}
	after := place{run, math.MaxUint32}
	if text != "" {
		ordinal, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, "", badPage()
		}
		after.ordinal = uint32(ordinal)
	}
	places, err := r.findPlaces(ctx, f, after, limit(p))
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	places, next := cut(places, p, func(at place) string { return fmt.Sprintf("%d/%d", at.run, at.ordinal) })
	ids, err := r.idsAt(ctx, places)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	refs, err := r.refs(ctx, places, ids)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	return refs, next, nil
}

// A page looks at few runs first, then at more and more at once.
const (
	firstRuns = 4
	moreRuns  = 8
	mostRuns  = 2048
)

// findPlaces returns the first n places after one that a filter selects.
func (r *Reader) findPlaces(ctx context.Context, f inspector.FindingFilter, after place, n int) (found []place, err error) {
	conditions := terms(f)
	from := after.run
	for size := firstRuns; len(found) < n; size = min(size*moreRuns, mostRuns) {
		runs, err := r.candidates(ctx, f, from, size)
		if err != nil {
			return nil, err
		}
		more := len(runs) == size
		if more {
			from = runs[size-1].run + 1
		}
		for _, t := range conditions {
			if runs, err = r.narrow(ctx, runs, t); err != nil {
				return nil, err
			}
		}
		for _, c := range runs {
			if err := r.madeIn(ctx, c, f.Created); err != nil {
				return nil, err
			}
			if found = c.appendPlaces(found, after, n); len(found) == n {
				return found, nil
			}
		}
		if !more {
			break
		}
	}
	return found, nil
}

// candidate is a run in which findings are looked for.
type candidate struct {
	run             int64
	findings        uint32
	firstAt, lastAt int64
	set             *roaring.Bitmap // of ordinals; nil: all
}

// candidates returns the first n runs from a number on that a filter may select
// findings of.
func (r *Reader) candidates(ctx context.Context, f inspector.FindingFilter, from int64, n int) ([]*candidate, error) {
	q := r.query("SELECT run, findings, first_at, last_at FROM finding_indexes WHERE run >= ?", from)
	if len(f.Runs) > 0 {
		q.add(" AND run IN (SELECT no FROM runs WHERE id").list(toAny(f.Runs)).add(")")
	}
	q.between("last_at", stamp(f.Created.Begin), 0)
	q.between("first_at", 0, stamp(f.Created.End))
	return rows(ctx, r, q.add(" ORDER BY run LIMIT ?", n), func(row scanner) (*candidate, error) {
		c := new(candidate)
		return c, row.Scan(&c.run, &c.findings, &c.firstAt, &c.lastAt)
	})
}

// fewRuns is up to how many runs are named one by one.
const fewRuns = 64

// narrow returns the runs that have findings that a term selects, and of those no
// others. Runs are in order.
func (r *Reader) narrow(ctx context.Context, runs []*candidate, t term) (left []*candidate, err error) {
	if len(runs) == 0 {
		return nil, nil
	}
	sets := map[int64]*roaring.Bitmap{}
	q := r.query("SELECT run, data FROM finding_postings WHERE bucket").list(bucketsOf(t))
	if len(runs) <= fewRuns {
		numbers := make([]any, len(runs))
		for i, c := range runs {
			numbers[i] = c.run
		}
		q.add(" AND run").list(numbers)
	} else {
		q.add(" AND run BETWEEN ? AND ?", runs[0].run, runs[len(runs)-1].run)
	}
	_, err = rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var run int64
		var data page
		if err := row.Scan(&run, (*[]byte)(&data)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, unite(sets, run, data, t)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range runs {
		if set := sets[c.run]; set != nil && c.keep(set) {
			left = append(left, c)
		}
	}
	return left, nil
}

// unite adds the ordinals of a run that have one of a term's keys.
func unite(sets map[int64]*roaring.Bitmap, run int64, data page, t term) error {
	for _, k := range t {
		set, ok, err := data.find(k)
		if err != nil {
			return err
		}
		if ok && sets[run] == nil {
			sets[run] = set
		} else if ok {
			sets[run].Or(set)
		}
	}
	return nil
}

// keep leaves only these ordinals, and tells whether there are any.
func (c *candidate) keep(set *roaring.Bitmap) bool {
	if c.set == nil {
		c.set = set
	} else {
		c.set.And(set)
	}
	return !c.set.IsEmpty()
}

// madeIn leaves only what was made in a range of time.
func (r *Reader) madeIn(ctx context.Context, c *candidate, t inspector.TimeRange) error {
	begin, end := stamp(t.Begin), int64(math.MaxInt64)
	if !t.End.IsZero() {
		end = stamp(t.End)
	}
	if begin <= c.firstAt && c.lastAt <= end {
		return nil
	}
	set := roaring.New()
	var ordinal uint32
	q := r.query("SELECT times FROM finding_chunks WHERE run = ? ORDER BY chunk", c.run)
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var in decoder
		if err := row.Scan(&in.data); err != nil {
			return struct{}{}, err
		}
		for last := int64(0); len(in.data) > 0 && !in.damaged; ordinal++ {
			if last += in.varint(); begin <= last && last <= end {
				set.Add(ordinal)
			}
		}
		if in.damaged {
			return struct{}{}, errDamaged
		}
		return struct{}{}, nil
	})
	if err == nil {
		c.keep(set)
	}
	return err
}

// appendPlaces adds what was found after a place, until there are n places.
func (c *candidate) appendPlaces(found []place, after place, n int) []place {
	next := uint32(0)
	if c.run == after.run && after.ordinal == math.MaxUint32 {
		return found
	} else if c.run == after.run {
		next = after.ordinal + 1
	}
	if c.set == nil {
		for ; next < c.findings && len(found) < n; next++ {
			found = append(found, place{c.run, next})
		}
		return found
	}
	ordinals := c.set.Iterator()
	for ordinals.AdvanceIfNeeded(next); ordinals.HasNext() && len(found) < n; {
		found = append(found, place{c.run, ordinals.Next()})
	}
	return found
}

// idsAt returns the ids of the findings at places, which are in order. An id is
// empty where the run was deleted meanwhile.
func (r *Reader) idsAt(ctx context.Context, places []place) ([]string, error) {
	var numbers []any
	for i, at := range places {
		if chunk := chunkOf(at.run, at.ordinal); i == 0 || chunk != numbers[len(numbers)-1] {
			numbers = append(numbers, chunk)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	chunks := map[int64][]byte{}
	_, err := rows(ctx, r, r.query("SELECT chunk, ids FROM finding_chunks WHERE chunk").list(numbers), func(row scanner) (struct{}, error) {
		var chunk int64
		var ids []byte
		err := row.Scan(&chunk, &ids)
		chunks[chunk] = ids
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(places))
	var in decoder
	var read place // the next that in has
	for i, at := range places {
		chunk := chunkOf(at.run, at.ordinal)
		if i == 0 || chunk != chunkOf(read.run, read.ordinal-1) || at.run != read.run {
			in, read = decoder{data: chunks[chunk]}, place{at.run, at.ordinal - at.ordinal%chunkSize}
		}
		for len(in.data) > 0 && read.ordinal <= at.ordinal {
			id := in.take(in.uvarint())
			if read.ordinal == at.ordinal {
				ids[i] = string(id)
			}
			read.ordinal++
		}
	}
	return ids, nil
}

// refs completes places, which are in order and have these ids, to references.
func (r *Reader) refs(ctx context.Context, places []place, ids []string) ([]FindingRef, error) {
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
	for i, at := range places {
		if ref, ok := runs[at.run]; ok { // else the run was deleted meanwhile, as where an id is empty
			if ref.ID = ids[i]; ref.ID != "" {
				refs = append(refs, ref)
			}
		}
	}
	return refs, err
}

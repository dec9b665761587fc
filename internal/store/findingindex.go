package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"assay/internal/inspector"
)

// chunkSize is how many findings a chunk has, and runShift how many bits its number
// takes below the run's.
const (
	chunkSize = 512
	runShift  = 16
)

// runIndex is the index of a run under construction.
type runIndex struct {
	ids      []string
	times    []int64
	postings map[key][]uint32
}

func (x *runIndex) add(e entry) {
	for _, k := range e.keys {
		x.postings[k] = append(x.postings[k], uint32(len(x.ids)))
	}
	x.ids, x.times = append(x.ids, e.id), append(x.times, e.created)
}

// indexRun makes the index of a run of its parts, which are not needed any more
// then: nothing is added to a run that is over. The order of its findings is by
// agent, then by rules package, so that most postings are few intervals. It
// returns how many findings of each severity there are.
func (tx *Tx) indexRun(ctx context.Context, no int64) (map[inspector.Severity]int64, error) {
	x := runIndex{postings: map[key][]uint32{}}
	q := tx.query("SELECT data FROM finding_parts WHERE run = ? ORDER BY agent, package", no)
	_, err := rows(ctx, &tx.Reader, q, func(row scanner) (struct{}, error) {
		var data []byte
		if err := row.Scan(&data); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, readPart(data, x.add)
	})
	if err != nil {
		return nil, err
	}
	if err := tx.insertIndex(ctx, no, x); err != nil {
		return nil, err
	}
	_, err = tx.exec(ctx, "DELETE FROM finding_parts WHERE run = $1", no)
	return x.counts(), err
}

// counts tells how many findings there are of each severity.
func (x *runIndex) counts() map[inspector.Severity]int64 {
	counts := noCounts()
	for severity := range counts {
		counts[severity] = int64(len(x.postings[keyOf(bySeverity, string(severity))]))
	}
	return counts
}

func (tx *Tx) insertIndex(ctx context.Context, no int64, x runIndex) error {
	if len(x.ids) == 0 {
		return nil
	}
	if len(x.ids) > chunkSize<<runShift {
		return fmt.Errorf("the run has %d findings, more than an index can have", len(x.ids))
	}
	first, last := x.times[0], x.times[0]
	for _, t := range x.times {
		first, last = min(first, t), max(last, t)
	}
	err := tx.insert(ctx, "finding_indexes (run, findings, first_at, last_at)", [][]any{{no, int64(len(x.ids)), first, last}}, "")
	if err != nil {
		return err
	}
	if err := tx.insert(ctx, "finding_chunks (chunk, run, ids, times)", x.chunks(no), ""); err != nil {
		return err
	}
	return tx.insert(ctx, "finding_postings (bucket, run, data)", x.pages(no), "")
}

// chunks makes the rows of ids and times.
func (x runIndex) chunks(no int64) (out [][]any) {
	for at := 0; at < len(x.ids); at += chunkSize {
		var ids, times []byte
		var last int64
		for i := at; i < min(at+chunkSize, len(x.ids)); i++ {
			ids = appendText(ids, x.ids[i])
			times = binary.AppendVarint(times, x.times[i]-last)
			last = x.times[i]
		}
		out = append(out, []any{chunkOf(no, uint32(at)), no, ids, times})
	}
	return out
}

func chunkOf(run int64, ordinal uint32) int64 { return run<<runShift + int64(ordinal/chunkSize) }

// pages makes the rows of postings.
func (x runIndex) pages(no int64) (out [][]any) {
	buckets := map[int64]map[key][]byte{}
	for k, ordinals := range x.postings {
		b := bucketOf(k, len(x.ids))
		if buckets[b] == nil {
			buckets[b] = map[key][]byte{}
		}
		buckets[b][k] = writeSorted(ordinals)
	}
	for b, postings := range buckets {
		out = append(out, []any{b, no, []byte(writePage(postings))})
	}
	return out
}

// indexExisting makes what a database lacks whose findings were written before
// there were indexes.
func (tx *Tx) indexExisting(ctx context.Context) error {
	type run struct {
		no    int64
		id    string
		shown bool
	}
	q := tx.query("SELECT no, id, shown FROM runs WHERE no IN (SELECT run FROM findings) ORDER BY no")
	runs, err := rows(ctx, &tx.Reader, q, func(row scanner) (r run, err error) {
		err = row.Scan(&r.no, &r.id, &r.shown)
		return r, err
	})
	for _, r := range runs {
		if err == nil {
			err = tx.partExisting(ctx, r.no, r.id)
		}
		if err == nil && r.shown {
			_, err = tx.indexRun(ctx, r.no)
		}
		if err != nil {
			return fmt.Errorf("index the findings of run %s: %w", r.id, err)
		}
	}
	return err
}

// indexAnew makes the index of a run of its findings, whatever index there is.
func (tx *Tx) indexAnew(ctx context.Context, no int64, run string) error {
	for _, table := range []string{"finding_indexes", "finding_chunks", "finding_postings", "finding_parts"} {
		if _, err := tx.exec(ctx, "DELETE FROM "+table+" WHERE run = $1", no); err != nil {
			return err
		}
	}
	if err := tx.partExisting(ctx, no, run); err != nil {
		return err
	}
	_, err := tx.indexRun(ctx, no)
	return err
}

// partExisting makes the parts of a run of its findings.
func (tx *Tx) partExisting(ctx context.Context, no int64, run string) error {
	type owner struct {
		agent string
		pkg   inspector.PackageID
	}
	all, err := rows(ctx, &tx.Reader, tx.query(findingColumns, run), scanFinding)
	if err != nil {
		return err
	}
	parts := map[owner][]inspector.Finding{}
	for _, f := range all {
		o := owner{f.Agent, f.Package}
		parts[o] = append(parts[o], f)
	}
	for o, findings := range parts {
		if err := tx.insertPart(ctx, no, o.agent, o.pkg, findings); err != nil {
			return err
		}
	}
	return nil
}

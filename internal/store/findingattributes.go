package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"assay/internal/inspector"
)

// ChangeUserAttributes changes the user attributes of findings, each once, whose
// runs' evaluation is over; UpdatedAt of those that it changes becomes at. Those
// that cannot be changed are left alone and returned with the code of the API that
// says why.
func (tx *Tx) ChangeUserAttributes(ctx context.Context, refs []FindingRef, change inspector.AttributeChange, at time.Time) (map[FindingRef]string, error) {
	found, err := tx.FindingsAt(ctx, refs)
	if err != nil {
		return nil, err
	}
	failed, changed := map[FindingRef]string{}, map[string][]attributeEdit{}
	for _, ref := range refs {
		f, ok := found[ref]
		after := change.Of(f.UserAttributes)
		switch {
		case !ok:
			failed[ref] = "ITEM_DOES_NOT_EXIST"
		case slices.Equal(after, f.UserAttributes):
		case len(after) > inspector.MaxUserAttributes && len(after) > len(f.UserAttributes): // fewer is always possible
			failed[ref] = "LIMIT_EXCEEDED"
		default:
			edit := attributeEdit{id: f.ID, before: f.UserAttributes, after: after}
			f.UserAttributes, f.UpdatedAt = after, at
			edit.doc = packDoc(docOf(f))
			changed[ref.Run] = append(changed[ref.Run], edit)
		}
	}
	for run, edits := range changed {
		if err := tx.editAttributes(ctx, run, edits); err != nil {
			return nil, fmt.Errorf("change attributes of findings of run %s: %w", run, err)
		}
	}
	return failed, nil
}

// attributeEdit is what becomes of a finding's user attributes.
type attributeEdit struct {
	id            string
	before, after []inspector.Attribute
	doc           []byte
}

// editAttributes writes edits of findings of a run, and its index.
func (tx *Tx) editAttributes(ctx context.Context, run string, edits []attributeEdit) error {
	no, _, err := tx.number(ctx, run)
	if err != nil {
		return err
	}
	ordinals, err := tx.ordinals(ctx, no, edits)
	if err != nil {
		return err
	}
	var moves []posting
	for _, e := range edits {
		if _, err := tx.exec(ctx, "UPDATE findings SET doc = $1 WHERE run = $2 AND id = $3", e.doc, no, e.id); err != nil {
			return err
		}
		for _, a := range e.before {
			moves = append(moves, posting{attributeKey(byUserAttribute, a), ordinals[e.id], false})
		}
		for _, a := range e.after { // after those before: what is in both stays
			moves = append(moves, posting{attributeKey(byUserAttribute, a), ordinals[e.id], true})
		}
	}
	return tx.movePostings(ctx, no, moves)
}

// ordinals returns those of findings of a run, by id.
func (tx *Tx) ordinals(ctx context.Context, no int64, edits []attributeEdit) (map[string]uint32, error) {
	wanted, found := map[string]bool{}, map[string]uint32{}
	for _, e := range edits {
		wanted[e.id] = true
	}
	ordinal := uint32(0)
	_, err := rows(ctx, &tx.Reader, tx.query("SELECT ids FROM finding_chunks WHERE run = ? ORDER BY chunk", no), func(row scanner) (struct{}, error) {
		var in decoder
		if err := row.Scan(&in.data); err != nil {
			return struct{}{}, err
		}
		for ; len(in.data) > 0; ordinal++ {
			if id := in.text(); wanted[id] {
				found[id] = ordinal
			}
			if in.damaged {
				return struct{}{}, errDamaged
			}
		}
		return struct{}{}, nil
	})
	if err == nil && len(found) < len(wanted) {
		err = errDamaged
	}
	return found, err
}

// posting says that a finding has a property, or has it no more.
type posting struct {
	key     key
	ordinal uint32
	has     bool
}

// movePostings writes changes into the index of a run.
func (tx *Tx) movePostings(ctx context.Context, no int64, moves []posting) error {
	var findings int
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT findings FROM finding_indexes WHERE run = ?", no), &findings); err != nil {
		return err
	}
	byBucket := map[int64][]posting{}
	for _, m := range moves {
		b := bucketOf(m.key, findings)
		byBucket[b] = append(byBucket[b], m)
	}
	var changed [][]any
	for b, moves := range byBucket {
		var data page
		if _, err := one(ctx, &tx.Reader, tx.query("SELECT data FROM finding_postings WHERE bucket = ? AND run = ?", b, no), (*[]byte)(&data)); err != nil {
			return err
		}
		data, err := data.moved(moves)
		if err != nil {
			return err
		}
		changed = append(changed, []any{b, no, []byte(data)})
	}
	slices.SortFunc(changed, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	return tx.insert(ctx, "finding_postings (bucket, run, data)", changed, " ON CONFLICT (bucket, run) DO UPDATE SET data = excluded.data")
}

// moved is a page with changes; an empty one has no postings.
func (p page) moved(moves []posting) (page, error) {
	postings := map[key][]byte{}
	if len(p) > 0 {
		var err error
		if postings, err = p.postings(); err != nil {
			return nil, err
		}
	}
	for _, m := range moves {
		set := roaring.New()
		if data, ok := postings[m.key]; ok {
			var err error
			if set, err = readOrdinals(data); err != nil {
				return nil, err
			}
		}
		if m.has {
			set.Add(m.ordinal)
		} else {
			set.Remove(m.ordinal)
		}
		if delete(postings, m.key); !set.IsEmpty() {
			postings[m.key] = writeOrdinals(set)
		}
	}
	return writePage(postings), nil
}

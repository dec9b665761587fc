package feeds

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
)

//go:embed bundled/*.zst
var bundled embed.FS

// bundledPrefix begins the names of what comes with the program.
const bundledPrefix = "bundled-"

// bundle is a feed that comes with the program.
type bundle struct {
	Feed
	data []byte
	Contents
}

func bundles(ctx context.Context, now time.Time) ([]bundle, error) {
	all := []bundle{
		{Feed: Feed{Name: bundledPrefix + "debian", Kind: OSV, Ecosystem: "Debian", Address: "bundled/debian.osv.jsonl.zst"}},
		{Feed: Feed{Name: bundledPrefix + "kev", Kind: KEV, Address: "bundled/kev.csv.zst"}},
	}
	for i := range all {
		b := &all[i]
		var err error
		if b.data, err = bundled.ReadFile(b.Address); err == nil {
			b.Contents, err = b.examine(ctx, bytes.NewReader(b.data), int64(len(b.data)), now)
		}
		if err != nil {
			return nil, fmt.Errorf("what comes with the program, %s: %w", b.Name, err)
		}
	}
	return all, nil
}

// without is the bundle without what the entries cover; false if nothing is left. An
// ecosystem that two sources cover would have the older one's records beside the newer.
func (b bundle) without(entries []*Entry) (bundle, bool) {
	if b.Kind == KEV {
		return b, !slices.ContainsFunc(entries, func(e *Entry) bool { return e.Kind == KEV })
	}
	covered := func(ecosystem string) bool {
		return slices.ContainsFunc(entries, func(e *Entry) bool { return slices.Contains(e.Ecosystems, ecosystem) })
	}
	b.Ecosystems = slices.DeleteFunc(slices.Clone(b.Ecosystems), covered)
	return b, len(b.Ecosystems) > 0
}

// source is what a set says of it. It is as old as its newest record.
func (b *bundle) source() index.Source {
	sum := sha256.Sum256(b.data)
	s := source(&b.Feed, &Original{Contents: b.Contents, Fetched: b.Newest, From: "what comes with the program", SHA256: hex.EncodeToString(sum[:])})
	s.Bundled = true
	return s
}

// read hands on what is left of it.
func (b *bundle) read(ctx context.Context, emit advisory.Emit) error {
	inner := emit
	emit.Record = func(r advisory.Record) error {
		r.Affected = slices.DeleteFunc(r.Affected, func(a advisory.Affected) bool { return !slices.Contains(b.Ecosystems, a.Ecosystem) })
		if len(r.Affected) == 0 {
			return nil
		}
		return inner.Put(r)
	}
	return b.Feed.read(ctx, bytes.NewReader(b.data), int64(len(b.data)), emit)
}

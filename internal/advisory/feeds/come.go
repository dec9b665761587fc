package feeds

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"assay/internal/advisory/fetch"
)

// atOnce is how many feeds are fetched at a time. Publishers are many, and slow.
const atOnce = 4

// fetched is what came of a feed; nil: its original is current.
type fetched struct {
	original *Original
	err      error
}

// fetchAll begins to fetch feeds, some at a time, and delivers each when it is there. End
// stops what is still under way, and waits for it.
func (f *Folder) fetchAll(ctx context.Context, all []*Entry, o *Options) (came []chan fetched, end func()) {
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, e := range all {
		done := make(chan fetched, 1)
		came = append(came, done)
		was := *e // the entry itself changes when it is its turn
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			original, err := f.fetch(ctx, &was, f.original(was.Name+partSuffix), o)
			done <- fetched{original, err}
		})
	}
	return came, func() { stop(); group.Wait() }
}

// fetch brings a feed's file to part; nil if the entry's original is current.
func (f *Folder) fetch(ctx context.Context, e *Entry, part string, o *Options) (*Original, error) {
	if e.Address == "" {
		return nil, errors.New("it has no address: import it")
	}
	if !e.remote() {
		return f.copyFile(e.Address, part)
	}
	where, err := e.locate(ctx, o.Client)
	if err != nil {
		return nil, err
	}
	from := fetch.Redact(where.address)
	whole := f.whole(&e.Original)
	if whole && where.sha256 != "" && where.sha256 == e.SHA256 {
		return nil, nil
	}
	file := fetch.File{URL: where.address, Part: part, Max: e.Kind.maxBytes(), SHA256: where.sha256,
		Progress: func(done, total int64) {
			o.progress(Progress{Feed: e.Name, Step: Fetching, Done: done, Total: total})
		}}
	if whole && from == e.From && where.sha256 == "" { // with another hash, it is another file
		file.ETag, file.LastModified = e.ETag, e.LastModified
	}
	got, err := o.Client.Get(ctx, file)
	if err != nil || got.Unchanged {
		return nil, err
	}
	return &Original{Bytes: got.Size, SHA256: got.SHA256, Verified: where.sha256 != "", From: from, ETag: got.ETag, LastModified: got.LastModified}, nil
}

// copyFile is fetch for a feed that is a file on this machine.
func (f *Folder) copyFile(name, part string) (*Original, error) {
	from, _, err := openOriginal(name)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	fetch.Discard(part)
	if err := copyTo(part, from); err != nil {
		return nil, err
	}
	sum, size, err := hashFile(part)
	if err != nil {
		return nil, err
	}
	if absolute, err := filepath.Abs(name); err == nil {
		name = absolute
	}
	return &Original{Bytes: size, SHA256: sum, From: name}, nil
}

package feeds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"assay/internal/advisory/fetch"
	"assay/internal/advisory/index"
)

// Options say how an update or import is done.
type Options struct {
	Client *fetch.Client // for what is fetched
	Names  []string      // of the feeds; none: all that are fetched
	// Force takes over an edition that is older, or has far fewer records, than the one
	// that is there.
	Force bool
	Anew  bool           // build the set even if nothing has changed
	On    func(Progress) // may be nil
}

func (o *Options) progress(p Progress) {
	if o.On != nil {
		o.On(p)
	}
}

// Progress is how far something is.
type Progress struct {
	Feed        string // empty: the set
	Step        Step
	Done, Total int64 // bytes, or feeds of those that the set is built of; Total 0: not known
}

// Step is a part of the work.
type Step string

// The steps.
const (
	Fetching Step = "fetch"
	Reading  Step = "read"
	Building Step = "build"
)

// Result is what became of an update or import.
type Result struct {
	Feeds    []Outcome
	Manifest index.Manifest // of the set that is there now
	Built    bool           // it is a new one
}

// Outcome is what became of one feed.
type Outcome struct {
	Name  string
	New   bool  // there is a new original
	Error error // the old one, if there was one, is still in use
	Entry
}

// Failed are those of which there is no current copy.
func (r *Result) Failed() (failed []Outcome) {
	for _, o := range r.Feeds {
		if o.Error != nil {
			failed = append(failed, o)
		}
	}
	return failed
}

// ErrNoFeeds is the error of an update of nothing.
var ErrNoFeeds = errors.New("no feed is followed: assay feeds list shows what there is, assay feeds add NAME... follows some")

// Update fetches feeds and builds the set of all anew, if any has changed. What fails
// of a feed is in its outcome, and leaves its old original in use; the error is of
// whatever concerns all of them.
func (f *Folder) Update(ctx context.Context, o Options) (result Result, err error) {
	err = f.change(func(s *state) error {
		all, err := s.pick(o.Names)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(e *Entry) bool { return !e.Update })
		if len(all) == 0 && !o.Anew {
			return ErrNoFeeds
		}
		for _, e := range all {
			outcome := Outcome{Name: e.Name}
			outcome.New, outcome.Error = f.refresh(ctx, s, e, &o)
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted at %s, the advisories that are there are used: %w", e.Name, ctx.Err())
			}
			e.Checked, e.Error = f.now().UTC(), ""
			if outcome.Error != nil {
				e.Error = outcome.Error.Error()
			}
			if err := s.write(f.dir); err != nil {
				return err
			}
			outcome.Entry = *e
			result.Feeds = append(result.Feeds, outcome)
		}
		done, err := f.settle(ctx, s, true, o.Anew, &o)
		result.Manifest, result.Built = done.manifest, done.built
		return err
	})
	return result, err
}

// refresh fetches a feed, and takes over what came if it is new and good.
func (f *Folder) refresh(ctx context.Context, s *state, e *Entry, o *Options) (taken bool, err error) {
	part := f.original(e.Name + partSuffix)
	came, err := f.fetch(ctx, e, part, o)
	if err != nil {
		return false, fmt.Errorf("%s: %w", e.Name, err)
	}
	now := f.now().UTC()
	if came == nil || came.SHA256 == e.SHA256 && f.whole(&e.Original) {
		if came != nil {
			e.ETag, e.LastModified, e.From, e.Verified = came.ETag, came.LastModified, came.From, came.Verified
			fetch.Discard(part)
		}
		e.Fetched = now
		return false, nil
	}
	came.Fetched, came.Taken = now, now
	if err := f.accept(ctx, s, e, part, *came, o); err != nil {
		return false, fmt.Errorf("%s: what came from %s is not used: %w", e.Name, came.From, err)
	}
	fetch.Discard(part) // what is beside it
	return true, nil
}

// accept examines a file and makes it an entry's original. If it is no good, it is removed.
func (f *Folder) accept(ctx context.Context, s *state, e *Entry, name string, o Original, how *Options) error {
	how.progress(Progress{Feed: e.Name, Step: Reading, Total: o.Bytes})
	contents, err := f.examineFile(ctx, &e.Feed, name)
	if err == nil && !how.Force {
		err = plausible(&e.Contents, &contents)
	}
	if err != nil {
		if ctx.Err() == nil {
			fetch.Discard(name)
		}
		return err
	}
	o.Contents = contents
	return f.takeOver(s, e, name, o)
}

func (f *Folder) examineFile(ctx context.Context, feed *Feed, name string) (Contents, error) {
	file, size, err := openOriginal(name)
	if err != nil {
		return Contents{}, err
	}
	contents, err := feed.examine(ctx, file, size, f.now())
	return contents, errors.Join(err, file.Close())
}

// setback is how much older than the one before an edition's newest record may be:
// records that were withdrawn altogether make it a little.
const setback = 3 * 24 * time.Hour

// plausible says why an edition should not follow the one that is there. Publishers
// and mirrors have delivered truncated and old ones; whoever wants them has to say so.
func plausible(old, next *Contents) error {
	if total := old.Total(); next.Total() < total/2 {
		return fmt.Errorf("it has %d records, and the edition that is here has %d; -force takes it over nevertheless", next.Total(), total)
	}
	if next.Newest.Before(old.Newest.Add(-setback)) {
		return fmt.Errorf("its newest record is of %s, and that of the edition that is here of %s; -force takes it over nevertheless",
			next.Newest.Format(time.DateOnly), old.Newest.Format(time.DateOnly))
	}
	if len(old.Ecosystems) > 0 && len(next.Ecosystems) == 0 {
		return fmt.Errorf("it has nothing about %s any more; -force takes it over nevertheless", old.Ecosystems[0])
	}
	return nil
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
	if whole && from == e.From {
		file.ETag, file.LastModified = e.ETag, e.LastModified
	}
	got, err := o.Client.Get(ctx, file)
	if err != nil || got.Unchanged {
		return nil, err
	}
	return &Original{Bytes: got.Size, SHA256: got.SHA256, Verified: where.sha256 != "", From: from, ETag: got.ETag, LastModified: got.LastModified}, nil
}

// copyFile is fetch for a feed that is a file on this machine.
func (f *Folder) copyFile(name, part string) (_ *Original, err error) {
	from, _, err := openOriginal(name)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	fetch.Discard(part)
	to, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
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

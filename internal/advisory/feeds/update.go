package feeds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	On    func(Progress) // one call at a time; may be nil
}

func (o *Options) progress(p Progress) {
	if o.On != nil {
		o.On(p)
	}
}

// serialize lets one goroutine at a time tell its progress.
func (o *Options) serialize() {
	if on := o.On; on != nil {
		var mu sync.Mutex
		o.On = func(p Progress) {
			mu.Lock()
			defer mu.Unlock()
			on(p)
		}
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
	o.serialize()
	err = f.change(func(s *state) error {
		all, err := s.pick(o.Names)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(e *Entry) bool { return !e.Update })
		if len(all) == 0 && !o.Anew {
			return ErrNoFeeds
		}
		if result.Feeds, err = f.refreshAll(ctx, s, all, &o); err != nil {
			return err
		}
		done, err := f.settle(ctx, s, true, o.Anew, &o)
		result.Manifest, result.Built = done.manifest, done.built
		return err
	})
	return result, err
}

// refreshAll brings entries up to date, one after the other while others are fetched.
func (f *Folder) refreshAll(ctx context.Context, s *state, all []*Entry, o *Options) (outcomes []Outcome, err error) {
	came, end := f.fetchAll(ctx, all, o)
	defer end()
	for i, e := range all {
		outcome := Outcome{Name: e.Name}
		outcome.New, outcome.Error = f.refresh(ctx, s, e, <-came[i], o)
		if ctx.Err() != nil {
			return outcomes, fmt.Errorf("interrupted at %s, the advisories that are there are used: %w", e.Name, ctx.Err())
		}
		e.Checked, e.Error = f.now().UTC(), ""
		if outcome.Error != nil {
			e.Error = outcome.Error.Error()
		}
		if err := s.write(f.dir); err != nil {
			return outcomes, err
		}
		outcome.Entry = *e
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// refresh takes over what came of a feed, if it is new and good.
func (f *Folder) refresh(ctx context.Context, s *state, e *Entry, got fetched, o *Options) (taken bool, err error) {
	if got.err != nil {
		return false, fmt.Errorf("%s: %w", e.Name, got.err)
	}
	part, came := f.original(e.Name+partSuffix), got.original
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
	contents, err := f.examineNext(ctx, e, name, how)
	if err != nil {
		if ctx.Err() == nil {
			fetch.Discard(name)
		}
		return err
	}
	o.Contents = contents
	return f.takeOver(s, e, name, o)
}

// examineNext examines a file that is to follow an entry's original.
func (f *Folder) examineNext(ctx context.Context, e *Entry, name string, how *Options) (Contents, error) {
	file, size, err := openOriginal(name)
	if err != nil {
		return Contents{}, err
	}
	contents, err := e.examine(ctx, file, size, f.now())
	if err == nil && !how.Force {
		err = plausible(&e.Contents, &contents)
	}
	return contents, errors.Join(err, file.Close())
}

// setback is how much older than the one before an edition's newest record may be:
// records that were withdrawn altogether make it a little.
const setback = 3 * 24 * time.Hour

// few are so few records of an ecosystem that half of them may go.
const few = 40

// plausible says why an edition should not follow the one that is there. Publishers
// and mirrors have delivered truncated and old ones; whoever wants them has to say so.
func plausible(old, next *Contents) error {
	if good := old.good(); next.good() < good/2 {
		return fmt.Errorf("it has %d records that are not withdrawn, and the edition that is here has %d; -force takes it over nevertheless", next.good(), good)
	}
	for _, e := range old.Ecosystems {
		// One that is gone altogether has reached its end, and its hosts are told so.
		if had, has := old.Each[e], next.Each[e]; had >= few && has > 0 && has < had/2 {
			return fmt.Errorf("it has %d records about %s, and the edition that is here has %d; -force takes it over nevertheless", has, e, had)
		}
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

package feeds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
)

// plan is what a set is to be made of.
type plan struct {
	entries []*Entry // that have an original
	bundles []bundle
	sources []index.Source
}

func (f *Folder) plan(ctx context.Context, s *state) (*plan, error) {
	p := &plan{entries: slices.DeleteFunc(s.sorted(), func(e *Entry) bool { return e.File == "" })}
	var all []bundle
	if !f.bare {
		var err error
		if all, err = bundles(ctx, f.now()); err != nil {
			return nil, err
		}
	}
	for _, b := range all {
		if b, ok := b.without(p.entries); ok {
			p.bundles = append(p.bundles, b)
			p.sources = append(p.sources, b.source())
		}
	}
	for _, e := range p.entries {
		p.sources = append(p.sources, source(&e.Feed, &e.Original))
	}
	return p, nil
}

func source(f *Feed, o *Original) index.Source {
	return index.Source{Name: f.Name, From: o.From, Fetched: o.Fetched, Newest: o.Newest, SHA256: o.SHA256, Edition: o.Edition,
		Records: o.Total(), Kind: string(f.Kind), Ecosystems: o.Ecosystems, Unfixed: f.Unfixed}
}

// settled is what became of the set.
type settled struct {
	manifest index.Manifest
	built    bool // anew
}

// settle makes the set one of what the state has: it builds it, or, if it is so already,
// brings up to date when its sources were last known to be current. Thorough also looks
// for damage in it.
func (f *Folder) settle(ctx context.Context, s *state, thorough, anew bool, o *Options) (settled, error) {
	p, err := f.plan(ctx, s)
	if err != nil {
		return settled{}, err
	}
	manifest, err := f.current(thorough)
	if err != nil && !errors.Is(err, index.ErrNoIndex) && !errors.Is(err, index.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
		return settled{}, err
	}
	switch {
	case anew || err != nil || !slices.EqualFunc(manifest.Sources, p.sources, sameContent):
		manifest, err = f.build(ctx, p, o)
		return settled{manifest, true}, err
	case !slices.EqualFunc(manifest.Sources, p.sources, sameTimes):
		manifest.Sources = p.sources
		return settled{manifest: manifest}, index.Restate(f.dir, p.sources)
	}
	return settled{manifest: manifest}, nil
}

// current is the manifest of the set that is there.
func (f *Folder) current(thorough bool) (index.Manifest, error) {
	set, err := index.Open(f.dir)
	if err != nil {
		return index.Manifest{}, err
	}
	manifest := *set.Manifest()
	if thorough {
		err = set.Verify()
	}
	return manifest, errors.Join(err, set.Close())
}

func sameContent(a, b index.Source) bool {
	return a.Name == b.Name && a.SHA256 == b.SHA256 && a.Kind == b.Kind && a.Unfixed == b.Unfixed && a.Bundled == b.Bundled &&
		slices.Equal(a.Ecosystems, b.Ecosystems)
}

func sameTimes(a, b index.Source) bool {
	return a.Fetched.Equal(b.Fetched) && a.Newest.Equal(b.Newest) && a.From == b.From && a.Edition == b.Edition
}

// build makes a set of all originals. The old one stays until the new one is whole.
func (f *Folder) build(ctx context.Context, p *plan, o *Options) (_ index.Manifest, err error) {
	b, err := index.New(f.dir, 0)
	if err != nil {
		return index.Manifest{}, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	read := 0
	emit := advisory.Emit{Record: b.Record, Fact: b.Fact, Statement: b.Statement}
	for i := range p.bundles {
		if err := p.bundles[i].read(ctx, emit); err != nil {
			return index.Manifest{}, fmt.Errorf("build of %s: %w", p.bundles[i].Name, err)
		}
	}
	for _, e := range p.entries {
		o.progress(Progress{Feed: e.Name, Step: Building, Done: int64(read), Total: int64(len(p.entries))})
		if err := f.feed(ctx, e, emit); err != nil {
			return index.Manifest{}, fmt.Errorf("build of %s: %w", e.Name, err)
		}
		read++
	}
	o.progress(Progress{Step: Building, Done: int64(read), Total: int64(len(p.entries))})
	return b.Finish(ctx, f.now(), p.sources)
}

// feed reads an entry's original, which has to be as it was.
func (f *Folder) feed(ctx context.Context, e *Entry, emit advisory.Emit) error {
	if !f.whole(&e.Original) {
		return fmt.Errorf("its original, %s, is missing or was changed: update it, import it again or remove it; until then the advisories that are there are used", e.File)
	}
	file, size, err := openOriginal(f.original(e.File))
	if err != nil {
		return err
	}
	return errors.Join(e.read(ctx, file, size, emit), file.Close())
}

// Ensure builds the set where there is none that can be opened, or what comes with the
// program has changed.
func (f *Folder) Ensure(ctx context.Context) error {
	return f.change(func(s *state) error {
		_, err := f.settle(ctx, s, false, false, &Options{})
		return err
	})
}

// Remove gives feeds up, with their originals; the set is built without them.
func (f *Folder) Remove(ctx context.Context, names ...string) error {
	return f.change(func(s *state) error {
		if len(names) == 0 {
			return errors.New("name the feeds to remove")
		}
		if _, err := s.pick(names); err != nil {
			return err
		}
		for _, name := range names {
			delete(s.Feeds, name)
		}
		if err := s.write(f.dir); err != nil {
			return err
		}
		if _, err := f.settle(ctx, s, false, false, &Options{}); err != nil {
			return err
		}
		return s.clean(f.originals())
	})
}

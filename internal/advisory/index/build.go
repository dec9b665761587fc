package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"assay/internal/advisory"
	"assay/internal/durable"
)

// Builder makes a set of advisories and facts, in any order. Memory: what New is
// given, 16 bytes for each advisory and 24 for each name of the largest ecosystem, and
// the bounds of up to 65,536 ranges of one name, some megabytes. The same records and
// facts make the same files. Not for concurrent use.
type Builder struct {
	dir, temp string
	lock      *durable.Lock
	sorter    *sorter
	encoder   encoder
	withdrawn int

	statements *statementWriter // nil: none yet
}

// DefaultMemory is what a Builder sorts in if New is given 0.
const DefaultMemory = 16 << 20

const tempPrefix = ".build-"

// New begins a set that Finish will put into a folder in place of the one there.
// Until then nothing changes. One process builds in a folder at a time: the error has
// durable.ErrLocked. What a process that was killed left behind is removed.
func New(dir string, memory int) (*Builder, error) {
	if memory == 0 {
		memory = DefaultMemory
	}
	if memory < 1<<10 || memory > math.MaxInt32 {
		return nil, fmt.Errorf("an index cannot be built with %d bytes of memory", memory)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := durable.TryLock(dir)
	if err != nil {
		return nil, err
	}
	temp, err := tempFolder(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Builder{dir: dir, temp: temp, lock: lock, sorter: newSorter(temp, memory)}, nil
}

func tempFolder(dir string) (string, error) {
	old, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(dir, tempPrefix)
}

// Close lets go of the folder, and of what was not finished.
func (b *Builder) Close() error {
	var err error
	if b.statements != nil {
		err = b.statements.f.Close()
	}
	return errors.Join(err, os.RemoveAll(b.temp), b.lock.Unlock())
}

// Record takes an advisory. One that was withdrawn is counted, and left out. The
// error says what is wrong with the record, or that the disk fails; after the former
// the Builder is as it was, but for packages of the record that came before.
func (b *Builder) Record(r advisory.Record) error {
	if err := checkRecord(&r); err != nil {
		return err
	}
	if !r.Withdrawn.IsZero() {
		b.withdrawn++
		return nil
	}
	return b.encoder.record(&r, func(i item) error { return b.add(r.ID, i) })
}

func (b *Builder) add(id string, i item) error {
	if err := checkSize(id, i, b.sorter.budget); err != nil {
		return err
	}
	if err := b.sorter.add(i); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return nil
}

// Fact takes what is known of a vulnerability. Of several facts about one, the
// longest texts, all vectors and references, the higher EPSS and the first entry of
// the catalogue count.
func (b *Builder) Fact(f advisory.Fact) error {
	if err := checkFact(&f); err != nil {
		return err
	}
	return b.add(f.ID, b.encoder.fact(&f))
}

// Statement takes what a supplier stated. Unlike records, statements keep their
// order, which decides between two of the same time.
func (b *Builder) Statement(s advisory.Statement) (err error) {
	if b.statements == nil {
		if b.statements, err = newStatementWriter(b.temp); err != nil {
			return err
		}
	}
	return b.statements.add(s)
}

// Finish writes the files and, last, the manifest, which has the time, sources and
// whatever else the caller gave it. If it fails, the old set remains.
func (b *Builder) Finish(ctx context.Context, built time.Time, sources []Source) (Manifest, error) {
	m := Manifest{Built: built.UTC(), Sources: sources, Withdrawn: b.withdrawn, Files: []File{}}
	if err := b.writeFiles(ctx, &m); err != nil {
		return Manifest{}, fmt.Errorf("build the index of advisories: %w", err)
	}
	if b.statements != nil {
		f, err := b.statements.finish(b.dir)
		if err != nil {
			return Manifest{}, fmt.Errorf("write the statements of suppliers: %w", err)
		}
		m.Statements = f
	}
	if err := m.write(b.dir); err != nil {
		return Manifest{}, fmt.Errorf("build the index of advisories: %w", err)
	}
	return m, m.removeOthers(b.dir)
}

func (b *Builder) writeFiles(ctx context.Context, m *Manifest) error {
	w, err := newTableWriter(b.temp)
	if err != nil {
		return err
	}
	e := &ecosystemWriter{w: w, dir: b.dir, manifest: m}
	err = e.writeAll(ctx, b)
	return errors.Join(err, w.close())
}

package feeds

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
	"assay/internal/advisory/index"
)

// read reads an original: one file, or an archive of them.
func (f *Feed) read(ctx context.Context, from io.ReaderAt, size int64, emit advisory.Emit) error {
	emit = f.only(emit)
	form, err := formOf(ctx, from, size)
	if err != nil {
		return err
	}
	in := io.NewSectionReader(from, 0, size)
	switch form {
	case zipForm:
		return feed.Zip(ctx, from, size, f.reader(), emit)
	case tarForm:
		return feed.Tar(ctx, in, f.reader(), emit)
	}
	return f.reader()(ctx, bufio.NewReaderSize(in, 1<<20), emit)
}

// only leaves out the rows of other ecosystems than an OSV feed's own.
func (f *Feed) only(emit advisory.Emit) advisory.Emit {
	if f.Kind != OSV || f.Ecosystem == "" {
		return emit
	}
	inner := emit
	emit.Record = func(r advisory.Record) error {
		r.Affected = slices.DeleteFunc(r.Affected, func(a advisory.Affected) bool { return family(a.Ecosystem) != f.Ecosystem })
		if len(r.Affected) == 0 {
			inner.Skipped(r.ID, "", "nothing about "+f.Ecosystem)
			return nil
		}
		return inner.Put(r)
	}
	return emit
}

// family is an ecosystem without its release: "Debian".
func family(ecosystem string) string {
	name, _, _ := strings.Cut(ecosystem, ":")
	return name
}

// form is how the files of a feed are packed.
type form int

const (
	plainForm form = iota
	zipForm
	tarForm
)

// formOf tells by the first bytes.
func formOf(ctx context.Context, from io.ReaderAt, size int64) (form, error) {
	head := make([]byte, 4)
	if n, err := from.ReadAt(head, 0); n < len(head) && err != nil && err != io.EOF {
		return plainForm, err
	}
	if string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06" {
		return zipForm, nil
	}
	plain, free, err := feed.Stream(ctx, io.NewSectionReader(from, 0, size))
	if err != nil {
		return plainForm, err
	}
	defer free()
	block := make([]byte, 512)
	n, err := io.ReadFull(plain, block)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return plainForm, err
	}
	if n == len(block) && string(block[257:262]) == "ustar" {
		return tarForm, nil
	}
	return plainForm, nil
}

// examination reads a feed to see whether it can be used, and what it has.
type examination struct {
	Contents
	checker index.Checker
	latest  time.Time // dates after this are mistakes, and would hide that a feed grows old
}

// examine reads an original as a whole, and keeps nothing of it.
func (f *Feed) examine(ctx context.Context, from io.ReaderAt, size int64, now time.Time) (Contents, error) {
	x := examination{latest: now.Add(24 * time.Hour)}
	x.Skipped, x.Each = map[string]int{}, map[string]int{}
	err := f.read(ctx, from, size, advisory.Emit{Record: x.record, Fact: x.fact, Statement: x.statement,
		Skip: func(s advisory.Skip) { x.Skipped[s.Why]++ }, Edition: x.edition})
	if err != nil {
		return Contents{}, fmt.Errorf("the file cannot be read as a feed of the kind %q: %w", f.Kind, err)
	}
	if x.Total() == 0 {
		return Contents{}, fmt.Errorf("the file has nothing in it that is of use%s", f.of())
	}
	if x.Statements > index.MaxStatements {
		return Contents{}, fmt.Errorf("the file has %d statements, more than %d", x.Statements, index.MaxStatements)
	}
	x.Ecosystems = slices.Sorted(maps.Keys(x.Each))
	return x.Contents, nil
}

func (f *Feed) of() string {
	if f.Ecosystem == "" {
		return ""
	}
	return " for " + f.Ecosystem
}

func (x *examination) record(r advisory.Record) error {
	if err := x.checker.Record(&r); err != nil {
		return err
	}
	x.Records++
	x.date(r.Published)
	x.date(r.Modified)
	if !r.Withdrawn.IsZero() {
		x.Withdrawn++
		return nil
	}
	for i := range r.Affected {
		// Most records have the packages of an ecosystem one after the other.
		if e := r.Affected[i].Ecosystem; i == 0 || e != r.Affected[i-1].Ecosystem {
			x.Each[e]++
		}
	}
	return nil
}

func (x *examination) fact(f advisory.Fact) error {
	x.Facts++
	if f.Exploited != nil {
		x.date(f.Exploited.Added)
	}
	return x.checker.Fact(&f)
}

func (x *examination) statement(s advisory.Statement) error {
	x.Statements++
	x.date(s.Time)
	return x.checker.Statement(&s)
}

func (x *examination) edition(e advisory.Edition) {
	x.Edition = e.Version
	if x.Edition == "" && !e.Date.IsZero() {
		x.Edition = e.Date.Format(time.RFC3339)
	}
	x.date(e.Date)
}

func (x *examination) date(t time.Time) {
	if t.After(x.Newest) && !t.After(x.latest) {
		x.Newest = t
	}
}

// openOriginal opens a file, with its size.
func openOriginal(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.Join(fmt.Errorf("%s is no file", name), f.Close())
	}
	return f, info.Size(), nil
}

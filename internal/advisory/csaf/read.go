package csaf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxFile bounds a document, in bytes. The largest VEX files of Red Hat (a fault in
// a kernel or in a library that is everywhere) have some tens of megabytes.
const MaxFile = 256 << 20

// Read reads a document as advisories; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	return read(ctx, r, func(d *document, t *products) error { return d.records(t, emit) })
}

// Statements reads a document as VEX; it is a feed.Reader, and hands on statements
// only. A document of any vendor and category will do, if its products have package
// URLs.
func Statements(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	return read(ctx, r, func(d *document, t *products) error { return d.statements(t, emit) })
}

func read(ctx context.Context, r io.Reader, use func(*document, *products) error) error {
	in, err := feed.NewJSON(ctx, r, MaxFile)
	if err != nil {
		return err
	}
	defer in.Close()
	var d document
	if err := in.Decode(&d); err == io.EOF {
		return fmt.Errorf("the CSAF document is empty: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return fmt.Errorf("the CSAF document %.80q: %w", d.Document.Tracking.ID, err)
	}
	if err := in.End(); err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	t, err := d.Tree.products()
	if err != nil {
		return fmt.Errorf("the CSAF document %.80q: %w", d.Document.Tracking.ID, err)
	}
	if err := d.checkGroups(t); err != nil {
		return fmt.Errorf("the CSAF document %.80q: %w", d.Document.Tracking.ID, err)
	}
	if err := use(&d, t); err != nil {
		return fmt.Errorf("the CSAF document %.80q: %w", d.Document.Tracking.ID, err)
	}
	return nil
}

func (d *document) check() error {
	switch {
	case d.Document.Version == "":
		return errors.New("the file is no CSAF document: it has no document/csaf_version")
	case d.Document.Version != "2.0":
		return fmt.Errorf("the document is of CSAF %.20q; 2.0 can be read", d.Document.Version)
	case d.Document.Tracking.ID == "":
		return errors.New("the CSAF document has no document/tracking/id")
	}
	return nil
}

// maxGrouped bounds the products that are named by groups, all in all: a short
// document could name a great many, many times over.
const maxGrouped = 8 << 20

func (d *document) checkGroups(t *products) error {
	n := 0
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		for _, remarks := range [][]remark{v.Remediations, v.Threats, v.Flags} {
			for _, r := range remarks {
				for _, g := range r.Groups {
					n += len(t.groups[g])
				}
			}
		}
	}
	if n > maxGrouped {
		return fmt.Errorf("its groups stand for %d products, more than %d", n, maxGrouped)
	}
	return nil
}

// dates are when it was first published, and last.
func (d *document) dates() (initial, current time.Time, err error) {
	if initial, err = feed.Time(d.Document.Tracking.Initial); err != nil {
		return initial, current, fmt.Errorf("initial_release_date: %w", err)
	}
	if current, err = feed.Time(d.Document.Tracking.Current); err != nil {
		return initial, current, fmt.Errorf("current_release_date: %w", err)
	}
	return initial, current, nil
}

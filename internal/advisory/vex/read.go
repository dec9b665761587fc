package vex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxFile bounds a document, in bytes.
const MaxFile = 64 << 20

// Bounds of a statement: a short one could stand for very many.
const (
	maxAliases = 100
	maxPairs   = 1 << 20
)

// Read reads an OpenVEX document; it is a feed.Reader, and hands on statements only.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	in, err := feed.NewJSON(ctx, r, MaxFile)
	if err != nil {
		return err
	}
	defer in.Close()
	var d document
	if err := in.Decode(&d); err == io.EOF {
		return fmt.Errorf("the OpenVEX document is empty: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return fmt.Errorf("the OpenVEX document %.80q: %w", d.ID, err)
	}
	if err := in.End(); err != nil {
		return err
	}
	if !strings.HasPrefix(d.Context, "https://openvex.dev/ns") {
		return fmt.Errorf("the file is no OpenVEX document: its @context is %.80q", d.Context)
	}
	for i := range d.Statements {
		if err := d.statement(i, emit); err != nil {
			return fmt.Errorf("the OpenVEX document %.80q, statement %d: %w", d.ID, i+1, err)
		}
	}
	return nil
}

func (d *document) statement(i int, emit advisory.Emit) error {
	from := &d.Statements[i]
	s := advisory.Statement{
		Vulnerability: from.Vulnerability.name(), Aliases: from.Vulnerability.Aliases,
		Status:        advisory.StatementStatus(from.Status),
		Justification: from.Justification, Impact: from.Impact, Action: from.Action,
		Source: d.ID, Author: d.Author,
	}
	if s.Vulnerability == "" {
		return errors.New("it has no vulnerability")
	}
	if len(s.Aliases) > maxAliases {
		return fmt.Errorf("its vulnerability has %d aliases, more than %d", len(s.Aliases), maxAliases)
	}
	if len(from.Products) > maxPairs || len(from.Subcomponents) > maxPairs || len(from.Products)*len(from.Subcomponents) > maxPairs {
		return fmt.Errorf("it has %d products with %d components each: too many", len(from.Products), len(from.Subcomponents))
	}
	switch s.Status {
	case advisory.StatedNotAffected, advisory.StatedAffected, advisory.StatedFixed, advisory.StatedUnderInvestigation:
	default:
		return fmt.Errorf("its status %.40q is none of not_affected, affected, fixed and under_investigation", from.Status)
	}
	for _, text := range []string{from.Updated, from.Timestamp, d.Updated, d.Timestamp} {
		t, err := feed.Time(text)
		if err != nil {
			return err
		}
		if s.Time.IsZero() {
			s.Time = t
		}
	}
	part := fmt.Sprintf("statements[%d]", i)
	switch {
	case s.Time.IsZero():
		return errors.New("neither it nor the document has a timestamp")
	case s.Status == advisory.StatedNotAffected && s.Justification == "" && s.Impact == "":
		emit.Skipped(d.ID, part, "not affected without a justification")
		return nil
	case len(from.Products) == 0:
		emit.Skipped(d.ID, part, "statement without a product")
		return nil
	}
	return d.products(from, s, part, emit)
}

// products hands the statement on, once a product, or once a component of it.
func (d *document) products(from *statement, s advisory.Statement, part string, emit advisory.Emit) error {
	for k := range from.Products {
		p := &from.Products[k]
		s.Product, s.Component = p.name(), ""
		components := p.Subcomponents
		if len(components) == 0 {
			components = from.Subcomponents
		}
		if s.Product == "" {
			emit.Skipped(d.ID, fmt.Sprintf("%s.products[%d]", part, k), "product without a package URL or CPE")
			continue
		}
		if len(components) == 0 {
			if err := emit.PutStatement(s); err != nil {
				return err
			}
		}
		for c := range components {
			if s.Component = components[c].name(); s.Component == "" {
				emit.Skipped(d.ID, fmt.Sprintf("%s.products[%d].subcomponents[%d]", part, k, c), "component without a package URL or CPE")
				continue
			}
			if err := emit.PutStatement(s); err != nil {
				return err
			}
		}
	}
	return nil
}

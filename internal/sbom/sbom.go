// Package sbom writes an inventory as a bill of materials, for other tools: as
// CycloneDX 1.6 or SPDX 2.3, both in JSON. What the inventory could not tell is in the
// document as well, so that nobody takes it for all there is.
//
// A document is a function of the inventory: the same one gives the same bytes, down
// to its serial number. It is written an element at a time.
package sbom

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"assay/internal/inventory"
)

// About is what a document says of the host beside its software.
type About struct {
	Host    string    // its name
	Agent   string    // the agent's id; empty for a file made without a service
	At      time.Time // when the host was looked at
	Version string    // of the program that writes the document
}

// name is what the host is called; documents need one.
func (a *About) name() string {
	switch {
	case a.Host != "":
		return a.Host
	case a.Agent != "":
		return a.Agent
	}
	return "host"
}

// time is a moment as both formats have it.
func (a *About) time() string { return a.At.UTC().Format("2006-01-02T15:04:05Z") }

// writer writes a document with its id.
type writer func(w io.Writer, d *document, id string) error

var formats = map[string]writer{"cyclonedx": cycloneDX, "spdx": spdx}

// Check tells whether there is such a format.
func Check(format string) error {
	if formats[format] == nil {
		return fmt.Errorf("there is no format %q: cyclonedx (1.6, JSON) and spdx (2.3, JSON) there are", format)
	}
	return nil
}

// Write writes the inventory in a format: "cyclonedx" or "spdx".
func Write(w io.Writer, format string, inv *inventory.Inventory, about About) error {
	if err := Check(format); err != nil {
		return err
	}
	d := arrange(inv, about)
	// The document's id is made of the document.
	hash := sha256.New()
	if err := formats[format](hash, d, ""); err != nil {
		return fmt.Errorf("write the bill of materials: %w", err)
	}
	id := uuid.NewHash(sha256.New(), uuid.NameSpaceURL, hash.Sum(nil), 8) // RFC 9562: version 8 is made in one's own way
	if err := formats[format](w, d, id.String()); err != nil {
		return fmt.Errorf("write the bill of materials: %w", err)
	}
	return nil
}

// document is an inventory with a name for everything that a document refers to.
type document struct {
	about   About
	systems []*system // the host's first
}

// system is the host or a container with what is in it.
type system struct {
	*inventory.System
	ref   string // "host", "container-1"; letters, digits and hyphens, as SPDX asks for
	parts []part
	gaps  []string
}

// part is a component with its name in the document.
type part struct {
	*inventory.Component
	ref string
}

// osRef is the name of the system's operating system, binary that of a component's
// binary package.
func (s *system) osRef() string { return s.ref + "-os" }

func (p *part) binary(n int) string { return fmt.Sprintf("%s-%d", p.ref, n+1) }

// arrange sorts an inventory by system, and names everything by its place in that
// order.
func arrange(inv *inventory.Inventory, about About) *document {
	d := &document{about: about}
	by := map[string]*system{}
	of := func(container string) *system {
		if by[container] == nil {
			s := &system{System: &inventory.System{Container: container}}
			by[container] = s
			d.systems = append(d.systems, s)
		}
		return by[container]
	}
	of("")
	for n := range inv.Systems {
		of(inv.Systems[n].Container).System = &inv.Systems[n]
	}
	for n := range inv.Components {
		s := of(inv.Components[n].Container)
		s.parts = append(s.parts, part{Component: &inv.Components[n]})
	}
	for _, g := range inv.Gaps {
		s := of(g.Container)
		s.gaps = append(s.gaps, g.Reason)
	}
	slices.SortStableFunc(d.systems, func(a, b *system) int { return strings.Compare(a.Container, b.Container) })
	for n, s := range d.systems {
		if s.ref = "host"; n > 0 {
			s.ref = fmt.Sprintf("container-%d", n)
		}
		if s.Problem != "" {
			s.gaps = append(s.gaps, s.Problem)
		}
		for m := range s.parts {
			s.parts[m].ref = fmt.Sprintf("%s-%s-%d", s.ref, s.parts[m].Kind, m+1)
		}
	}
	return d
}

// title is what a system is called.
func (d *document) title(s *system) string {
	switch {
	case s.Container == "":
		return d.about.name()
	case s.Image != "":
		return s.Image
	}
	return s.Container
}

// unseen is what a document says of what cannot be seen at all.
const unseen = "Listed is what databases of packages and known forms of libraries tell; software that was put on the host without either is not seen."

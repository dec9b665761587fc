package sbom

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/.

const noAssertion = "NOASSERTION"

type (
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxReference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxPackage struct {
		ID            string          `json:"SPDXID"`
		Name          string          `json:"name"`
		Version       string          `json:"versionInfo,omitempty"`
		Supplier      string          `json:"supplier,omitempty"`
		Location      string          `json:"downloadLocation"`
		FilesAnalyzed bool            `json:"filesAnalyzed"`
		Concluded     string          `json:"licenseConcluded"`
		Declared      string          `json:"licenseDeclared"`
		Copyright     string          `json:"copyrightText"`
		SourceInfo    string          `json:"sourceInfo,omitempty"`
		Comment       string          `json:"comment,omitempty"`
		References    []spdxReference `json:"externalRefs,omitempty"`
		Purpose       string          `json:"primaryPackagePurpose,omitempty"`
	}
	spdxRelationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
	spdxAnnotation struct {
		Date      string `json:"annotationDate"`
		Type      string `json:"annotationType"`
		Annotator string `json:"annotator"`
		Comment   string `json:"comment"`
	}
)

const spdxDocument = "SPDXRef-DOCUMENT"

func spdxID(ref string) string { return "SPDXRef-" + ref }

func spdx(w io.Writer, d *document, id string) error {
	s := newStream(w)
	tool := "Tool: assay-" + cmp.Or(d.about.Version, "dev")
	s.open('{')
	s.member("spdxVersion", "SPDX-2.3")
	s.member("dataLicense", "CC0-1.0")
	s.member("SPDXID", spdxDocument)
	s.member("name", d.about.name())
	s.member("documentNamespace", "https://spdx.org/spdxdocs/assay-"+cmp.Or(id, "document"))
	s.member("creationInfo", spdxCreation{d.about.time(), []string{tool}})
	s.member("comment", unseen)
	s.array("packages", func() {
		for _, sys := range d.systems {
			d.spdxSystem(sys, s)
		}
	})
	s.array("relationships", func() {
		s.value(spdxRelationship{spdxDocument, "DESCRIBES", spdxID(d.systems[0].ref)})
		for _, sys := range d.systems {
			d.spdxRelations(sys, s)
		}
	})
	s.array("annotations", func() {
		for _, sys := range d.systems {
			for _, gap := range sys.gaps {
				s.value(spdxAnnotation{d.about.time(), "OTHER", tool, fmt.Sprintf("incomplete: %s: %s", sys.ref, gap)})
			}
		}
	})
	s.close('}')
	return s.end()
}

// spdxSystem writes a host or container, its operating system and what is in that.
func (d *document) spdxSystem(sys *system, s *stream) {
	top := spdxPackage{ID: spdxID(sys.ref), Name: d.title(sys), Purpose: "DEVICE", Comment: lines("agent", d.about.Agent, "kernel", sys.Kernel)}
	if sys.Container != "" {
		top.Purpose, top.Comment = "CONTAINER", lines("container", sys.Container)
	}
	s.value(top.filled())
	system := spdxPackage{ID: spdxID(sys.osRef()), Name: cmp.Or(sys.ID, "unknown"), Version: sys.Release, Purpose: "OPERATING_SYSTEM", Comment: lines("name", sys.Name, "ecosystem", sys.Ecosystem)}
	if sys.CPE != "" {
		kind := "cpe22Type"
		if strings.HasPrefix(sys.CPE, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		system.References = []spdxReference{{"SECURITY", kind, sys.CPE}}
	}
	s.value(system.filled())
	for n := range sys.parts {
		p := &sys.parts[n]
		s.value(p.spdx())
		for m := range p.Binaries {
			s.value(p.spdxBinary(m))
		}
	}
}

// spdx is a library, or the source package of binary packages.
func (p *part) spdx() spdxPackage {
	out := spdxPackage{
		ID: spdxID(p.ref), Name: p.Name, Version: p.Version, Supplier: supplier(p.Vendor), References: purl(p.PURL), Purpose: "SOURCE",
		Comment: lines("status", p.Status, "module", p.Module, "kernel", string(p.Kernel), "runs", p.Runs),
	}
	if len(p.Binaries) == 0 {
		out.Purpose, out.SourceInfo = "LIBRARY", "found in "+p.place()
		out.Comment = lines("record", p.Record, "ecosystem", p.Ecosystem, "owner", p.Owner)
		if p.Main {
			out.Purpose = "APPLICATION"
		}
	}
	return out.filled()
}

func (p *part) spdxBinary(n int) spdxPackage {
	b := &p.Binaries[n]
	out := spdxPackage{
		ID: spdxID(p.binary(n)), Name: b.Name, Version: b.Version, Supplier: supplier(p.Vendor), References: purl(b.PURL), Purpose: "LIBRARY",
		SourceInfo: fmt.Sprintf("built of the source package %s %s", p.Name, p.Version), Comment: lines("record", b.Record),
	}
	return out.filled()
}

// spdxRelations writes what contains what, and what was built of what.
func (d *document) spdxRelations(sys *system, s *stream) {
	if sys.Container != "" {
		s.value(spdxRelationship{spdxID(d.systems[0].ref), "CONTAINS", spdxID(sys.ref)})
	}
	s.value(spdxRelationship{spdxID(sys.ref), "CONTAINS", spdxID(sys.osRef())})
	for n := range sys.parts {
		p := &sys.parts[n]
		if len(p.Binaries) == 0 {
			s.value(spdxRelationship{spdxID(sys.osRef()), "CONTAINS", spdxID(p.ref)})
		}
		for m := range p.Binaries {
			s.value(spdxRelationship{spdxID(sys.osRef()), "CONTAINS", spdxID(p.binary(m))})
			s.value(spdxRelationship{spdxID(p.binary(m)), "GENERATED_FROM", spdxID(p.ref)})
		}
	}
}

// filled says of what is asked for and not looked at that nothing is said.
func (p spdxPackage) filled() spdxPackage {
	p.Location, p.Concluded, p.Declared, p.Copyright = noAssertion, noAssertion, noAssertion, noAssertion
	return p
}

func supplier(vendor string) string {
	if vendor == "" {
		return ""
	}
	return "Organization: " + vendor
}

func purl(url string) []spdxReference {
	if url == "" {
		return nil
	}
	return []spdxReference{{"PACKAGE-MANAGER", "purl", url}}
}

// lines makes a comment of pairs of names and values; those without a value are left
// out.
func lines(pairs ...string) string {
	var all []string
	for n := 0; n < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			all = append(all, pairs[n]+": "+pairs[n+1])
		}
	}
	return strings.Join(all, "\n")
}

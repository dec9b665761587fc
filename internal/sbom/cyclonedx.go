package sbom

import (
	"cmp"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/.

type (
	cdxProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxSupplier struct {
		Name string `json:"name"`
	}
	cdxComponent struct {
		Type       string         `json:"type"`
		Ref        string         `json:"bom-ref,omitempty"`
		Supplier   *cdxSupplier   `json:"supplier,omitempty"`
		Name       string         `json:"name"`
		Version    string         `json:"version,omitempty"`
		CPE        string         `json:"cpe,omitempty"`
		PURL       string         `json:"purl,omitempty"`
		Pedigree   *cdxPedigree   `json:"pedigree,omitempty"`
		Evidence   *cdxEvidence   `json:"evidence,omitempty"`
		Properties []cdxProperty  `json:"properties,omitempty"`
		Components []cdxComponent `json:"components,omitempty"`
	}
	cdxPedigree struct {
		Ancestors []cdxComponent `json:"ancestors"`
	}
	cdxEvidence struct {
		Identity    []cdxIdentity   `json:"identity,omitempty"`
		Occurrences []cdxOccurrence `json:"occurrences,omitempty"`
	}
	cdxIdentity struct {
		Field   string      `json:"field"`
		Methods []cdxMethod `json:"methods"`
	}
	cdxMethod struct {
		Technique  string  `json:"technique"`
		Confidence float64 `json:"confidence"`
		Value      string  `json:"value"`
	}
	cdxOccurrence struct {
		Location string `json:"location"`
	}
	cdxDependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
	cdxComposition struct {
		Aggregate  string   `json:"aggregate"`
		Assemblies []string `json:"assemblies"`
	}
	cdxLifecycle struct {
		Phase string `json:"phase"`
	}
	cdxTools struct {
		Components []cdxComponent `json:"components"`
	}
	cdxMetadata struct {
		Timestamp  string         `json:"timestamp"`
		Lifecycles []cdxLifecycle `json:"lifecycles"`
		Tools      cdxTools       `json:"tools"`
		Component  cdxComponent   `json:"component"`
		Properties []cdxProperty  `json:"properties,omitempty"`
	}
)

func cycloneDX(w io.Writer, d *document, id string) error {
	s := newStream(w)
	s.open('{')
	s.member("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")
	s.member("bomFormat", "CycloneDX")
	s.member("specVersion", "1.6")
	if id != "" {
		s.member("serialNumber", "urn:uuid:"+id)
	}
	s.member("version", 1)
	s.member("metadata", d.cdxMetadata())
	s.array("components", func() {
		for n, sys := range d.systems {
			if n == 0 {
				sys.cdxParts(func(c cdxComponent) { s.value(c) })
				continue
			}
			s.value(d.cdxContainer(sys))
		}
	})
	s.array("dependencies", func() {
		for n, sys := range d.systems {
			on := []string{sys.osRef()}
			if n == 0 {
				for _, c := range d.systems[1:] {
					on = append(on, c.ref)
				}
			}
			s.value(cdxDependency{sys.ref, on})
			s.value(cdxDependency{sys.osRef(), sys.cdxRefs()})
		}
	})
	s.array("compositions", func() {
		for _, sys := range d.systems {
			c := cdxComposition{"unknown", []string{sys.ref}}
			if len(sys.gaps) > 0 {
				c.Aggregate = "incomplete"
			}
			s.value(c)
		}
	})
	s.close('}')
	return s.end()
}

func (d *document) cdxMetadata() cdxMetadata {
	host := d.systems[0]
	m := cdxMetadata{
		Timestamp:  d.about.time(),
		Lifecycles: []cdxLifecycle{{"operations"}},
		Tools:      cdxTools{[]cdxComponent{{Type: "application", Name: "assay", Version: d.about.Version}}},
		Component:  cdxComponent{Type: "device", Ref: host.ref, Name: d.title(host)},
		Properties: []cdxProperty{{"assay:scope", unseen}},
	}
	m.Component.Properties = properties("assay:agent", d.about.Agent, "assay:kernel:release", host.Kernel)
	for _, gap := range host.gaps {
		m.Properties = append(m.Properties, cdxProperty{"assay:gap", gap})
	}
	return m
}

func (d *document) cdxContainer(sys *system) cdxComponent {
	c := cdxComponent{Type: "container", Ref: sys.ref, Name: d.title(sys), Properties: properties("assay:container", sys.Container)}
	for _, gap := range sys.gaps {
		c.Properties = append(c.Properties, cdxProperty{"assay:gap", gap})
	}
	sys.cdxParts(func(part cdxComponent) { c.Components = append(c.Components, part) })
	return c
}

// cdxParts are the operating system, its packages and the libraries.
func (sys *system) cdxParts(put func(cdxComponent)) {
	put(cdxComponent{
		Type: "operating-system", Ref: sys.osRef(), Name: cmp.Or(sys.ID, "unknown"), Version: sys.Release, CPE: sys.CPE,
		Properties: properties("assay:name", sys.Name, "assay:codename", sys.Codename, "assay:ecosystem", sys.Ecosystem),
	})
	for n := range sys.parts {
		p := &sys.parts[n]
		if len(p.Binaries) == 0 {
			put(p.cdxLibrary())
		}
		for m := range p.Binaries {
			put(p.cdxBinary(m))
		}
	}
}

// cdxRefs are the names of what is in the operating system.
func (sys *system) cdxRefs() (refs []string) {
	for n := range sys.parts {
		p := &sys.parts[n]
		if len(p.Binaries) == 0 {
			refs = append(refs, p.ref)
		}
		for m := range p.Binaries {
			refs = append(refs, p.binary(m))
		}
	}
	return refs
}

// cdxBinary is a binary package, with the source package that it was built of.
func (p *part) cdxBinary(n int) cdxComponent {
	b := &p.Binaries[n]
	c := cdxComponent{
		Type: "library", Ref: p.binary(n), Name: b.Name, Version: b.Version, PURL: b.PURL,
		Pedigree:   &cdxPedigree{[]cdxComponent{{Type: "library", Name: p.Name, Version: p.Version, PURL: p.PURL}}},
		Evidence:   evidence(b.PURL, b.Record),
		Properties: properties("assay:kernel", string(b.Kernel), "assay:kernel:runs", p.Runs, "assay:module", p.Module),
	}
	if p.Status != "installed" {
		c.Properties = append(c.Properties, properties("assay:status", p.Status)...)
	}
	if p.Vendor != "" {
		c.Supplier = &cdxSupplier{p.Vendor}
	}
	return c
}

func (p *part) cdxLibrary() cdxComponent {
	c := cdxComponent{
		Type: "library", Ref: p.ref, Name: p.Name, Version: p.Version, PURL: p.PURL, Evidence: evidence(p.PURL, p.Record),
		Properties: properties("assay:ecosystem", p.Ecosystem, "assay:owner", p.Owner),
	}
	if p.Main {
		c.Type = "application"
	}
	if p.Path != "" {
		c.Evidence.Occurrences = []cdxOccurrence{{p.place()}}
	}
	return c
}

// place is where a library is: the file, and within it where that is an archive.
func (p *part) place() string {
	if p.Inside == "" {
		return p.Path
	}
	return p.Path + "!/" + p.Inside
}

// evidence says by which record of the telemetry a component is known.
func evidence(purl, record string) *cdxEvidence {
	field := "purl"
	if purl == "" {
		field = "name"
	}
	return &cdxEvidence{Identity: []cdxIdentity{{field, []cdxMethod{{"manifest-analysis", 1, record}}}}}
}

// properties makes pairs of names and values; those without a value are left out.
func properties(pairs ...string) (all []cdxProperty) {
	for n := 0; n < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			all = append(all, cdxProperty{pairs[n], pairs[n+1]})
		}
	}
	return all
}

// stream writes JSON piece by piece, and remembers the first error.
type stream struct {
	enc *jsontext.Encoder
	err error
}

func newStream(w io.Writer) *stream {
	// Telemetry was read as UTF-8; what is not is replaced, as everywhere.
	return &stream{enc: jsontext.NewEncoder(w, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))}
}

func (s *stream) token(t jsontext.Token) {
	if s.err == nil {
		s.err = s.enc.WriteToken(t)
	}
}

func (s *stream) open(kind jsontext.Kind)  { s.token(delimiter(kind)) }
func (s *stream) close(kind jsontext.Kind) { s.token(delimiter(kind)) }

func delimiter(kind jsontext.Kind) jsontext.Token {
	switch kind {
	case '{':
		return jsontext.BeginObject
	case '}':
		return jsontext.EndObject
	case '[':
		return jsontext.BeginArray
	}
	return jsontext.EndArray
}

func (s *stream) value(v any) {
	if s.err == nil {
		s.err = json.MarshalEncode(s.enc, v)
	}
}

func (s *stream) member(name string, v any) {
	s.token(jsontext.String(name))
	s.value(v)
}

// array writes a member whose elements are written by fill.
func (s *stream) array(name string, fill func()) {
	s.token(jsontext.String(name))
	s.open('[')
	fill()
	s.close(']')
}

func (s *stream) end() error { return s.err }

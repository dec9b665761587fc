package vex

import (
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"assay/internal/advisory"
)

// Overlay has statements, to be asked what is said of a match. The zero value is
// empty. Adding is not safe for concurrent use; asking is.
type Overlay struct {
	about map[string][]entry // by vulnerability, its aliases too
}

type entry struct {
	statement          *advisory.Statement
	product, component *identity
}

// Add takes a statement. Statements are to be added in the order of their
// documents: of two of one time the later added one counts.
func (o *Overlay) Add(s advisory.Statement) {
	if o.about == nil {
		o.about = map[string][]entry{}
	}
	e := entry{statement: &s, product: identify(s.Product)}
	if s.Component != "" {
		e.component = identify(s.Component)
	}
	for _, name := range append([]string{s.Vulnerability}, s.Aliases...) {
		key := strings.ToUpper(name)
		o.about[key] = append(o.about[key], e)
	}
}

// About is the statement that counts on a vulnerability in a package: the latest of
// those that are about it. The package is known by its package URL, with its version;
// within are the package URLs and CPEs of what it is in, such as a container image or
// the operating system. Publishers who speak of source packages (Ubuntu: arch=source)
// are asked with the package URL of the source.
func (o *Overlay) About(vulnerability, pkg string, within ...string) (advisory.Statement, bool) {
	entries := o.about[strings.ToUpper(vulnerability)]
	if len(entries) == 0 {
		return advisory.Statement{}, false
	}
	is := identify(pkg)
	around := make([]*identity, len(within))
	for i, w := range within {
		around[i] = identify(w)
	}
	var last *advisory.Statement
	for _, e := range entries {
		if e.applies(is, around) && (last == nil || !e.statement.Time.Before(last.Time)) {
			last = e.statement
		}
	}
	if last == nil {
		return advisory.Statement{}, false
	}
	return *last, true
}

// applies is true if the statement is about the package: as its product, as a part
// of its product, or as its component in a product that the package is in.
func (e *entry) applies(pkg *identity, within []*identity) bool {
	if e.component != nil && !e.component.covers(pkg) {
		return false
	}
	return e.component == nil && e.product.covers(pkg) || slices.ContainsFunc(within, e.product.covers)
}

// identity is a package URL or a CPE.
type identity struct {
	url        *packageurl.PackageURL
	qualifiers map[string]string
	text       string
}

func identify(text string) *identity {
	id := &identity{text: text}
	if url, err := packageurl.FromString(text); err == nil {
		id.url, id.qualifiers = &url, url.Qualifiers.Map()
	}
	return id
}

// covers is true if what is said of id is said of x: every part of a package URL
// that id has x has too. What id leaves open, the version above all, is any. CPEs are
// the same, or x's goes on where id's ends; one that names no product is of nothing.
func (id *identity) covers(x *identity) bool {
	if id.url == nil || x.url == nil {
		return id.text != "" && (id.text == x.text || namesProduct(id.text) && strings.HasPrefix(x.text, strings.TrimRight(id.text, ":*")+":"))
	}
	a, b := id.url, x.url
	if a.Type != b.Type || a.Namespace != b.Namespace || a.Name != b.Name ||
		a.Version != "" && a.Version != b.Version || a.Subpath != "" && a.Subpath != b.Subpath {
		return false
	}
	for name, value := range id.qualifiers {
		if x.qualifiers[name] != value {
			return false
		}
	}
	return true
}

// namesProduct tells whether a CPE says of which vendor and product it is, in either
// form: "cpe:/o:redhat" or "cpe:2.3:*" would be very many.
func namesProduct(cpe string) bool {
	rest, ok := strings.CutPrefix(cpe, "cpe:/")
	if !ok {
		rest, ok = strings.CutPrefix(cpe, "cpe:2.3:")
	}
	parts := strings.Split(rest, ":")
	return ok && len(parts) >= 3 && !slices.ContainsFunc(parts[:3], func(p string) bool { return strings.Trim(p, "*-") == "" })
}

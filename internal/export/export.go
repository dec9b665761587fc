// Package export writes the findings of an assessment run in the formats that
// other tools read: CSV, JSON lines, SARIF 2.1.0, AWS Security Finding Format and
// OCSF 1.8.0. The writers are pure: a run with an iterator over its findings goes
// in, bytes come out, a finding at a time, so that a run of any size needs little
// memory. The same run gives the same bytes. Every format also tells what the run
// could not check: an export must not look cleaner than the run was.
//
// docs/exports.md describes the formats for those who read them.
package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/inspector"
)

// Run is what an assessment came to.
type Run struct {
	ARN         inspector.ARN // of the run; the zero ARN where a snapshot file was evaluated
	Name        string        // the run's, or the file's
	State       inspector.RunState
	Complete    bool // every rule was checked, on at least one host
	StartedAt   time.Time
	CompletedAt time.Time
	Packages    []inspector.RulesPackage // that the run has, in the order of its template
	Version     string                   // of Assay

	// Both are iterated over once, and end at their first error.
	Findings  iter.Seq2[Finding, error]
	Unchecked iter.Seq2[inspector.Exclusion, error]
}

// Finding is a finding with the ARN that it has, if it has one. Its Target,
// Template, Run and ID are not looked at.
type Finding struct {
	ARN       string
	FirstSeen time.Time // when the host had it first, of all runs; zero: not known
	inspector.Finding
}

// Options are what a reader of one format may want otherwise.
type Options struct {
	// ProductARN is the product in whose name findings go to Security Hub; empty:
	// Inspector's own, as AWS's findings had it. Only "arn:aws:securityhub:REGION:
	// ACCOUNT:product/ACCOUNT/default" can be imported into an account.
	ProductARN string
}

// writer writes all of a run. It writes whole records: no text is split between
// two calls of Write.
type writer func(io.Writer, Run, Options) error

// format is a way to write findings.
type format struct {
	name  string
	write writer
	json  bool // its control characters may be escaped as JSON has it
	scope bool // it needs an account and a region
}

func formats() []format {
	return []format{
		{name: "csv", write: writeCSV},
		{name: "jsonl", write: writeLines, json: true},
		{name: "sarif", write: writeSARIF, json: true},
		{name: "asff", write: writeASFF, json: true, scope: true},
		{name: "ocsf", write: writeOCSF, json: true},
	}
}

// Formats lists the names of the formats.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// JSON tells whether a format is JSON, or lines of it.
func JSON(name string) bool {
	f, err := find(name)
	return err == nil && f.json
}

// Check tells, as an error, whether findings can be written in a format: that
// there is one of this name, and what it needs of a run that has no ARN.
func Check(name string, hasARN bool, o Options) error {
	f, err := find(name)
	switch {
	case err != nil:
		return err
	case f.scope && !hasARN && o.ProductARN == "":
		return fmt.Errorf("%s findings belong to an account and a region: name a product's ARN", name)
	case o.ProductARN != "":
		_, err = parseProduct(o.ProductARN)
	}
	return err
}

func find(name string) (format, error) {
	for _, f := range formats() {
		if f.name == name {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("there is no format %q: %s", name, strings.Join(Formats(), ", "))
}

// Write writes a run in a format. An error of the run's iterators ends it; what
// was written until then is no whole document.
func Write(w io.Writer, name string, r Run, o Options) error {
	if err := Check(name, r.ARN != inspector.ARN{}, o); err != nil {
		return err
	}
	f, err := find(name)
	if err != nil {
		return err
	}
	r.Unchecked = atLeastOne(r)
	return f.write(w, r, o)
}

// atLeastOne are the run's exclusions. Of an incomplete run there is at least one,
// so that no format can look clean.
func atLeastOne(r Run) iter.Seq2[inspector.Exclusion, error] {
	return func(yield func(inspector.Exclusion, error) bool) {
		n := 0
		for e, err := range r.Unchecked {
			n++
			if !yield(e, err) {
				return
			}
		}
		if n == 0 && !r.Complete {
			yield(inspector.Exclusion{
				Title:          "The assessment is incomplete",
				Description:    fmt.Sprintf("It ended as %s; no host, or not every rule, was evaluated.", filled(string(r.State), "UNKNOWN")),
				Recommendation: "Look at the run (assay results), and assess again.",
			}, nil)
		}
	}
}

// filled is a text, or another where it is blank.
func filled(text, other string) string {
	switch {
	case strings.TrimSpace(text) != "":
		return text
	case strings.TrimSpace(other) != "":
		return other
	}
	return "-"
}

// each calls fn with every entry of a list that may fail.
func each[T any](list iter.Seq2[T, error], fn func(T) error) error {
	for entry, err := range list {
		if err == nil {
			err = fn(entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// host is what people call the finding's host.
func (f *Finding) host() string {
	return cmp.Or(strings.Join(strings.Fields(f.Asset.Hostname), " "), f.Agent)
}

// attribute is the value of an attribute, or "".
func (f *Finding) attribute(key string) string {
	for _, a := range f.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// pair makes a map of attributes. Of a key that comes twice the first counts.
func pairs(attributes []inspector.Attribute) map[string]string {
	m := map[string]string{}
	for _, a := range attributes {
		if _, ok := m[a.Key]; !ok {
			m[a.Key] = a.Value
		}
	}
	return m
}

// fingerprint is the same for the same thing on the same host in every run: the
// host, the rules package, the rule and what in particular it is about.
func (f *Finding) fingerprint() string {
	return digest("finding", f.Agent, string(f.Package), f.Rule, f.Subject, f.FindingID)
}

// fingerprintOf is that of something that could not be checked.
func fingerprintOf(e inspector.Exclusion) string {
	parts := []string{"exclusion", e.Title, e.Description}
	for _, s := range e.Scopes {
		parts = append(parts, string(s.Type), s.Value)
	}
	return digest(parts...)
}

// digest hashes texts whose limits matter.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:40]
}

// instance is the host that an exclusion is about, or "".
func instance(e inspector.Exclusion) string {
	for _, s := range e.Scopes {
		if s.Type == inspector.ScopeInstance {
			return s.Value
		}
	}
	return ""
}

// packageOf finds a rules package of the run.
func (r *Run) packageOf(id inspector.PackageID) inspector.RulesPackage {
	for _, p := range r.Packages {
		if p.ID == id {
			return p
		}
	}
	return inspector.RulesPackage{ID: id, Name: string(id)}
}

// arn is the run's ARN as text, or "".
func (r *Run) arn() string {
	if r.ARN == (inspector.ARN{}) {
		return ""
	}
	return r.ARN.String()
}

// writeJSON writes a value in one line and one call.
func writeJSON(w io.Writer, v any, end string) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n")+end)
	return err
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)
	return string(runes[:most-1]) + "…"
}

// instant writes a time as most formats have it; the zero time as "".
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

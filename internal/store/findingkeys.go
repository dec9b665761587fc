package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"assay/internal/inspector"
)

// key stands for a property that findings have and filters ask for, such as the
// severity High: the facet in the upper 3 bits, and below them 61 of a
// cryptographic hash of the value. Among all values that a database will ever hold
// no two are expected to share them.
type key uint64

// facet is what a property is about. Facets are numbered in the database.
type facet uint64

const (
	byAgent facet = iota
	byGroup
	byPackage
	bySeverity
	byRule
	byAttribute
	byUserAttribute
)

// broad tells whether a run has few values of a facet.
func (f facet) broad() bool { return f <= bySeverity }

func (k key) facet() facet { return facet(k >> 61) }

func keyOf(f facet, value string) key {
	sum := sha256.Sum256([]byte(value))
	return key(f)<<61 | key(binary.BigEndian.Uint64(sum[:8])>>3)
}

func attributeKey(f facet, a inspector.Attribute) key {
	name, value := asJSON(a.Key), asJSON(a.Value)
	length := binary.AppendUvarint(nil, uint64(len(name)))
	return keyOf(f, string(length)+name+value)
}

// asJSON is what becomes of text that was written as JSON.
func asJSON(s string) string {
	if !utf8.ValidString(s) {
		// What toJSON makes of text is valid.
		_ = json.Unmarshal([]byte(toJSON(s)), &s)
	}
	return s
}

// keyring makes keys and keeps them: what findings of a host share is hashed once.
type keyring struct {
	plain      map[facetValue]key
	attributes map[facetAttribute]key
}

type facetValue struct {
	facet facet
	value string
}

type facetAttribute struct {
	facet     facet
	attribute inspector.Attribute
}

func newKeyring() keyring {
	return keyring{map[facetValue]key{}, map[facetAttribute]key{}}
}

func (r keyring) plainKey(f facet, value string) key {
	at := facetValue{f, value}
	k, ok := r.plain[at]
	if !ok {
		k = keyOf(f, clean(value))
		r.plain[at] = k
	}
	return k
}

func (r keyring) attributeKey(f facet, a inspector.Attribute) key {
	at := facetAttribute{f, a}
	k, ok := r.attributes[at]
	if !ok {
		k = attributeKey(f, a)
		r.attributes[at] = k
	}
	return k
}

// keys lists the properties of a finding of an agent, each once.
func (r keyring) keys(agent string, f inspector.Finding) []key {
	keys := make([]key, 0, 8+len(f.Attributes)+len(f.UserAttributes))
	keys = append(keys, r.plainKey(byAgent, agent), r.plainKey(byPackage, f.PackageARN), r.plainKey(byRule, f.FindingID),
		r.plainKey(bySeverity, severityName(rank(f.Severity))))
	if group := f.Asset.AutoScalingGroup; group != "" {
		keys = append(keys, r.plainKey(byGroup, group))
	}
	for _, a := range f.Attributes {
		keys = append(keys, r.attributeKey(byAttribute, a))
	}
	for _, a := range f.UserAttributes {
		keys = append(keys, r.attributeKey(byUserAttribute, a))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func severityName(rank int) string { return string(inspector.Severities()[rank]) }

// A run's keys are spread over buckets, more of them the more findings it has: so
// that a bucket is small, and that they are not many more than the findings. The
// keys of a broad facet are together. Of a run with few findings everything is.
const (
	everything   = 0
	broadBucket  = 1 // and the following, one a facet
	fewFindings  = 64
	fewBuckets   = 32
	someFindings = 1024
	manyBuckets  = 512
)

func bucketOf(k key, findings int) int64 {
	switch {
	case findings <= fewFindings:
		return everything
	case k.facet().broad():
		return broadBucket + int64(k.facet())
	case findings <= someFindings:
		return fewBuckets + int64(k%fewBuckets)
	}
	return manyBuckets + int64(k%manyBuckets)
}

// bucketsOf lists where keys may be, whatever the run.
func bucketsOf(keys []key) []any {
	var all []int64
	for _, k := range keys {
		for _, findings := range []int{fewFindings, someFindings, someFindings + 1} {
			all = append(all, bucketOf(k, findings))
		}
	}
	slices.Sort(all)
	return anyOf(slices.Compact(all))
}

func anyOf[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// term is a condition of a filter: one of the properties.
type term []key

// terms lists what a filter asks for. All have to hold. Those come first whose
// rows are fewest.
func terms(f inspector.FindingFilter) []term {
	severities := make([]string, len(f.Severities))
	for i, s := range f.Severities {
		severities[i] = severityName(rank(s))
	}
	var all []term
	for _, c := range []struct {
		facet  facet
		values []string
	}{
		{bySeverity, severities}, {byPackage, f.PackageARNs}, {byGroup, f.AutoScalingGroups}, {byAgent, f.Agents}, {byRule, f.Rules},
	} {
		var any term
		for _, v := range c.values {
			any = append(any, keyOf(c.facet, clean(v)))
		}
		if len(any) > 0 {
			all = append(all, any)
		}
	}
	for _, a := range f.UserAttributes {
		all = append(all, term{attributeKey(byUserAttribute, a)})
	}
	for _, a := range f.Attributes {
		all = append(all, term{attributeKey(byAttribute, a)})
	}
	slices.SortStableFunc(all, func(a, b term) int { return cmp.Compare(min(len(a), 4), min(len(b), 4)) })
	return all
}

// before is the order of the findings of a rules package on an agent.
func before(a, b inspector.Finding) int {
	return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), strings.Compare(a.FindingID, b.FindingID), strings.Compare(a.ID, b.ID))
}

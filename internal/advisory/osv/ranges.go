package osv

import (
	"fmt"
	"slices"

	"assay/internal/advisory"
	"assay/internal/version"
)

// versions fills in the ranges of an entry, and the versions that are in none.
func (d *document) versions(i int, a *advisory.Affected, emit advisory.Emit) error {
	from := &d.Affected[i]
	for k, r := range from.Ranges {
		part := fmt.Sprintf("affected[%d].ranges[%d]", i, k)
		switch r.Type {
		case "SEMVER", "ECOSYSTEM":
		case "GIT":
			emit.Skipped(d.ID, part, "GIT range")
			continue
		default:
			emit.Skipped(d.ID, part, "range of a type that we do not know")
			continue
		}
		if err := valid(r.Events); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		scheme := scheme(r.Type, from.Package.Ecosystem)
		ranges := intervals(r.Events, scheme)
		if len(ranges) == 0 {
			emit.Skipped(d.ID, part, "range that begins nowhere")
		}
		a.Ranges = append(a.Ranges, ranges...)
	}
	order := advisory.Scheme(from.Package.Ecosystem)
	if order == version.Unknown || len(a.Ranges) > maxLookedThrough {
		a.Versions = from.Versions
		return nil
	}
	for _, v := range from.Versions {
		if order.Check(v) != nil || !within(v, a.Ranges, order) {
			a.Versions = append(a.Versions, v)
		}
	}
	return nil
}

// maxLookedThrough bounds the ranges that each version of a list is looked for in.
// There are hardly ever more than ten.
const maxLookedThrough = 20

func scheme(typ, ecosystem string) version.Scheme {
	if s := advisory.Scheme(ecosystem); s != version.Unknown || typ != "SEMVER" {
		return s
	}
	return version.SemVer
}

// valid tells of events that say nothing or two things.
func valid(events []event) error {
	for i, e := range events {
		n := 0
		for _, v := range []string{e.Introduced, e.Fixed, e.LastAffected, e.Limit} {
			if v != "" {
				n++
			}
		}
		if n != 1 {
			return fmt.Errorf("events[%d] says %d of introduced, fixed, last_affected and limit, not one", i, n)
		}
	}
	return nil
}

// at is the version an event is about, and its place among events at the same
// version: an interval ends before the next begins, but one that includes its end
// begins before.
func (e event) at() (string, int) {
	switch {
	case e.Fixed != "":
		return e.Fixed, 0
	case e.Limit != "":
		return e.Limit, 0
	case e.Introduced != "":
		return e.Introduced, 1
	}
	return e.LastAffected, 2
}

// sorted puts events in the order of versions, if all of them are versions.
func sorted(events []event, scheme version.Scheme) []event {
	for _, e := range events {
		if v, _ := e.at(); scheme == version.Unknown || v != "0" && scheme.Check(v) != nil {
			return events
		}
	}
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(x, y event) int {
		a, i := x.at()
		b, k := y.at()
		zero := func(e event) int {
			if e.Introduced == "0" {
				return 0
			}
			return 1
		}
		if c := zero(x) - zero(y); c != 0 {
			return c
		}
		if c := scheme.Compare(a, b); c != 0 {
			return c
		}
		return i - k
	})
	return events
}

// intervals pairs what begins with what ends. A limit is like a fix: nothing is
// affected from the last of them on, and "*" is none.
func intervals(events []event, scheme version.Scheme) []advisory.Range {
	events = slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e.Limit == "*" })
	events = lastLimit(sorted(events, scheme))
	var all []advisory.Range
	open := false
	for _, e := range events {
		switch {
		case e.Introduced != "" && !open:
			all = append(all, advisory.Range{Introduced: e.Introduced})
			open = true
		case e.Introduced != "":
		case !open:
			continue // an end without a beginning
		case e.LastAffected != "":
			all[len(all)-1].LastAffected = e.LastAffected
			open = false
		default:
			all[len(all)-1].Fixed = e.Fixed + e.Limit
			open = false
		}
	}
	return all
}

// lastLimit drops the limits but the last, and what follows it.
func lastLimit(events []event) []event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Limit != "" {
			events = slices.Clone(events[:i+1])
			last := events[i]
			return append(slices.DeleteFunc(events[:i], func(e event) bool { return e.Limit != "" }), last)
		}
	}
	return events
}

// within is true if v is in one of the ranges for sure.
func within(v string, ranges []advisory.Range, scheme version.Scheme) bool {
	return slices.ContainsFunc(ranges, func(r advisory.Range) bool {
		from := r.Introduced == "" || r.Introduced == "0" || ordered(scheme, r.Introduced, v, 0)
		switch {
		case r.Fixed != "":
			return from && ordered(scheme, v, r.Fixed, -1)
		case r.LastAffected != "":
			return from && ordered(scheme, v, r.LastAffected, 0)
		}
		return from
	})
}

// ordered is true if a compares to b as most at most, and both are versions.
func ordered(scheme version.Scheme, a, b string, most int) bool {
	return scheme.Check(a) == nil && scheme.Check(b) == nil && scheme.Compare(a, b) <= most
}

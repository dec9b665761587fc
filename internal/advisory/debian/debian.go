// Package debian reads the security tracker's full state
// (https://security-tracker.debian.org/tracker/data/json): what is known of every CVE
// in every source package and release. It is the only source of what has no fix, of
// what Debian will not fix, and of fixes that came with a point release and have no
// advisory (DSA, DLA).
//
// The form, as the tracker makes it (lib/python/security_db.py and
// bin/tracker_service.py of https://salsa.debian.org/security-tracker-team/security-tracker):
// an object from source package to CVE to {description, debianbug, scope, releases}, where
// releases is an object from codename to {status, repositories, urgency, fixed_version,
// nodsa, nodsa_reason}. Its oddities:
//
//   - An id without a CVE is "TEMP-0000000-ABCDEF", and changes.
//   - resolved with the fixed version "0" means that the release never had it.
//   - open says whether a fix will come elsewhere: urgency "unimportant" (no security
//     matter), urgency "end-of-life" (the package or release is not supported any more), or
//     nodsa, a text for people, with nodsa_reason "ignored" (will not be fixed),
//     "postponed" (later, with another one) or none (left for a point release).
//   - urgency may carry stars ("low**": the tracker's guess) or be "not yet assigned".
//   - undetermined is neither: nobody has looked.
//   - The releases that are no longer supported at all are not in it: their absence
//     says nothing. sid has no number: it is "Debian:sid" here.
//
// A record is a CVE in a package, so several records have the id of a CVE. The file
// has no dates.
package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxRecord bounds what is said of one CVE in one package, in bytes.
const MaxRecord = 4 << 20

// releases are Debian's, by their codenames (https://www.debian.org/releases/).
var releases = map[string]string{
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
	"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15", "sid": "sid",
}

type issue struct {
	Description string             `json:"description"`
	Releases    map[string]release `json:"releases"`
}

type release struct {
	Status  string  `json:"status"`
	Urgency string  `json:"urgency"`
	Fixed   *string `json:"fixed_version"`
	NoDSA   string  `json:"nodsa"`
	Reason  string  `json:"nodsa_reason"`
}

// Read reads the file; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	in, err := feed.NewJSON(ctx, r, MaxRecord)
	if err != nil {
		return err
	}
	defer in.Close()
	packages := 0
	err = in.Object(func(source string) error {
		if packages++; source == "" {
			return errors.New("it has no name")
		}
		return in.Object(func(id string) error {
			var i issue
			if id == "" {
				return fmt.Errorf("a vulnerability of the package %.80q has no id", source)
			}
			if err := in.Decode(&i); err != nil {
				return fmt.Errorf("%.80q in the package %.80q: %w", id, source, err)
			}
			rec, err := i.record(source, id, emit)
			if err != nil {
				return fmt.Errorf("%.80q in the package %.80q: %w", id, source, err)
			}
			if len(rec.Affected) == 0 {
				return nil // each release was skipped, and told
			}
			return emit.Put(rec)
		})
	})
	if err == io.EOF {
		return fmt.Errorf("the tracker's file is empty: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return fmt.Errorf("the tracker's package %d: %w", packages, err)
	}
	return in.End()
}

func (i *issue) record(source, id string, emit advisory.Emit) (advisory.Record, error) {
	r := advisory.Record{ID: id, CVEs: feed.CVEs(id), Summary: feed.Line(i.Description, 500)}
	if len(i.Releases) == 0 {
		emit.Skipped(id, source, "no release")
	}
	for _, codename := range slices.Sorted(maps.Keys(i.Releases)) {
		number, ok := releases[codename]
		if !ok {
			emit.Skipped(id, source+" in "+codename, "release that we do not know")
			continue
		}
		a := advisory.Affected{Ecosystem: "Debian:" + number, Package: source}
		from := i.Releases[codename]
		why, err := from.fill(&a)
		if err != nil {
			return r, fmt.Errorf("release %.40q: %w", codename, err)
		} else if why != "" {
			emit.Skipped(id, source+" in "+codename, why)
			continue
		}
		r.Affected = append(r.Affected, a)
	}
	return r, nil
}

// fill says what is known, or why it is of no use.
func (from *release) fill(a *advisory.Affected) (skip string, err error) {
	urgency := strings.TrimRight(from.Urgency, "*")
	a.Severity = feed.Severity(urgency)
	a.Ranges = []advisory.Range{{Introduced: "0"}}
	switch from.Status {
	case "resolved":
		if from.Fixed == nil || *from.Fixed == "" {
			return "resolved without a fixed version", nil
		}
		if *from.Fixed == "0" {
			a.Status = advisory.NotAffected
			return "", nil
		}
		a.Status, a.Ranges[0].Fixed = advisory.Fixed, *from.Fixed
	case "open":
		a.Status, a.Note = from.open(urgency), from.NoDSA
	case "undetermined":
		a.Status = advisory.UnderInvestigation
	default:
		return "", fmt.Errorf("the status %.40q is none of open, resolved and undetermined", from.Status)
	}
	return "", nil
}

func (from *release) open(urgency string) advisory.Status {
	switch {
	case urgency == "end-of-life":
		return advisory.EndOfLife
	case urgency == "unimportant":
		return advisory.NotUrgent
	case from.Reason == "ignored":
		return advisory.WontFix
	case from.Reason == "postponed" || from.NoDSA != "":
		return advisory.Deferred
	}
	return advisory.AffectedNow
}

// Package kev reads CISA's catalogue of known exploited vulnerabilities
// (https://www.cisa.gov/known-exploited-vulnerabilities-catalog, CC0), as CSV or JSON.
//
// The CSV begins with a line of names, so columns may move or be added (cwes came
// in 2024); it does not say its version. The JSON does, and says how many entries it
// has, by which a truncated one is found. Ransomware use is "Known" or "Unknown".
// Addresses are in the notes, between ";".
package kev

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxRecord bounds an entry, in bytes.
const MaxRecord = 1 << 20

// entry has the names of the JSON form; the CSV has the same in its first line.
type entry struct {
	ID          string `json:"cveID"`
	Name        string `json:"vulnerabilityName"`
	Added       string `json:"dateAdded"`
	Description string `json:"shortDescription"`
	Action      string `json:"requiredAction"`
	Due         string `json:"dueDate"`
	Ransomware  string `json:"knownRansomwareCampaignUse"`
	Notes       string `json:"notes"`
}

// Read reads the catalogue; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	plain, free, err := feed.Stream(ctx, r)
	if err != nil {
		return err
	}
	defer free()
	in := bufio.NewReader(plain)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		if _, err := in.Discard(3); err != nil {
			return err
		}
	}
	if first, _ := in.Peek(1); string(first) == "{" {
		return readJSON(ctx, in, emit)
	}
	return readCSV(in, emit)
}

func (e *entry) put(emit advisory.Emit) error {
	ids := feed.CVEs(e.ID)
	if len(ids) != 1 || !strings.EqualFold(ids[0], strings.TrimSpace(e.ID)) {
		return fmt.Errorf("%.40q is no CVE id", e.ID)
	}
	added, err := feed.Time(e.Added)
	if err != nil || added.IsZero() {
		return fmt.Errorf("%s has no date of addition: %.40q", ids[0], e.Added)
	}
	due, err := feed.Time(e.Due)
	if err != nil {
		return fmt.Errorf("%s: due date: %w", ids[0], err)
	}
	return emit.PutFact(advisory.Fact{
		ID: ids[0], Summary: e.Name, Description: e.Description, References: addresses(e.Notes),
		Exploited: &advisory.Exploited{Added: added, Due: due, Action: e.Action,
			Ransomware: strings.EqualFold(strings.TrimSpace(e.Ransomware), "Known")},
	})
}

func addresses(notes string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(notes, func(r rune) bool { return r == ';' || r == ' ' || r == '\n' || r == ',' }) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			all = append(all, word)
		}
	}
	return all
}

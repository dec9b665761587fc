package kev

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

func readJSON(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	in, err := feed.NewJSON(ctx, r, MaxRecord)
	if err != nil {
		return err
	}
	defer in.Close()
	var edition advisory.Edition
	said, found, listed := int64(-1), int64(0), false
	err = in.Object(func(name string) error {
		switch name {
		case "catalogVersion":
			return in.Decode(&edition.Version)
		case "dateReleased":
			var text string
			if err := in.Decode(&text); err != nil {
				return err
			}
			edition.Date, err = feed.Time(text)
			return err
		case "count":
			return in.Decode(&said)
		case "vulnerabilities":
			listed = true
			return in.Array(func() error {
				var e entry
				if err := in.Decode(&e); err != nil {
					return fmt.Errorf("entry %d: %w", found+1, err)
				}
				found++
				if err := e.put(emit); err != nil {
					return fmt.Errorf("entry %d: %w", found, err)
				}
				return nil
			})
		}
		return in.Skip()
	})
	switch {
	case err != nil:
		return fmt.Errorf("the catalogue: %w", err)
	case !listed:
		return errors.New("the catalogue has no list of vulnerabilities")
	case said >= 0 && said != found:
		return fmt.Errorf("the catalogue says that it has %d entries, and has %d", said, found)
	}
	emit.Is(edition)
	return in.End()
}

// maxCSV bounds the CSV as a whole: a record of it has no end but a quote.
const maxCSV = 64 << 20

func readCSV(r io.Reader, emit advisory.Emit) error {
	in := csv.NewReader(feed.NewParts(r, maxCSV))
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("the catalogue's line of names: %w", err)
	}
	var e entry
	fields := map[string]*string{
		"cveID": &e.ID, "vulnerabilityName": &e.Name, "dateAdded": &e.Added, "shortDescription": &e.Description,
		"requiredAction": &e.Action, "dueDate": &e.Due, "knownRansomwareCampaignUse": &e.Ransomware, "notes": &e.Notes,
	}
	columns := make([]*string, len(head))
	for i, name := range head {
		columns[i] = fields[name]
		delete(fields, name)
	}
	for _, name := range []string{"cveID", "dateAdded"} {
		if fields[name] != nil {
			return fmt.Errorf("the catalogue has no column %s", name)
		}
	}
	for n := 1; ; n++ {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("the catalogue's entry %d: %w", n, err)
		}
		for i, column := range columns {
			if column != nil {
				*column = line[i]
			}
		}
		if err := e.put(emit); err != nil {
			return fmt.Errorf("the catalogue's entry %d: %w", n, err)
		}
	}
}

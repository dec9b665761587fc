package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory/feeds"
)

// listedFeed is a line of the list.
type listedFeed struct {
	feeds.Feed
	Covers   string `json:"covers,omitempty"`
	Size     string `json:"size,omitempty"`
	License  string `json:"license,omitempty"`
	Hash     string `json:"hash,omitempty"`
	Followed bool   `json:"followed"`
	Imported bool   `json:"imported"`
}

func (l *listedFeed) state() string {
	switch {
	case l.Followed:
		return "followed"
	case l.Imported:
		return "imported"
	}
	return "-"
}

func (c *Command) listFeeds(_ context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	entries, err := folder().Entries()
	if err != nil {
		return err
	}
	all := listed(entries)
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "FEED\tKIND\tSTATE\tTRANSFERS\tCOVERS\tFROM", func(row func(...any)) {
		for _, l := range all {
			row(l.Name, l.Kind, l.state(), l.Size, l.Covers, l.Address)
		}
	})
}

// listed are the feeds that are known, and then the folder's others.
func listed(entries []feeds.Entry) (all []listedFeed) {
	line := func(feed feeds.Feed) listedFeed {
		l := listedFeed{Feed: feed, Covers: feed.Covers, Size: string(feed.Size), License: feed.License, Hash: feed.Hash}
		l.Address = feed.Where()
		return l
	}
	find := func(name string) int {
		return slices.IndexFunc(entries, func(e feeds.Entry) bool { return e.Name == name })
	}
	for _, known := range feeds.Known() {
		l := line(known)
		if i := find(known.Name); i >= 0 {
			l.Address, l.Followed, l.Imported = entries[i].Where(), entries[i].Update, !entries[i].Update
		}
		all = append(all, l)
	}
	for _, e := range entries {
		if _, known := feeds.ByName(e.Name); !known {
			l := line(e.Feed)
			l.Followed, l.Imported = e.Update, !e.Update
			all = append(all, l)
		}
	}
	return all
}

func (c *Command) feedsStatus(_ context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	limit := set.Duration("stale-after", 7*24*time.Hour, "advisories are too old if they were last known to be current so long ago")
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	status, err := folder().Status(*limit)
	if err != nil {
		return err
	}
	if *asJSON {
		err = printJSON(c.Stdout, status)
	} else {
		err = c.printStatus(&status)
	}
	if err == nil && len(status.Problems) > 0 {
		err = exitError(ExitIncomplete)
	}
	return err
}

func (c *Command) printStatus(s *feeds.Status) error {
	now := time.Now()
	err := table(c.Stdout, "FEED\tCURRENT\tNEWEST\tRECORDS\tCOVERS\tUNFIXED\tLAST TRIED\tLAST TRY", func(row func(...any)) {
		for _, source := range s.Sources {
			tried, outcome := "-", "-"
			if source.Bundled {
				outcome = "came with the program"
			}
			if i := slices.IndexFunc(s.Entries, func(e feeds.Entry) bool { return e.Name == source.Name }); i >= 0 && !s.Entries[i].Checked.IsZero() {
				tried, outcome = s.Entries[i].Checked.Local().Format(time.DateTime), "ok"
				if s.Entries[i].Error != "" {
					outcome = "failed"
				}
			}
			row(source.Name, feeds.Age(now.Sub(source.Fetched))+" ago", date(source.Newest), source.Records, ecosystems(source.Ecosystems), yesNo(source.Unfixed), tried, outcome)
		}
	})
	if err != nil {
		return err
	}
	if s.Hash != "" {
		fmt.Fprintf(text{c.Stdout}, "\nThe set in %s: %s, built %s, newest advisory %s.\n", s.Folder, s.Hash, s.Built.Local().Format(time.DateTime), date(s.Newest))
	}
	for _, problem := range s.Problems {
		fmt.Fprintf(text{c.Stderr}, "problem: %s\n", problem)
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// ecosystems is a short form of a long list.
func ecosystems(all []string) string {
	const most = 3
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

func (c *Command) verifyFeeds(ctx context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	problems, err := folder().Verify(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		if err := printJSON(c.Stdout, map[string]any{"problems": append([]string{}, problems...)}); err != nil {
			return err
		}
	} else if len(problems) == 0 {
		fmt.Fprintln(c.Stdout, "Everything is as it was fetched and built.")
	}
	for _, problem := range problems {
		fmt.Fprintf(text{c.Stderr}, "problem: %s\n", problem)
	}
	if len(problems) > 0 {
		return exitError(ExitIncomplete)
	}
	return nil
}

package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"assay/internal/advisory/feeds"
)

// feedsProblem makes a usage error of what the caller asked wrongly.
func feedsProblem(err error) error {
	if errors.Is(err, feeds.ErrUnknown) || errors.Is(err, feeds.ErrNoFeeds) {
		return usageError{err}
	}
	return err
}

func forceFlag(set *flag.FlagSet) *bool {
	return set.Bool("force", false, "take over also an edition that is older, or has far fewer records, than the one that is here")
}

func (c *Command) updateFeeds(ctx context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	var network networkFlags
	network.register(set)
	stall := set.Duration("stall", time.Minute, "give a server up that sends nothing for so long")
	force := forceFlag(set)
	anew := set.Bool("rebuild", false, "build the set even if no feed has changed")
	if err := c.parse(set, args, 0, anyNumber); err != nil {
		return err
	}
	client, err := network.client(*stall)
	if err != nil {
		return err
	}
	defer client.Close()
	o := feeds.Options{Client: client, Names: set.Args(), Force: *force, Anew: *anew}
	done := c.updating(&o)
	result, err := folder().Update(ctx, o)
	done()
	return c.ended(result, err, *asJSON)
}

// ended prints what became of feeds. What concerned all of them is told beside it.
func (c *Command) ended(result feeds.Result, err error, asJSON bool) error {
	if err != nil {
		for _, failed := range result.Failed() {
			fmt.Fprintf(text{c.Stderr}, "failed: %v\n", failed.Error)
		}
		return feedsProblem(err)
	}
	return c.printOutcome(result, asJSON)
}

func (c *Command) importFeeds(ctx context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	var as feeds.Importing
	set.StringVar(&as.Name, "name", "", "the feed's `name`, where there is one file; default after what it is")
	set.StringVar((*string)(&as.Kind), "kind", "", "the `kind`, where the content does not tell: "+feeds.KindNames())
	set.StringVar(&as.Ecosystem, "ecosystem", "", "what it is of, where the content does not tell: an `ecosystem` such as Amazon Linux:2023")
	set.BoolVar(&as.Unfixed, "unfixed", false, "it also tells what has no fix")
	fetched := set.String("fetched", "", "the `time` at which the files were current; default that of their newest record, or of the file if that is earlier")
	force := forceFlag(set)
	if err := c.parse(set, args, 1, anyNumber); err != nil {
		return err
	}
	if *fetched != "" {
		var err error
		if as.Fetched, err = pastTime(*fetched, time.Now()); err != nil {
			return err
		}
	}
	if as.Name != "" && set.NArg() > 1 {
		return usagef("-name names one file's feed, and there are %d files", set.NArg())
	}
	o := feeds.Options{Force: *force}
	done := c.updating(&o)
	result, err := folder().Import(ctx, set.Args(), as, o)
	done()
	return c.ended(result, err, *asJSON)
}

func (c *Command) exportFeeds(ctx context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	file := set.String("o", "", "write into this `file`; - is standard output")
	if err := c.parse(set, args, 0, anyNumber); err != nil {
		return err
	}
	if *file == "" {
		return usagef("say with -o where to: assay feeds export -o feeds.tar")
	}
	if *file == "-" {
		_, err := folder().Export(ctx, c.Stdout, set.Args()...)
		return feedsProblem(err)
	}
	n, err := folder().ExportFile(ctx, *file, set.Args()...)
	if err != nil {
		return feedsProblem(err)
	}
	if *asJSON {
		return printJSON(c.Stdout, map[string]any{"file": *file, "feeds": n})
	}
	fmt.Fprintf(text{c.Stdout}, "%d feeds are in %s: assay feeds import takes them over.\n", n, *file)
	return nil
}

func (c *Command) addFeeds(_ context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	var own feeds.Feed
	set.StringVar((*string)(&own.Kind), "kind", "", "a feed of your own of this `kind`: "+feeds.KindNames())
	set.StringVar(&own.Address, "from", "", "where it is from: an `address` at https, or a file; also for a feed that is known, in place of its publisher's")
	set.StringVar((*string)(&own.Find), "find", "", "how its file is found from there, the `way`: archive (archive_latest.txt names it), repo (an rpm repository or list of mirrors); default: it is there")
	set.StringVar(&own.Ecosystem, "ecosystem", "", "of osv: leave out other `ecosystems` than this; of updateinfo: what its packages are of")
	set.BoolVar(&own.Unfixed, "unfixed", false, "it also tells what has no fix")
	if err := c.parse(set, args, 1, anyNumber); err != nil {
		return err
	}
	all, err := chosen(own, set.Args())
	if err != nil {
		return err
	}
	if err := folder().Add(all...); err != nil {
		return err
	}
	return c.done(*asJSON, "%s: assay feeds update fetches what is followed.", strings.Join(set.Args(), ", "))
}

// chosen are the feeds of those names, or the one of the operator's own.
func chosen(own feeds.Feed, names []string) (all []feeds.Feed, err error) {
	plain := own == feeds.Feed{}
	if !plain && len(names) > 1 {
		return nil, usagef("-kind, -from, -find, -ecosystem and -unfixed are of one feed, and there are %d", len(names))
	}
	if own.Address != "" && !strings.Contains(own.Address, "://") {
		own.Address = absolute(own.Address)
	}
	for _, name := range names {
		known, ok := feeds.ByName(name)
		switch {
		case ok && plain:
		case ok && own == feeds.Feed{Address: own.Address, Find: own.Find}:
			known.Address, known.Find = own.Address, own.Find
		case own.Kind == "" || own.Address == "":
			return nil, usagef("no feed %q is known: assay feeds list shows those that are; one of your own needs -kind and -from", name)
		default:
			own.Name = name
			known = own
			known.Unfixed = own.Unfixed || own.Kind.Unfixed()
		}
		if err := known.Check(); err != nil {
			return nil, usageError{err}
		}
		all = append(all, known)
	}
	return all, nil
}

func (c *Command) removeFeeds(ctx context.Context, set *flag.FlagSet, args []string) error {
	folder, asJSON := folderFlags(set), jsonFlag(set)
	if err := c.parse(set, args, 1, anyNumber); err != nil {
		return err
	}
	if err := folder().Remove(ctx, set.Args()...); err != nil {
		return feedsProblem(err)
	}
	return c.done(*asJSON, "%s: removed; the set is built without.", strings.Join(set.Args(), ", "))
}

package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"assay/internal/advisory/feeds"
	"assay/internal/advisory/fetch"
	"assay/internal/release"
	"assay/internal/service"
)

// The actions work on the folder of advisories, whether a service runs on it or not; one
// that does notices.
func feedActions() []action {
	return []action{
		{"list", "", "list the feeds that are known by name and those that were added", (*Command).listFeeds},
		{"update", "[NAME...]", "fetch the feeds that are followed, or some, and build the set of all anew", (*Command).updateFeeds},
		{"import", "FILE...", "take over feeds from files and folders, or from what export has written: no network is needed", (*Command).importFeeds},
		{"export", "[NAME...]", "write feeds as they were fetched into a file, for a machine without a network", (*Command).exportFeeds},
		{"status", "", "tell how old the advisories are, and what is wrong with them", (*Command).feedsStatus},
		{"add", "NAME...", "follow feeds: update fetches them. With -kind and -from a feed of your own", (*Command).addFeeds},
		{"remove", "NAME...", "give feeds up, and what they said", (*Command).removeFeeds},
		{"verify", "", "read everything that is there, and tell what is not as it was fetched and built", (*Command).verifyFeeds},
	}
}

// folderFlags are the flags that name a folder of advisories; open opens it once they
// are parsed.
func folderFlags(set *flag.FlagSet) (open func() *feeds.Folder) {
	data := set.String("data", defaultData, "the service's data `folder`")
	advisories := set.String("advisories", "", "the `folder` of the advisories; default advisories in the data folder")
	return func() *feeds.Folder {
		if *advisories != "" {
			return feeds.At(*advisories)
		}
		return feeds.At(service.Folder(*data).Advisories())
	}
}

// anyNumber of arguments.
const anyNumber = 1 << 20

// networkFlags say how feeds are fetched, here and in the service.
type networkFlags struct{ mirror, ca string }

func (f *networkFlags) register(set *flag.FlagSet) {
	set.StringVar(&f.mirror, "feeds-mirror", "", "fetch feeds from this `address`, as ADDRESS/host/path for https://host/path")
	set.StringVar(&f.ca, "feeds-ca", "", "also trust the authorities in this `file` of certificates, as of a proxy or mirror")
}

// client fetches feeds. What is wrong with the flags is a usage error.
func (f *networkFlags) client(stall time.Duration) (*fetch.Client, error) {
	config := fetch.Config{Mirror: f.mirror, Stall: stall, Agent: "assay/" + release.Version()}
	if f.ca != "" {
		var err error
		if config.CA, err = os.ReadFile(f.ca); err != nil {
			return nil, err
		}
	}
	client, err := fetch.New(config)
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// updating shows progress on a terminal, and says what became of each feed.
func (c *Command) updating(o *feeds.Options) (done func()) {
	line := c.progress()
	last := time.Time{}
	o.On = func(p feeds.Progress) {
		if time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		switch {
		case p.Step == feeds.Fetching && p.Total > 0:
			line.show("%s: %s of %s fetched", p.Feed, megabytes(p.Done), megabytes(p.Total))
		case p.Step == feeds.Fetching:
			line.show("%s: %s fetched", p.Feed, megabytes(p.Done))
		case p.Step == feeds.Reading:
			line.show("%s: reading %s", p.Feed, megabytes(p.Total))
		default:
			line.show("building the set: %d of %d feeds", p.Done, p.Total)
		}
	}
	return line.done
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// outcome is what is printed of a feed as JSON.
type feedOutcome struct {
	Name    string     `json:"name"`
	Changed bool       `json:"changed"`
	Error   string     `json:"error,omitempty"`
	Records int        `json:"records"`
	Newest  *time.Time `json:"newest,omitempty"`
}

// printOutcome prints what became of feeds and the set. Failures make the command fail.
func (c *Command) printOutcome(r feeds.Result, asJSON bool) error {
	if asJSON {
		all := []feedOutcome{}
		for _, f := range r.Feeds {
			o := feedOutcome{Name: f.Name, Changed: f.New, Records: f.Total()}
			if f.Error != nil {
				o.Error = f.Error.Error()
			}
			if !f.Newest.IsZero() {
				o.Newest = &f.Newest
			}
			all = append(all, o)
		}
		if err := printJSON(c.Stdout, map[string]any{"feeds": all, "set": r.Manifest.Hash(), "built": r.Built}); err != nil {
			return err
		}
	} else {
		c.tellOutcome(r)
	}
	if len(r.Failed()) > 0 {
		return exitError(ExitIncomplete)
	}
	return nil
}

func (c *Command) tellOutcome(r feeds.Result) {
	out := text{c.Stdout}
	for _, f := range r.Feeds {
		switch {
		case f.Error != nil && f.File != "":
			fmt.Fprintf(text{c.Stderr}, "failed: %v; the copy of %s is used\n", f.Error, f.Fetched.Local().Format(time.DateOnly))
		case f.Error != nil:
			fmt.Fprintf(text{c.Stderr}, "failed: %v\n", f.Error)
		case f.New:
			fmt.Fprintf(out, "%s: new: %s\n", f.Name, contents(&f.Contents))
		default:
			fmt.Fprintf(out, "%s: unchanged: %s\n", f.Name, contents(&f.Contents))
		}
	}
	state := "unchanged"
	if r.Built {
		state = "built"
	}
	fmt.Fprintf(out, "The set of advisories is %s: %s, %d ecosystems and releases, newest advisory %s.\n", state, r.Manifest.Hash()[:12], len(r.Manifest.Files), date(r.Manifest.Newest()))
}

func contents(c *feeds.Contents) string {
	what := fmt.Sprintf("%d records", c.Total())
	if n := len(c.Ecosystems); n > 0 {
		what += fmt.Sprintf(" of %d ecosystems and releases", n)
	}
	if !c.Newest.IsZero() {
		what += ", newest " + date(c.Newest)
	}
	return what
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func absolute(name string) string {
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

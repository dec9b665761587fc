package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/operator"
)

// stored is the telemetry by which a re-match has judged a host.
type stored struct {
	Agent       string    `json:"agent"`
	Host        string    `json:"host"`
	CollectedAt time.Time `json:"collected_at"`
	Run         string    `json:"run,omitempty"` // the ARN of the run that has collected it, unless that is deleted
}

func (c *Command) rematch(ctx context.Context, set *flag.FlagSet, args []string) error {
	var flags assessFlags
	data := dataFlag(set)
	flags.registerPrinting(set)
	wait := set.Bool("wait", true, "wait for the end and print what was found; -wait=false prints the run's ARN at once")
	if err := c.parse(set, args, 0, 1); err != nil {
		return err
	}
	if !*wait && flags.failOn != "" {
		return usagef("-fail-on is about what was found, which is not known with -wait=false")
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	started, err := client.rematch(ctx, set.Arg(0))
	switch {
	case err != nil:
		return err
	case *wait:
		return c.follow(ctx, client, started.Run, flags)
	case flags.json:
		return printJSON(c.Stdout, started)
	}
	fmt.Fprintln(text{c.Stdout}, started.Run) // alone, so that a script can take it
	fmt.Fprintf(text{c.Stderr}, "Of %s, %d cannot be judged.\n", count(started.Hosts, "host"), len(started.Excluded))
	return nil
}

// rematch starts a re-match of a template by its ARN, id or name; "": of all hosts.
func (c *client) rematch(ctx context.Context, template string) (started operator.StartRematchResponse, err error) {
	request := operator.StartRematchRequest{}
	if template != "" {
		if request.Template, err = c.findTemplate(ctx, template); err != nil {
			return started, err
		}
	}
	err = c.operator(ctx, operator.StartRematch, request, &started)
	return started, err
}

// isRematch tells a re-match from other runs.
func isRematch(r model.AssessmentRun) bool {
	return slices.ContainsFunc(r.Notifications, func(n model.AssessmentRunNotification) bool {
		return n.SnsTopicArn == "" && n.Message == inspector.RematchNotice
	})
}

// runKind names what kind of run one is.
func runKind(rematch bool) string {
	if rematch {
		return "re-match"
	}
	return "assessment"
}

// gatherTelemetry adds by what each host of a re-match was judged, the oldest first.
func (c *client) gatherTelemetry(ctx context.Context, o *outcome) error {
	err := list(func(token string) (string, error) {
		var answer operator.RematchHostsResponse
		request := operator.RematchHostsRequest{Run: o.Run, PageRequest: operator.PageRequest{MaxResults: page, NextToken: token}}
		err := c.operator(ctx, operator.ListRematchHosts, request, &answer)
		for _, h := range answer.Hosts {
			if !h.CollectedAt.IsZero() {
				o.Telemetry = append(o.Telemetry, stored{h.Agent, hostName(h.Hostname, h.Agent), h.CollectedAt, h.Source})
			}
		}
		return answer.NextToken, err
	})
	slices.SortStableFunc(o.Telemetry, func(a, b stored) int { return a.CollectedAt.Compare(b.CollectedAt) })
	return err
}

// printTelemetry says how old what each host was judged by is.
func (o *outcome) printTelemetry(w io.Writer) {
	if len(o.Telemetry) == 0 {
		return
	}
	fmt.Fprint(w, "\nJUDGED BY STORED TELEMETRY\n")
	for _, s := range o.Telemetry {
		from := "a run that is deleted"
		if s.Run != "" {
			from = "the run " + shortID(s.Run)
		}
		fmt.Fprintf(w, "  %s: of %s, %s old, from %s\n", s.Host, s.CollectedAt.UTC().Format("2006-01-02 15:04 UTC"), age(time.Since(s.CollectedAt)), from)
	}
}

// age words a duration in the largest unit of which it has one.
func age(d time.Duration) string {
	for _, unit := range []struct {
		name string
		span time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d >= unit.span {
			return count(int(d/unit.span), unit.name)
		}
	}
	return "less than a minute"
}

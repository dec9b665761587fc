package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/agent"
	"assay/internal/sensor"
)

func statusFlags(fs *flag.FlagSet, s *settings) {
	stateFlag(fs, s)
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

// statusOf is what status prints as JSON.
type statusOf struct {
	*agent.Status `json:",inline"` // nil: no agent runs

	Kernel kernel `json:"kernel"`
}

// status fails if the agent does not run, does not answer, or its service has
// never answered it. Other trouble is what it prints. The kernel, and what the
// published list says of it, it tells in any case.
func status(_ context.Context, c *Cmd, s *settings) error {
	now := time.Now()
	k, err := thisKernel()
	if err != nil {
		return err
	}
	st, away := agent.ReadStatus(s.state, now)
	told := statusOf{Kernel: k}
	if away == nil {
		told.Status = &st
	}
	if s.json {
		err = printJSON(c.Stdout, told)
	} else {
		err = printStatus(c.Stdout, told, now)
	}
	switch {
	case err != nil:
		return err
	case away != nil:
		return away
	case st.LastContact.IsZero():
		return fmt.Errorf("the agent runs, and its service has not answered it yet")
	}
	return nil
}

func printStatus(w io.Writer, told statusOf, now time.Time) error {
	var b strings.Builder
	if told.Status != nil {
		agentWords(&b, *told.Status, now)
	}
	fmt.Fprintf(&b, "Kernel       %s\n", told.Kernel.words())
	_, err := io.WriteString(w, b.String())
	return err
}

func agentWords(b *strings.Builder, st agent.Status, now time.Time) {
	contact := "never"
	if !st.LastContact.IsZero() {
		contact = now.Sub(st.LastContact).Round(time.Second).String() + " ago"
	}
	health := "healthy"
	if len(st.Health) > 0 {
		health = "unhealthy\n  " + strings.Join(st.Health, "\n  ")
	}
	fmt.Fprintf(b, "Agent        %s (%s, process %d, since %s)\n", st.Agent, st.Version, st.PID, st.Started.Format(time.RFC3339))
	fmt.Fprintf(b, "Service      %s, last contact %s\n", st.Server, contact)
	fmt.Fprintf(b, "Certificate  until %s\n", st.Certificate.Format(time.RFC3339))
	fmt.Fprintf(b, "Spool        %d segments, %d of %d bytes\n", st.Spool.Segments, st.Spool.Bytes, st.Spool.Limit)
	for _, r := range st.Runs {
		fmt.Fprintf(b, "Run          %s\n", progress(r.Run, r.State, r.Sequence, r.Reason))
	}
	for _, t := range st.Tiers {
		fmt.Fprintf(b, "%-12s %s\n", title(t.Sensor), tierWords(t))
	}
	fmt.Fprintf(b, "Health       %s\n", health)
}

func title(s string) string { return strings.ToUpper(s[:min(len(s), 1)]) + s[min(len(s), 1):] }

// tierWords is how a sensor observes, or would.
func tierWords(t agent.Tier) string {
	words := "observes by " + t.Tier + " since " + t.Since.Format(time.RFC3339)
	switch {
	case t.Expected && t.Tier == "":
		words = "could not observe"
	case t.Expected:
		words = "is expected to observe by " + t.Tier + " when a run asks for it"
	default:
		words += fmt.Sprintf(": %d executions, %d connections, %d accepted", t.Executions, t.Connections, t.Accepted)
	}
	for _, text := range t.Short {
		words += "\n  " + strings.ReplaceAll(text, "\n", "; ")
	}
	return words
}

// progress is a run as one reads it. The count of segments is forgotten when the
// agent starts again after a run's end.
func progress(run, state string, acknowledged int64, reason string) string {
	words := run + ": " + state
	if acknowledged > 0 {
		words += fmt.Sprintf(", %d segments acknowledged", acknowledged)
	}
	if reason != "" {
		words += ": " + reason
	}
	return words
}

func printJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func sensorsFlags(fs *flag.FlagSet, s *settings) {
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

// listSensors prints the published scope.
func listSensors(_ context.Context, c *Cmd, s *settings) error {
	descriptions := []sensor.Description{}
	for _, one := range c.Sensors {
		descriptions = append(descriptions, one.Describe())
	}
	if s.json {
		return printJSON(c.Stdout, descriptions)
	}
	if len(descriptions) == 0 {
		_, err := fmt.Fprintln(c.Stdout, noSensors)
		return err
	}
	var b strings.Builder
	for _, d := range descriptions {
		fmt.Fprintf(&b, "%s: %s\n", d.Name, d.Summary)
		if d.Live {
			fmt.Fprintf(&b, "  only of a running system\n")
		}
		if d.Optional {
			fmt.Fprintf(&b, "  only if it is asked for by name\n")
		}
		for _, r := range d.Reads {
			fmt.Fprintf(&b, "  reads  %s\n", r)
		}
		for _, n := range d.Never {
			fmt.Fprintf(&b, "  never  %s\n", n)
		}
	}
	_, err := io.WriteString(c.Stdout, b.String())
	return err
}

const noSensors = "this version has no sensors for this operating system yet: Linux hosts only"

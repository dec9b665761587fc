package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
)

func suppressActions() []action {
	return []action{
		{"list", "", "list suppressions, also those that have ended, with who made them and why", (*Command).listSuppressions},
		{"add", "", "from the next run on, make no findings of what is selected; prints the suppression's id", (*Command).addSuppression},
		{"revoke", "SUPPRESSION", "end a suppression; it stays on record", (*Command).revokeSuppression},
	}
}

func (c *Command) addSuppression(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	var flags suppressFlags
	flags.register(set)
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	if err := flags.check(time.Now()); err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	request, err := flags.request(ctx, client, time.Now())
	if err != nil {
		return err
	}
	if flags.preview {
		return c.previewSuppression(ctx, client, flags.run, request, *asJSON)
	}
	var added operator.Suppression
	if err := client.operator(ctx, operator.AddSuppression, request, &added); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, added)
	}
	fmt.Fprintln(c.Stdout, added.ID) // alone, so that a script can take it
	fmt.Fprintf(text{c.Stderr}, "From the next run on, %s is suppressed %s.\n", selected(added.SuppressionSelector), until(added.Until))
	return nil
}

func (c *Command) revokeSuppression(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	if err := client.operator(ctx, operator.RevokeSuppression, operator.SuppressionRequest{ID: set.Arg(0)}, nil); err != nil {
		return err
	}
	return c.done(*asJSON, "The suppression %s is revoked; the next run has what it suppressed as findings again.", set.Arg(0))
}

func (c *Command) listSuppressions(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all, err := pages(func(p operator.PageRequest) ([]operator.Suppression, string, error) {
		var answer operator.SuppressionsResponse
		err := client.operator(ctx, operator.ListSuppressions, p, &answer)
		return answer.Suppressions, answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "SUPPRESSION\tSTATE\tUNTIL\tWHAT\tBY\tREASON", func(row func(...any)) {
		for _, s := range all {
			row(s.ID, s.State, strings.TrimPrefix(until(s.Until), "until "), selected(s.SuppressionSelector), shortID(s.Author), s.Reason)
		}
	})
}

// until words when a suppression ends.
func until(t time.Time) string {
	if t.IsZero() {
		return "for ever"
	}
	return "until " + t.UTC().Format("2006-01-02 15:04 MST")
}

// selected words what a suppression selects.
func selected(s operator.SuppressionSelector) string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+" "+value)
		}
	}
	add("finding", string(s.Finding))
	add("rule", s.Rule)
	add("package", string(s.Package))
	add("subject", string(s.Subject))
	for _, a := range s.Attributes {
		add("attribute", a.Key+"="+a.Value)
	}
	add("host", string(s.Hostname))
	add("agent", s.Agent)
	add("tag", tags(s.Tags))
	return strings.Join(words, ", ")
}

// readSuppressions reads what assay suppress list -json has printed. Whatever is not
// a valid suppression is refused: one that is read wrongly would hide findings, or
// hide none.
func readSuppressions(data []byte) ([]inspector.Suppression, error) {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	var listed []operator.Suppression
	if err := decoder.Decode(&listed); err != nil {
		return nil, fmt.Errorf("it is not what assay suppress list -json prints: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("it is not what assay suppress list -json prints: something follows the list")
	}
	var all []inspector.Suppression
	for i, one := range listed {
		s := one.Suppression()
		// One that has ended is none that is not valid.
		if err := s.Check(s.CreatedAt); err != nil {
			return nil, fmt.Errorf("entry %d (%s): %w", i+1, one.ID, err)
		}
		all = append(all, s)
	}
	return all, nil
}

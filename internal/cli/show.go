package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/rules"
)

func (c *Command) findings(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	asJSON := set.Bool("json", false, "print JSON")
	fixable := set.Bool("fixable", false, "leave out vulnerabilities that have no fix")
	suppressed := set.Bool("suppressed", false, "list what was found and is suppressed instead, with who decided so")
	before := set.String("since", "", "tell what became of findings since this `run`: new, still open, fixed, suppressed, not checked any more")
	var failOn inspector.Severity
	failOnFlag(set, &failOn, "with -since: exit with 1 if a new finding is of this `severity` or worse")
	client, err := c.connect(set, data, args, 0, 1)
	if err != nil {
		return err
	}
	if *suppressed && *before != "" || failOn != "" && *before == "" {
		return usagef("-suppressed and -since exclude each other, and -fail-on goes with -since")
	}
	arn, err := client.findRun(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	switch {
	case *suppressed:
		return c.listSuppressed(ctx, client, arn, *asJSON)
	case *before != "":
		old, err := client.findRun(ctx, *before)
		if err != nil {
			return err
		}
		return c.since(ctx, client, old, arn, failOn, *asJSON)
	}
	o, err := client.outcome(ctx, arn)
	if err != nil {
		return err
	}
	if *fixable {
		o.leaveOut(unfixable)
	}
	if *asJSON {
		return printJSON(c.Stdout, o)
	}
	o.print(c.Stdout)
	return nil
}

// allRuns lists the runs, newest first.
func (c *client) allRuns(ctx context.Context) (runs []model.AssessmentRun, err error) {
	runs = []model.AssessmentRun{}
	err = list(func(token string) (string, error) {
		var listed model.ListAssessmentRunsResponse
		if err := c.inspector(ctx, "ListAssessmentRuns", paged(map[string]any{}, token), &listed); err != nil {
			return "", err
		}
		for batch := range slices.Chunk(listed.AssessmentRunArns, 10) {
			var described model.DescribeAssessmentRunsResponse
			if err := c.inspector(ctx, "DescribeAssessmentRuns", map[string]any{"assessmentRunArns": batch}, &described); err != nil {
				return "", err
			}
			runs = append(runs, described.AssessmentRuns...)
		}
		return listed.NextToken, nil
	})
	slices.SortStableFunc(runs, func(a, b model.AssessmentRun) int { return b.CreatedAt.Time.Compare(a.CreatedAt.Time) })
	return runs, err
}

// findRun finds a run by its ARN, its id, or, for "", the last one that is over.
func (c *client) findRun(ctx context.Context, name string) (string, error) {
	if arn, err := inspector.ParseARN(name); err == nil && arn.Kind != inspector.KindRun {
		return "", fmt.Errorf("%s is the ARN of something else than an assessment run", name)
	} else if err == nil {
		return name, nil
	}
	runs, err := c.allRuns(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range runs {
		if name == "" && inspector.RunState(r.State).Final() || name != "" && shortID(r.Arn) == name {
			return r.Arn, nil
		}
	}
	if name == "" {
		return "", errors.New("no assessment run is over yet: assay assess TARGET makes one")
	}
	return "", fmt.Errorf("there is no assessment run %q: assay runs lists them", name)
}

func (c *Command) runs(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	asJSON := set.Bool("json", false, "print JSON")
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	runs, err := client.allRuns(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, runs)
	}
	return table(c.Stdout, "RUN\tSTARTED\tSTATE\tFINDINGS\tKIND\tNAME", func(row func(...any)) {
		for _, r := range runs {
			found := (&outcome{Counts: r.FindingCounts}).found()
			row(shortID(r.Arn), r.CreatedAt.Time.Local().Format(time.DateTime), words(r.State), found, runKind(isRematch(r)), r.Name)
		}
	})
}

func (c *Command) explain(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	run := set.String("run", "", "the `run` of a finding that is named by the last part of its ARN; default the last one that is over")
	asJSON := set.Bool("json", false, "print JSON")
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	arn, err := client.findingARN(ctx, set.Arg(0), *run)
	if err != nil {
		return err
	}
	found, err := client.findings(ctx, []string{arn})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no finding %s", arn)
	}
	if *asJSON {
		return printJSON(c.Stdout, found[0])
	}
	c.printExplanation(found[0])
	return nil
}

// findingARN is the ARN of a finding that is named by it, or by the last part of it in
// a run.
func (c *client) findingARN(ctx context.Context, name, run string) (string, error) {
	if _, err := inspector.ParseARN(name); err == nil {
		return name, nil
	}
	of, err := c.findRun(ctx, run)
	return of + "/finding/" + name, err
}

func (c *Command) printExplanation(f finding) {
	w := text{c.Stdout}
	fmt.Fprintf(w, "%s: %s\n\n", strings.ToUpper(string(f.Severity)), oneLine(f.Title))
	for _, line := range [][2]string{{"host", f.Host + " (" + f.Agent + ")"}, {"rule", f.Rule + " of " + f.Package}, {"finding", f.ARN}} {
		fmt.Fprintf(w, "%-9s%s\n", line[0], line[1])
	}
	if life := lifeWords(f.FindingLife); len(life) > 0 {
		fmt.Fprintf(w, "%-9s%s\n", "life", strings.Join(life, "; "))
	}
	fmt.Fprintf(w, "\n%s\n\nEvidence\n", f.Description)
	for _, e := range f.Evidence {
		fmt.Fprintf(w, "  %s\n      record %s of the sensor %s\n", e, oneLine(e.Record), oneLine(e.Sensor))
	}
	if len(f.Attributes) > 0 {
		fmt.Fprint(w, "\nAttributes\n")
	}
	for _, key := range slices.Sorted(maps.Keys(f.Attributes)) {
		fmt.Fprintf(w, "  %-16s %s\n", oneLine(key), oneLine(f.Attributes[key]))
	}
	fmt.Fprintf(w, "\nWhat to do\n  %s\n", strings.ReplaceAll(f.Recommendation, "\n", "\n  "))
}

func (c *Command) results(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	asJSON := set.Bool("json", false, "print JSON")
	client, err := c.connect(set, data, args, 0, 1)
	if err != nil {
		return err
	}
	run, err := client.findRun(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	all := []operator.HostResults{}
	if err := client.results(ctx, run, func(r operator.HostResults) { all = append(all, r) }); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	printResults(c.Stdout, all)
	return nil
}

// printResults prints each rule's verdict with its reason.
func printResults(w io.Writer, all []operator.HostResults) {
	w = text{w}
	for _, host := range all {
		fmt.Fprintf(w, "%s %s\n", host.Agent, host.Package)
		for _, r := range host.Results {
			rule := r.Rule
			if r.Subject != "" {
				rule += " (" + oneLine(r.Subject) + ")"
			}
			fmt.Fprintf(w, "  %-15s%s: %s\n", r.Verdict, rule, oneLine(r.Reason))
			if r.Suppressed != nil {
				fmt.Fprintf(w, "  %-15ssuppressed by %s\n", "", oneLine(r.Suppressed.String()))
			}
			if r.Remedy != "" && (r.Verdict == rules.NotEvaluated || r.Verdict == rules.Error) {
				fmt.Fprintf(w, "  %-15sdo: %s\n", "", oneLine(r.Remedy))
			}
		}
	}
}

// table prints rows in columns.
func table(w io.Writer, heading string, rows func(row func(...any))) error {
	t := tabwriter.NewWriter(text{w}, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, heading)
	rows(func(cells ...any) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, oneLine(fmt.Sprint(cell)))
		}
		fmt.Fprintln(t)
	})
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(jsonText{w})
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

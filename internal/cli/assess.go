package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// assessFlags are what `assess` and `try` have in common.
type assessFlags struct {
	json     bool
	failOn   inspector.Severity // empty: whatever is found is no failure
	duration time.Duration
}

func (f *assessFlags) register(set *flag.FlagSet) {
	f.registerPrinting(set)
	set.DurationVar(&f.duration, "duration", 15*time.Minute, "collect for at most so long (3m to 24h); it ends when every host has answered")
}

// registerPrinting has the flags that do not depend on what is assessed.
func (f *assessFlags) registerPrinting(set *flag.FlagSet) {
	set.BoolVar(&f.json, "json", false, "print JSON")
	failOnFlag(set, &f.failOn, "exit with 1 if a finding is of this `severity` or worse")
}

// failOnFlag is the flag -fail-on.
func failOnFlag(set *flag.FlagSet, to *inspector.Severity, usage string) {
	set.Func("fail-on", usage+": high, medium, low, informational", func(text string) (err error) {
		if *to = ""; text != "" {
			*to, err = parseSeverity(text)
		}
		return err
	})
}

func parseSeverity(text string) (inspector.Severity, error) {
	for _, s := range inspector.Severities() {
		if s != inspector.Undefined && strings.EqualFold(string(s), text) {
			return s, nil
		}
	}
	return "", fmt.Errorf("%q is no severity: high, medium, low, informational", text)
}

// The bounds of a run's duration are Inspector's.
const (
	minDuration = 3 * time.Minute
	maxDuration = 24 * time.Hour
)

// check tells what is wrong with the flags.
func (f *assessFlags) check() error {
	if f.duration < minDuration || f.duration > maxDuration || f.duration%time.Second != 0 {
		return usagef("a duration is 3m to 24h, in whole seconds, not %v", f.duration)
	}
	return nil
}

func (c *Command) assess(ctx context.Context, set *flag.FlagSet, args []string) error {
	var flags assessFlags
	data := dataFlag(set)
	flags.register(set)
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	if err := flags.check(); err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	target, err := client.target(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	if target == "" {
		return fmt.Errorf("there is no assessment target %q: aws --endpoint-url $ASSAY_ENDPOINT inspector list-assessment-targets, or create-assessment-target, tells and makes them", set.Arg(0))
	}
	return c.assessTarget(ctx, client, target, flags)
}

// assessTarget runs an assessment of a target to its end and prints it.
func (c *Command) assessTarget(ctx context.Context, client *client, target string, flags assessFlags) error {
	run, err := client.start(ctx, target, flags.duration)
	if err != nil {
		return err
	}
	return c.follow(ctx, client, run, flags)
}

// follow waits for the end of a run and prints what it came to.
func (c *Command) follow(ctx context.Context, client *client, run string, flags assessFlags) error {
	client.patience = patience
	var o *outcome
	err := c.watch(ctx, client, run)
	if err == nil {
		o, err = client.outcome(ctx, run)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w; the run goes on as long as the service does: assay results %s tells how it ended", err, run)
	}
	if flags.json {
		if err := printJSON(c.Stdout, o); err != nil {
			return err
		}
	} else {
		o.print(c.Stdout)
	}
	return o.exit(flags.failOn)
}

// patience is how long a service may be away while its run is waited for.
const patience = 2 * time.Minute

// target finds a target by its ARN or its name; "" if there is none.
func (c *client) target(ctx context.Context, name string) (string, error) {
	if _, err := inspector.ParseARN(name); err == nil {
		return name, nil
	}
	var found model.ListAssessmentTargetsResponse
	err := c.inspector(ctx, "ListAssessmentTargets", map[string]any{
		"filter": map[string]any{"assessmentTargetNamePattern": name}, "maxResults": 500,
	}, &found)
	if err != nil {
		return "", err
	}
	var described model.DescribeAssessmentTargetsResponse
	for batch := range slices.Chunk(found.AssessmentTargetArns, 10) {
		if err := c.inspector(ctx, "DescribeAssessmentTargets", map[string]any{"assessmentTargetArns": batch}, &described); err != nil {
			return "", err
		}
		for _, t := range described.AssessmentTargets {
			if t.Name == name { // the pattern's stars are the name's
				return t.Arn, nil
			}
		}
	}
	return "", nil
}

// start starts a run of every rules package that the service has, under a
// template that is made at the first time.
func (c *client) start(ctx context.Context, target string, duration time.Duration) (run string, err error) {
	template, err := c.templateOfAll(ctx, target, duration)
	if err != nil {
		return "", err
	}
	var started model.StartAssessmentRunResponse
	err = c.inspector(ctx, "StartAssessmentRun", map[string]any{"assessmentTemplateArn": template}, &started)
	return started.AssessmentRunArn, err
}

// templateOfAll is the template of every rules package that the service has.
func (c *client) templateOfAll(ctx context.Context, target string, duration time.Duration) (string, error) {
	var packages model.ListRulesPackagesResponse
	if err := c.inspector(ctx, "ListRulesPackages", map[string]any{"maxResults": 500}, &packages); err != nil {
		return "", err
	}
	return c.template(ctx, target, duration, packages.RulesPackageArns)
}

// template finds the template of that duration and those packages which an
// earlier call made, or makes it.
func (c *client) template(ctx context.Context, target string, duration time.Duration, packages []string) (string, error) {
	seconds := int64(duration / time.Second)
	name := fmt.Sprintf("assay assess %s %d packages", duration, len(packages))
	var found model.ListAssessmentTemplatesResponse
	err := c.inspector(ctx, "ListAssessmentTemplates", map[string]any{
		"assessmentTargetArns": []string{target}, "filter": map[string]any{"namePattern": name + "*"}, "maxResults": 500,
	}, &found)
	if err != nil {
		return "", err
	}
	slices.Sort(packages)
	for batch := range slices.Chunk(found.AssessmentTemplateArns, 10) {
		var described model.DescribeAssessmentTemplatesResponse
		if err := c.inspector(ctx, "DescribeAssessmentTemplates", map[string]any{"assessmentTemplateArns": batch}, &described); err != nil {
			return "", err
		}
		for _, t := range described.AssessmentTemplates {
			slices.Sort(t.RulesPackageArns)
			if t.DurationInSeconds == seconds && slices.Equal(t.RulesPackageArns, packages) {
				return t.Arn, nil
			}
		}
	}
	if len(found.AssessmentTemplateArns) > 0 { // of other packages
		name += " " + inspector.NewID()
	}
	var created model.CreateAssessmentTemplateResponse
	err = c.inspector(ctx, "CreateAssessmentTemplate", map[string]any{
		"assessmentTargetArn": target, "assessmentTemplateName": name,
		"durationInSeconds": seconds, "rulesPackageArns": packages,
	}, &created)
	return created.AssessmentTemplateArn, err
}

// watch waits until a run is over, telling on a terminal how far it is.
func (c *Command) watch(ctx context.Context, client *client, run string) error {
	line := c.progress()
	defer line.done()
	began := time.Now()
	for {
		r, err := client.run(ctx, run)
		if err != nil {
			return err
		}
		if inspector.RunState(r.State).Final() {
			return nil
		}
		line.show("%s  %s  %s", time.Since(began).Round(time.Second), words(r.State), client.received(ctx, run))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// run describes one run.
func (c *client) run(ctx context.Context, arn string) (model.AssessmentRun, error) {
	var described model.DescribeAssessmentRunsResponse
	if err := c.inspector(ctx, "DescribeAssessmentRuns", map[string]any{"assessmentRunArns": []string{arn}}, &described); err != nil {
		return model.AssessmentRun{}, err
	}
	if len(described.AssessmentRuns) == 0 {
		return model.AssessmentRun{}, fmt.Errorf("there is no assessment run %s", arn)
	}
	return described.AssessmentRuns[0], nil
}

// received words how much telemetry has come; nothing where that cannot be told.
func (c *client) received(ctx context.Context, run string) string {
	var told model.GetTelemetryMetadataResponse
	if err := c.inspector(ctx, "GetTelemetryMetadata", map[string]any{"assessmentRunArn": run}, &told); err != nil {
		return ""
	}
	for _, m := range told.TelemetryMetadata {
		if m.MessageType == "Total" && m.DataSize != nil {
			return fmt.Sprintf("%d records, %.1f MB", m.Count, float64(*m.DataSize)/1e6)
		}
	}
	return ""
}

// words makes a state readable: "COLLECTING_DATA" becomes "collecting data".
func words(state string) string { return strings.ToLower(strings.ReplaceAll(state, "_", " ")) }

package cli

import (
	"context"
	"errors"
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
	observe  time.Duration // 0: without the rules packages that observe
	endEarly bool          // an observation that is interrupted ends, and is evaluated
	how      string        // to assess with an observation, as one would type it
	left     []leftOut     // the packages that are left out
}

// usualDuration is that of a run that ends when every host has answered.
const usualDuration = 15 * time.Minute

func (f *assessFlags) register(set *flag.FlagSet) {
	f.registerPrinting(set)
	f.registerLasting(set)
}

// registerLasting has the flags about how long is collected.
func (f *assessFlags) registerLasting(set *flag.FlagSet) {
	set.DurationVar(&f.duration, "duration", usualDuration, "collect for at most so long (3m to 24h); it ends when every host has answered")
	set.DurationVar(&f.observe, "observe", 0, "with Runtime Behavior Analysis: observe the hosts for this whole `duration` (3m to 24h); default: without it")
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
	if f.observe != 0 {
		if f.duration != usualDuration {
			return usagef("-duration and -observe exclude each other: what is observed is observed for the whole duration")
		}
		f.duration = f.observe
	}
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
	flags.how = "assay assess -observe 3m " + set.Arg(0)
	return c.assessTarget(ctx, client, target, flags)
}

// assessTarget runs an assessment of a target to its end and prints it.
func (c *Command) assessTarget(ctx context.Context, client *client, target string, flags assessFlags) error {
	some, err := client.packagesFor(ctx, flags.observe > 0)
	if err != nil {
		return err
	}
	for _, name := range some.left {
		flags.left = append(flags.left, leftOut{name, "it observes for some minutes", flags.how})
	}
	c.sayLeftOut(flags.left)
	run, err := client.start(ctx, target, flags.duration, some.arns)
	if err != nil {
		return err
	}
	return c.follow(ctx, client, run, flags)
}

// follow waits for the end of a run and prints what it came to.
func (c *Command) follow(ctx context.Context, client *client, run string, flags assessFlags) error {
	client.patience = patience
	var o *outcome
	err := c.await(ctx, client, run)
	if why := context.Cause(ctx); why != nil && flags.endEarly && !errors.As(why, new(partEnded)) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(context.WithoutCancel(ctx), ending, why)
		defer cancel()
		err = c.endObserving(ctx, client, run, why)
	}
	if err == nil {
		o, err = client.outcome(ctx, run)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w; the run goes on as long as the service does: assay results %s tells how it ended", err, run)
	}
	o.LeftOut = flags.left
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

// start starts a run of rules packages, under a template that is made at the first
// time.
func (c *client) start(ctx context.Context, target string, duration time.Duration, packages []string) (run string, err error) {
	template, err := c.template(ctx, target, duration, packages)
	if err != nil {
		return "", err
	}
	var started model.StartAssessmentRunResponse
	err = c.inspector(ctx, "StartAssessmentRun", map[string]any{"assessmentTemplateArn": template}, &started)
	return started.AssessmentRunArn, err
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

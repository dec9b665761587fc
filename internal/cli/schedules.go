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
	"assay/internal/operator"
	"assay/internal/schedule"
)

func scheduleActions() []action {
	return []action{
		{"list", "", "list schedules, when they start a run next, and what became of the last", (*Command).listSchedules},
		{"add", "", "start runs of a template again and again; prints the schedule's id", (*Command).addSchedule},
		{"remove", "SCHEDULE", "remove a schedule; its runs stay", changeSchedule(operator.RemoveSchedule, "is removed; its runs stay")},
		{"pause", "SCHEDULE", "start no runs until it is resumed; what is left out is not caught up", changeSchedule(operator.PauseSchedule, "is paused")},
		{"resume", "SCHEDULE", "go on after a pause", changeSchedule(operator.ResumeSchedule, "goes on")},
		{"run-now", "SCHEDULE", "start a run now, beside the schedule; prints its ARN", (*Command).runSchedule},
	}
}

// scheduleRequest reads the flags of add. The template is named in it as it was
// given.
func (c *Command) scheduleRequest(set *flag.FlagSet, args []string) (operator.AddScheduleRequest, error) {
	template := set.String("template", "", "the assessment `template`, by its ARN, the last part of it, or its name")
	when := set.String("when", "", "when runs start: 'every 7 days', 'rate(12 hours)', '30 2 * * mon-fri' (cron), 'cron(30 2 ? * MON-FRI *)' (CloudWatch Events)")
	every := set.Int("every", 0, "short for -when 'every N days': once every so many `days`")
	start := set.String("start", "", "no run before this `time`: 2026-12-01, 2026-12-01T02:30, or with an offset from UTC; default now")
	rematch := set.Bool("rematch", false, "the runs are re-matches: they judge stored telemetry and ask no host for anything")
	zone := set.String("zone", "UTC", "the time `zone` of -when and -start: Europe/Berlin")
	if err := c.parse(set, args, 0, 0); err != nil {
		return operator.AddScheduleRequest{}, err
	}
	if *template == "" || (*when == "") == (*every == 0) {
		return operator.AddScheduleRequest{}, usagef("it takes -template, and either -when or -every: see assay schedules add -help")
	}
	if *when == "" {
		*when = fmt.Sprintf("every %d days", *every)
	}
	location, err := schedule.Zone(*zone)
	if err != nil {
		return operator.AddScheduleRequest{}, usageError{err}
	}
	request := operator.AddScheduleRequest{Template: *template, Expression: *when, Zone: *zone, Rematch: *rematch}
	if *zone == "UTC" {
		request.Zone = ""
	}
	if request.StartAt, err = startTime(*start, location); err != nil {
		return request, usageError{err}
	}
	from := request.StartAt
	if from.IsZero() {
		from = time.Now()
	}
	if _, err := schedule.Parse(request.Expression, request.Zone, from); err != nil {
		return request, usageError{err}
	}
	return request, nil
}

func (c *Command) addSchedule(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	request, err := c.scheduleRequest(set, args)
	if err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	if request.Template, err = client.findTemplate(ctx, request.Template); err != nil {
		return err
	}
	var added operator.Schedule
	if err := client.operator(ctx, operator.AddSchedule, request, &added); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, added)
	}
	fmt.Fprintln(c.Stdout, added.ID) // alone, so that a script can take it
	fmt.Fprintf(text{c.Stderr}, "The next run of %s starts at %s.\n", added.Name, moment(added.TryAt, added.Zone))
	return nil
}

// changeSchedule calls an operation on a schedule, and says that it is done.
func changeSchedule(operation, done string) handler {
	return func(c *Command, ctx context.Context, set *flag.FlagSet, args []string) error {
		data, asJSON := dataFlag(set), jsonFlag(set)
		client, err := c.connect(set, data, args, 1, 1)
		if err != nil {
			return err
		}
		if err := client.operator(ctx, operation, operator.ScheduleRequest{ID: set.Arg(0)}, nil); err != nil {
			return err
		}
		return c.done(*asJSON, "The schedule %s %s.", set.Arg(0), done)
	}
}

func (c *Command) runSchedule(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	var started operator.RunScheduleResponse
	if err := client.operator(ctx, operator.RunSchedule, operator.ScheduleRequest{ID: set.Arg(0)}, &started); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, started)
	}
	fmt.Fprintln(text{c.Stdout}, started.Run)
	return nil
}

func (c *Command) listSchedules(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all, err := pages(func(p operator.PageRequest) ([]operator.Schedule, string, error) {
		var answer operator.SchedulesResponse
		err := client.operator(ctx, operator.ListSchedules, p, &answer)
		return answer.Schedules, answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "SCHEDULE\tTEMPLATE\tKIND\tWHEN\tZONE\tSTATE\tNEXT\tLAST", func(row func(...any)) {
		for _, s := range all {
			row(s.ID, s.Name, runKind(s.Rematch), s.Expression, s.Zone, s.State, moment(s.TryAt, s.Zone), lastOf(s))
		}
	})
}

// lastOf says what came of the last try, the reason first where it was refused.
func lastOf(s operator.Schedule) string {
	l := s.Last
	switch {
	case l == nil:
		return "-"
	case l.Reason != "":
		return fmt.Sprintf("REFUSED %d times for %s: %s", l.Attempts, moment(l.DueAt, s.Zone), l.Reason)
	}
	said := fmt.Sprintf("run %s at %s", shortID(l.Run), moment(l.At, s.Zone))
	if l.Missed > 0 {
		said += fmt.Sprintf(", also for %d missed times", l.Missed)
	}
	return said
}

// moment is a time as clocks in a schedule's zone show it.
func moment(t time.Time, zone string) string {
	if t.IsZero() {
		return "-"
	}
	location, err := schedule.Zone(zone)
	if err != nil {
		location = time.UTC // this program's table of zones is older than the service's
	}
	return t.In(location).Format("2006-01-02 15:04 MST")
}

// findTemplate finds an assessment template by its ARN, its id or its name.
func (c *client) findTemplate(ctx context.Context, name string) (string, error) {
	if arn, err := inspector.ParseARN(name); err == nil && arn.Kind != inspector.KindTemplate {
		return "", fmt.Errorf("%s is the ARN of something else than an assessment template", name)
	} else if err == nil {
		return name, nil
	}
	var found []string
	err := list(func(token string) (string, error) {
		var listed model.ListAssessmentTemplatesResponse
		if err := c.inspector(ctx, "ListAssessmentTemplates", paged(map[string]any{}, token), &listed); err != nil {
			return "", err
		}
		for batch := range slices.Chunk(listed.AssessmentTemplateArns, 10) {
			var described model.DescribeAssessmentTemplatesResponse
			if err := c.inspector(ctx, "DescribeAssessmentTemplates", map[string]any{"assessmentTemplateArns": batch}, &described); err != nil {
				return "", err
			}
			for _, t := range described.AssessmentTemplates {
				if t.Name == name || shortID(t.Arn) == name {
					found = append(found, t.Arn)
				}
			}
		}
		return listed.NextToken, nil
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("there is no assessment template %q", name)
	case len(found) > 1:
		return "", fmt.Errorf("there are %d assessment templates %q: give the ARN of one of them: %s", len(found), name, strings.Join(found, ", "))
	}
	return found[0], nil
}

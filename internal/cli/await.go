package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// await waits until a run is over, telling on a terminal how far it is.
func (c *Command) await(ctx context.Context, client *client, run string) error {
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
		line.show("%s  %s  %s", time.Since(began).Round(time.Second), doing(r, time.Now()), client.received(ctx, run))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// ending is how long what was observed until somebody interrupted may take to be sent
// and evaluated.
const ending = 5 * time.Minute

// endObserving ends the observation of a run whose command was interrupted, and waits
// until what was seen is evaluated. A run that does not observe is left alone: why is
// then its error.
func (c *Command) endObserving(ctx context.Context, client *client, run string, why error) error {
	r, err := client.run(ctx, run)
	switch {
	case err != nil:
		return err
	case !isObserving(r):
		return why
	}
	c.say("The observation ends early: what was seen until now is evaluated. Ctrl-C once more gives that up.")
	if err := client.inspector(ctx, "StopAssessmentRun", map[string]any{"assessmentRunArn": run, "stopAction": inspector.StartEvaluation}, nil); err != nil {
		return err
	}
	return c.await(ctx, client, run)
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

// doing words what a run does. Of the time that is left of an observation the clock of
// this machine tells, which may not be the service's.
func doing(r model.AssessmentRun, now time.Time) string {
	if !isObserving(r) {
		return words(r.State)
	}
	whole := time.Duration(r.DurationInSeconds) * time.Second
	left := min(max(r.StartedAt.Add(whole).Sub(now), 0), whole)
	return fmt.Sprintf("observing, %s left", left.Round(time.Second))
}

// isObserving tells whether a run would go on although all hosts have been looked at.
func isObserving(r model.AssessmentRun) bool {
	return r.State == string(inspector.CollectingData) && slices.ContainsFunc(r.RulesPackageArns, observesHosts)
}

// lasting words a time without the zeros at its end: "3m", "1h30m".
func lasting(d time.Duration) string {
	text := d.String()
	if short, zero := strings.CutSuffix(text, "m0s"); zero {
		text = short + "m"
	}
	if short, zero := strings.CutSuffix(text, "h0m"); zero {
		text = short + "h"
	}
	return text
}

// words makes a state readable: "COLLECTING_DATA" becomes "collecting data".
func words(state string) string { return strings.ToLower(strings.ReplaceAll(state, "_", " ")) }

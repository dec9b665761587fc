package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/operator"
)

// changes is what a comparison of two runs came to. The findings themselves are
// printed as they come.
type changes struct {
	Before string                `json:"before"`
	After  string                `json:"after"`
	Counts map[assess.Change]int `json:"counts"`

	// Complete tells whether the later run has checked everything.
	Complete bool `json:"complete"`

	new []inspector.Severity
}

// order is the order in which changes are told.
var order = []assess.Change{assess.ChangeNew, assess.ChangeUnchecked, assess.ChangeOpen, assess.ChangeFixed, assess.ChangeSuppressed}

// since prints what became of findings between two runs, and answers with the exit
// code: ExitIncomplete where it cannot be told of all, ExitFindings where there is a
// new one at the threshold.
func (c *Command) since(ctx context.Context, client *client, before, after string, failOn inspector.Severity, asJSON bool) error {
	all := &changes{Before: before, After: after, Counts: map[assess.Change]int{}}
	for _, change := range order {
		all.Counts[change] = 0
	}
	var err error
	if all.Complete, err = client.complete(ctx, after); err != nil {
		return err
	}
	out := changesWriter(&changesText{c: c})
	if asJSON {
		out = &changesJSON{c: c}
	}
	err = list(func(token string) (string, error) {
		var answer operator.CompareResponse
		request := operator.CompareRequest{Before: before, After: after, PageRequest: operator.PageRequest{NextToken: token}}
		if err := client.operator(ctx, operator.CompareRuns, request, &answer); err != nil {
			return "", err
		}
		for _, host := range answer.Hosts {
			all.count(host)
			if err := out.host(host); err != nil {
				return "", err
			}
		}
		return answer.NextToken, nil
	})
	if err == nil {
		err = out.end(all)
	}
	if err != nil {
		return err
	}
	return all.exit(failOn)
}

// complete tells whether a run has checked everything.
func (c *client) complete(ctx context.Context, run string) (bool, error) {
	r, err := c.run(ctx, run)
	if err != nil {
		return false, err
	}
	complete := r.State == string(inspector.Completed)
	err = c.exclusions(ctx, run, func(model.Exclusion) bool {
		complete = false
		return false
	})
	return complete, err
}

func (a *changes) count(host operator.HostChanges) {
	for _, f := range host.Changes {
		a.Counts[f.Change]++
		if f.Change == assess.ChangeNew && !slices.Contains(a.new, f.Severity) {
			a.new = append(a.new, f.Severity)
		}
	}
}

func (a *changes) exit(failOn inspector.Severity) error {
	if !a.Complete || a.Counts[assess.ChangeUnchecked] > 0 {
		return exitError(ExitIncomplete)
	}
	if failOn != "" && slices.ContainsFunc(a.new, func(s inspector.Severity) bool { return s.AtLeast(failOn) }) {
		return exitError(ExitFindings)
	}
	return nil
}

// summary is the last line.
func (a *changes) summary() string {
	var words []string
	for _, change := range order {
		name := string(change)
		if change == assess.ChangeUnchecked {
			name = "not checked any more"
		}
		words = append(words, fmt.Sprintf("%d %s", a.Counts[change], name))
	}
	line := fmt.Sprintf("Since the run %s: %s.", shortID(a.Before), strings.Join(words, ", "))
	if !a.Complete {
		line += fmt.Sprintf(" The run %s has not checked everything: assay results %s tells what.", shortID(a.After), shortID(a.After))
	}
	return line
}

// changesWriter prints a comparison, host by host.
type changesWriter interface {
	host(operator.HostChanges) error
	end(*changes) error
}

// changesText prints for people.
type changesText struct {
	c    *Command
	last string // host
}

func (t *changesText) host(h operator.HostChanges) error {
	w := text{t.c.Stdout}
	if h.Agent != t.last {
		name := h.Agent
		if h.Hostname != "" {
			name = oneLine(h.Hostname) + " (" + h.Agent + ")"
		}
		fmt.Fprintln(w, name)
		t.last = h.Agent
	}
	slices.SortStableFunc(h.Changes, func(a, b operator.FindingChange) int {
		if d := slices.Index(order, a.Change) - slices.Index(order, b.Change); d != 0 {
			return d
		}
		return cmp.Compare(b.Severity.Numeric(), a.Severity.Numeric())
	})
	open := 0
	for _, f := range h.Changes {
		if f.Change == assess.ChangeOpen {
			if open++; open > mostOpen {
				continue
			}
		}
		fmt.Fprintf(w, "  %-12s %-14s%s\n", f.Change, f.Severity, oneLine(f.Title)+software(f))
		fmt.Fprintf(w, "      %s\n", oneLine(told(f)))
	}
	if more := open - mostOpen; more > 0 {
		fmt.Fprintf(w, "  and %d more of %s are still open: assay findings, or -json, lists them\n", more, h.Package)
	}
	return nil
}

// mostOpen is how many findings of a rules package on a host are told that are as they
// were: who compares runs asks for the others.
const mostOpen = 10

// software names what a vulnerability is of, which its title does not.
func software(f operator.FindingChange) string {
	if name, ok := strings.CutPrefix(f.Subject, f.Finding+"/"); ok && strings.HasSuffix(f.Title, f.Finding) {
		return ": " + oneLine(name)
	}
	return ""
}

func (t *changesText) end(a *changes) error {
	_, err := fmt.Fprintln(text{t.c.Stdout}, a.summary())
	return err
}

// told words the life of a finding, and what else there is to know.
func told(f operator.FindingChange) string {
	words := lifeWords(f.FindingLife)
	switch {
	case f.Change == assess.ChangeNew && f.Before != assess.Absent:
		words = append(words, "was "+string(f.Before)+" before")
	case f.Change == assess.ChangeUnchecked:
		words = append(words, f.Reason)
	case f.Change == assess.ChangeSuppressed && f.Reason != "":
		words = append(words, f.Reason)
	case f.Suppressed != nil:
		words = append(words, "by "+f.Suppressed.String())
	}
	if len(words) == 0 {
		return "it is not known when it was seen first"
	}
	return strings.Join(words, "; ")
}

// lifeWords words when a finding was seen.
func lifeWords(l operator.FindingLife) (words []string) {
	for _, s := range []struct {
		what string
		*operator.Sighting
	}{{"first seen", l.First}, {"last seen", l.Last}, {"gone since", l.Gone}} {
		if s.Sighting == nil {
			continue
		}
		in := "in a run that was deleted"
		if s.Run != "" {
			in = "in the run " + shortID(s.Run)
		}
		words = append(words, fmt.Sprintf("%s %s %s", s.what, s.At.UTC().Format(time.DateOnly), in))
	}
	return words
}

// changesJSON prints one object, in pieces.
type changesJSON struct {
	c    *Command
	many bool
}

func (j *changesJSON) host(h operator.HostChanges) error {
	before := `{"hosts": [`
	if j.many {
		before = ","
	}
	j.many = true
	data, err := json.MarshalIndent(h, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(jsonText{j.c.Stdout}, "%s\n%s", before, data)
	}
	return err
}

func (j *changesJSON) end(a *changes) error {
	before := ""
	if !j.many {
		before = `{"hosts": [`
	}
	data, err := json.MarshalIndent(a, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(jsonText{j.c.Stdout}, "%s\n],%s\n", before, strings.TrimPrefix(string(data), "{"))
	}
	return err
}

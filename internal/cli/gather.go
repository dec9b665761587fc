package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/operator"
)

// outcome gathers what a run came to.
func (c *client) outcome(ctx context.Context, run string) (*outcome, error) {
	r, err := c.run(ctx, run)
	if err != nil {
		return nil, err
	}
	o := newOutcome()
	o.Run, o.State = run, r.State
	maps.Copy(o.Counts, r.FindingCounts)
	gathers := []func(context.Context, *outcome) error{c.gatherFindings, c.gatherUnchecked, c.gatherVerdicts}
	if isRematch(r) {
		gathers = append(gathers, c.gatherTelemetry)
	}
	for _, gather := range gathers {
		if err := gather(ctx, o); err != nil {
			return nil, err
		}
	}
	o.sort()
	return o, nil
}

// page is as many as one call may list.
const page = 500

// list follows the pages of a list operation; next calls it once.
func list(next func(token string) (string, error)) error {
	for token := ""; ; {
		var err error
		if token, err = next(token); err != nil || token == "" {
			return err
		}
	}
}

// pages gathers what an operation of the operator's API lists; call calls it once.
func pages[T any](call func(operator.PageRequest) (some []T, next string, err error)) ([]T, error) {
	all := []T{} // JSON shows an empty list
	err := list(func(token string) (string, error) {
		some, next, err := call(operator.PageRequest{MaxResults: page, NextToken: token})
		all = append(all, some...)
		return next, err
	})
	return all, err
}

// paged is a request for a page.
func paged(request map[string]any, token string) map[string]any {
	request["maxResults"] = page
	if token != "" {
		request["nextToken"] = token
	}
	return request
}

func (c *client) gatherFindings(ctx context.Context, o *outcome) error {
	return c.findingPages(ctx, o.Run, nil, func(page []described) bool {
		for _, d := range page {
			o.Findings = append(o.Findings, newFinding(d))
		}
		return true
	})
}

// described is a finding as Inspector's API tells it, with what it rests on.
type described struct {
	model.Finding
	why operator.Explanation
}

// findingPages calls fn with each page of the findings of a run that a filter of
// ListFindings lets through, until it returns false.
func (c *client) findingPages(ctx context.Context, run string, filter map[string]any, fn func([]described) bool) error {
	request := map[string]any{"assessmentRunArns": []string{run}}
	if len(filter) > 0 {
		request["filter"] = filter
	}
	return list(func(token string) (string, error) {
		var listed model.ListFindingsResponse
		err := c.inspector(ctx, "ListFindings", paged(request, token), &listed)
		if err != nil || len(listed.FindingArns) == 0 {
			return listed.NextToken, err
		}
		page, err := c.describe(ctx, listed.FindingArns)
		if missing := len(listed.FindingArns) - len(page); err == nil && missing > 0 {
			err = fmt.Errorf("%d findings of the run %s have vanished while they were read", missing, run)
		}
		if err != nil || !fn(page) {
			return "", err
		}
		return listed.NextToken, nil
	})
}

// describe describes and explains a page of findings, in the order of their ARNs.
// One that is not there is left out.
func (c *client) describe(ctx context.Context, arns []string) ([]described, error) {
	var answer model.DescribeFindingsResponse
	if err := c.inspector(ctx, "DescribeFindings", map[string]any{"findingArns": arns}, &answer); err != nil {
		return nil, err
	}
	var explained operator.ExplainResponse
	if err := c.operator(ctx, operator.ExplainFindings, operator.ExplainRequest{ARNs: arns}, &explained); err != nil {
		return nil, err
	}
	why := map[string]operator.Explanation{}
	for _, e := range explained.Findings {
		why[e.ARN] = e
	}
	var all []described
	for _, f := range answer.Findings {
		if e, ok := why[f.Arn]; ok {
			all = append(all, described{f, e})
		}
	}
	return all, nil
}

// findings describes and explains findings by their ARNs.
func (c *client) findings(ctx context.Context, arns []string) ([]finding, error) {
	all, err := c.describe(ctx, arns)
	var findings []finding
	for _, d := range all {
		findings = append(findings, newFinding(d))
	}
	return findings, err
}

func newFinding(d described) finding {
	var asset model.AssetAttributes
	if d.AssetAttributes != nil {
		asset = *d.AssetAttributes
	}
	return finding{
		ARN: d.Arn, Severity: inspector.Severity(d.Severity), Title: d.Title, Description: d.Description, Recommendation: d.Recommendation,
		Agent: asset.AgentId, Host: hostName(asset.Hostname, asset.AgentId),
		Package: string(d.why.Package), Rule: d.why.Rule, Evidence: some(d.why.Evidence),
		Attributes:  byKey(attributesOf(d.Attributes)),
		FindingLife: d.why.FindingLife,
	}
}

// hostName is what people call a host: its name, else its agent's id.
func hostName(name, agent string) string {
	return cmp.Or(oneLine(name), agent)
}

func (c *client) gatherUnchecked(ctx context.Context, o *outcome) error {
	return c.exclusions(ctx, o.Run, func(e model.Exclusion) bool {
		u := unchecked{Title: e.Title, Description: e.Description, Recommendation: e.Recommendation, Scopes: []string{}}
		for _, s := range e.Scopes {
			u.Scopes = append(u.Scopes, s.Value)
		}
		o.Unchecked = append(o.Unchecked, u)
		return true
	})
}

// exclusions calls fn with each exclusion of a run until it returns false.
func (c *client) exclusions(ctx context.Context, run string, fn func(model.Exclusion) bool) error {
	return list(func(token string) (string, error) {
		var listed model.ListExclusionsResponse
		if err := c.inspector(ctx, "ListExclusions", paged(map[string]any{"assessmentRunArn": run}, token), &listed); err != nil {
			return "", err
		}
		for batch := range slices.Chunk(listed.ExclusionArns, 100) {
			var described model.DescribeExclusionsResponse
			if err := c.inspector(ctx, "DescribeExclusions", map[string]any{"exclusionArns": batch}, &described); err != nil {
				return "", err
			}
			for _, arn := range batch {
				if e, ok := described.Exclusions[arn]; ok && !fn(e) {
					return "", nil
				}
			}
		}
		return listed.NextToken, nil
	})
}

func (c *client) gatherVerdicts(ctx context.Context, o *outcome) error {
	hosts := map[string]bool{}
	err := c.results(ctx, o.Run, func(r operator.HostResults) {
		if !hosts[r.Agent] {
			o.notSeen(r.Agent, r.NotSeen)
		}
		hosts[r.Agent] = true
		o.verdicts(r.Results)
	})
	o.Hosts = len(hosts)
	return err
}

// results calls fn with the verdicts of each host and rules package of a run.
func (c *client) results(ctx context.Context, run string, fn func(operator.HostResults)) error {
	return list(func(token string) (string, error) {
		var listed operator.ResultsResponse
		request := operator.ResultsRequest{Run: run, PageRequest: operator.PageRequest{NextToken: token}}
		if err := c.operator(ctx, operator.ListResults, request, &listed); err != nil {
			return "", err
		}
		for _, r := range listed.Results {
			fn(r)
		}
		return listed.NextToken, nil
	})
}

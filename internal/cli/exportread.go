package cli

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"assay/internal/api/model"
	"assay/internal/export"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/release"
	"assay/internal/rules"
)

// exportReader reads a run page by page while it is written.
type exportReader struct {
	*client
	run     export.Run
	filter  map[string]any // of ListFindings
	total   int64          // findings that there should be; with a filter at most
	written int
	bar     *progress
}

// exportReader looks at a run that is to be exported.
func (c *client) exportReader(ctx context.Context, arn string, flags exportFlags, bar *progress) (*exportReader, error) {
	run, err := c.run(ctx, arn)
	if err != nil {
		return nil, err
	}
	if !inspector.RunState(run.State).Final() {
		return nil, fmt.Errorf("the run is still %s: its findings are there when it is over", words(run.State))
	}
	r := &exportReader{client: c, filter: map[string]any{}, bar: bar}
	for severity, n := range run.FindingCounts {
		if len(flags.severities) == 0 || slices.Contains(flags.severities, severity) {
			r.total += n
		}
	}
	if r.run.ARN, err = inspector.ParseARN(arn); err != nil {
		return nil, err
	}
	r.run.Name, r.run.State, r.run.Version = run.Name, inspector.RunState(run.State), release.Version()
	r.run.StartedAt, r.run.CompletedAt = run.StartedAt.Time, run.CompletedAt.Time
	r.run.Findings, r.run.Unchecked = r.all(ctx), r.unchecked(ctx)
	if err := r.choose(run.RulesPackageArns, flags); err != nil {
		return nil, err
	}
	if r.run.Packages, err = c.packages(ctx, run.RulesPackageArns); err != nil {
		return nil, err
	}
	r.run.Complete, err = c.wasComplete(ctx, arn, r.run.State)
	return r, err
}

// choose makes the filter of severities and rules packages.
func (r *exportReader) choose(runs []string, flags exportFlags) error {
	if len(flags.severities) > 0 {
		r.filter["severities"] = flags.severities
	}
	if len(flags.packages) == 0 {
		return nil
	}
	arns := []string{}
	for _, arn := range runs {
		if id, ok := inspector.ResolvePackage(arn); ok && slices.Contains(flags.packages, id) {
			arns = append(arns, arn)
		}
	}
	if len(arns) == 0 {
		return usagef("the run has none of the rules packages %v", flags.packages)
	}
	r.filter["rulesPackageArns"] = arns
	return nil
}

// packages describes rules packages by the ARNs that a run has.
func (c *client) packages(ctx context.Context, arns []string) ([]inspector.RulesPackage, error) {
	all := []inspector.RulesPackage{}
	for batch := range slices.Chunk(arns, 10) {
		var described model.DescribeRulesPackagesResponse
		if err := c.inspector(ctx, "DescribeRulesPackages", map[string]any{"rulesPackageArns": batch}, &described); err != nil {
			return nil, err
		}
		for _, p := range described.RulesPackages {
			if id, ok := inspector.ResolvePackage(p.Arn); ok {
				all = append(all, inspector.RulesPackage{ID: id, Name: p.Name, Version: p.Version})
			}
		}
	}
	return all, nil
}

// wasComplete tells whether every rule was checked, as outcome.complete does,
// without keeping anything of the run.
func (c *client) wasComplete(ctx context.Context, run string, state inspector.RunState) (bool, error) {
	o := newOutcome()
	o.State = string(state)
	err := c.results(ctx, run, func(r operator.HostResults) {
		o.Hosts++
		for _, result := range r.Results {
			if result.Verdict == rules.NotEvaluated || result.Verdict == rules.Error {
				o.Verdicts[string(result.Verdict)]++
			}
		}
	})
	if err != nil || !o.complete() {
		return false, err
	}
	var listed model.ListExclusionsResponse
	err = c.inspector(ctx, "ListExclusions", map[string]any{"assessmentRunArn": run, "maxResults": 1}, &listed)
	return len(listed.ExclusionArns) == 0, err
}

// all reads the findings of the run, a page at a time.
func (r *exportReader) all(ctx context.Context) iter.Seq2[export.Finding, error] {
	return func(yield func(export.Finding, error) bool) {
		stopped := false
		err := r.findingPages(ctx, r.run.ARN.String(), r.filter, func(page []described) bool {
			for _, d := range page {
				r.written++
				if stopped = !yield(exported(d.Finding, d.why), nil); stopped {
					return false
				}
			}
			r.bar.show("%d of %d findings", r.written, r.total)
			return true
		})
		if err != nil && !stopped {
			yield(export.Finding{}, err)
		}
	}
}

// exported joins what Inspector's API tells of a finding with what it rests on.
func exported(f model.Finding, e operator.Explanation) export.Finding {
	out := export.Finding{ARN: f.Arn, Finding: inspector.Finding{
		Package: e.Package, Rule: e.Rule, Subject: e.Subject, Evidence: e.Evidence,
		FindingID: f.Id, Title: f.Title, Description: f.Description, Recommendation: f.Recommendation, Severity: inspector.Severity(f.Severity),
		Attributes: attributesOf(f.Attributes), UserAttributes: attributesOf(f.UserAttributes), CreatedAt: f.CreatedAt.Time, UpdatedAt: f.UpdatedAt.Time,
	}}
	if e.First != nil {
		out.FirstSeen = e.First.At
	}
	if f.Confidence != nil {
		out.Confidence = int(*f.Confidence)
	}
	if f.ServiceAttributes != nil {
		out.PackageARN = f.ServiceAttributes.RulesPackageArn
	}
	if a := f.AssetAttributes; a != nil {
		out.Agent = a.AgentId
		out.Asset = inspector.Asset{Agent: a.AgentId, AutoScalingGroup: a.AutoScalingGroup, AMI: a.AmiId, Hostname: a.Hostname, IPv4Addresses: a.Ipv4Addresses}
		for _, t := range a.Tags {
			out.Asset.Tags = append(out.Asset.Tags, inspector.Tag{Key: t.Key, Value: t.Value})
		}
	}
	return out
}

func attributesOf(all []model.Attribute) (attributes []inspector.Attribute) {
	for _, a := range all {
		attributes = append(attributes, inspector.Attribute{Key: a.Key, Value: a.Value})
	}
	return attributes
}

// unchecked reads the run's exclusions, a page at a time.
func (r *exportReader) unchecked(ctx context.Context) iter.Seq2[inspector.Exclusion, error] {
	return func(yield func(inspector.Exclusion, error) bool) {
		stopped := false
		err := r.exclusions(ctx, r.run.ARN.String(), func(e model.Exclusion) bool {
			out := inspector.Exclusion{Title: e.Title, Description: e.Description, Recommendation: e.Recommendation, Attributes: attributesOf(e.Attributes)}
			for _, s := range e.Scopes {
				out.Scopes = append(out.Scopes, inspector.ExclusionScope{Type: inspector.ScopeType(s.Key), Value: s.Value})
			}
			stopped = !yield(out, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(inspector.Exclusion{}, err)
		}
	}
}

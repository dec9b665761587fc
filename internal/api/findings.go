package api

import (
	"context"
	"maps"
	"slices"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/store"
)

func (s *Server) listFindings(ctx context.Context, in *model.ListFindingsRequest) (*model.ListFindingsResponse, error) {
	page, err := s.page("ListFindings", []any{in.AssessmentRunArns, in.Filter}, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	filter, err := s.findingFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	if filter.Runs, err = all(ctx, runResource, in.AssessmentRunArns, s.Queries.Runs, s.runARN); err != nil {
		return nil, err
	}
	refs, after, err := s.Queries.ListFindings(ctx, filter, page.Page)
	if err != nil {
		return nil, err
	}
	arns := arnsOf(refs, func(r store.FindingRef) inspector.ARN { return s.Scope.Run(r.Target, r.Template, r.Run).Finding(r.ID) })
	return &model.ListFindingsResponse{FindingArns: arns, NextToken: page.token(after)}, nil
}

func (s *Server) findingFilter(in *model.FindingFilter) (inspector.FindingFilter, error) {
	if in == nil {
		return inspector.FindingFilter{}, nil
	}
	packages, err := s.packageFilter(in.RulesPackageArns)
	if err != nil {
		return inspector.FindingFilter{}, err
	}
	created, err := times(in.CreationTimeRange, "") // the model has no code for this range
	return inspector.FindingFilter{
		Agents: in.AgentIds, AutoScalingGroups: in.AutoScalingGroups, Rules: in.RuleNames, Severities: named[inspector.Severity](in.Severities),
		PackageARNs: packages, Attributes: attributesOf(in.Attributes), UserAttributes: attributesOf(in.UserAttributes), Created: created,
	}, err
}

func (s *Server) describeFindings(ctx context.Context, in *model.DescribeFindingsRequest) (*model.DescribeFindingsResponse, error) {
	refs, err := s.findingRefs(in.FindingArns)
	if err != nil {
		return nil, err
	}
	byRef, err := s.Queries.FindingsAt(ctx, slices.Collect(maps.Values(refs)))
	if err != nil {
		return nil, err
	}
	found := map[string]inspector.Finding{}
	for text, ref := range refs {
		if f, ok := byRef[ref]; ok {
			found[text] = f
		}
	}
	out := new(model.DescribeFindingsResponse)
	out.Findings, out.FailedItems = sortOut(in.FindingArns, found, s.wireFinding)
	return out, nil
}

func (s *Server) findingARN(f inspector.Finding) inspector.ARN {
	return s.Scope.Run(f.Target, f.Template, f.Run).Finding(f.ID)
}

// maxText is the model's bound of texts for people, in characters.
const maxText = 20_000

func (s *Server) wireFinding(f inspector.Finding) model.Finding {
	return model.Finding{
		Arn: s.findingARN(f).String(), SchemaVersion: new(int64(1)), Service: "Inspector", AssetType: "ec2-instance",
		ServiceAttributes: &model.InspectorServiceAttributes{
			SchemaVersion: 1, AssessmentRunArn: s.Scope.Run(f.Target, f.Template, f.Run).String(), RulesPackageArn: f.PackageARN,
		},
		AssetAttributes: wireAsset(f.Asset), Id: cut(f.FindingID, 128), Title: cut(f.Title, maxText), Description: cut(f.Description, maxText), Recommendation: cut(f.Recommendation, maxText),
		Severity: string(f.Severity), NumericSeverity: new(f.Severity.Numeric()), Confidence: new(int64(f.Confidence)),
		IndicatorOfCompromise: new(false), Attributes: wireAttributes(f.Attributes), UserAttributes: wireAttributes(f.UserAttributes),
		CreatedAt: model.Timestamp{Time: f.CreatedAt}, UpdatedAt: model.Timestamp{Time: f.UpdatedAt},
	}
}

// wireAsset has lists even where they are empty: clients read them unasked.
func wireAsset(a inspector.Asset) *model.AssetAttributes {
	return &model.AssetAttributes{
		SchemaVersion: 1, AgentId: a.Agent, AutoScalingGroup: a.AutoScalingGroup, AmiId: a.AMI, Hostname: cut(a.Hostname, 256),
		Ipv4Addresses: ipv4(a.IPv4Addresses), Tags: wireTags(a.Tags), NetworkInterfaces: wireInterfaces(a.NetworkInterfaces),
	}
}

func (s *Server) listExclusions(ctx context.Context, in *model.ListExclusionsRequest) (*model.ListExclusionsResponse, error) {
	page, err := s.page("ListExclusions", in.AssessmentRunArn, in.NextToken, in.MaxResults, exclusionsPage)
	if err != nil {
		return nil, err
	}
	run, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return nil, err
	}
	exclusions, after, err := s.Queries.ListExclusions(ctx, run.ID, page.Page)
	if err != nil {
		return nil, err
	}
	arns := arnsOf(exclusions, func(e inspector.Exclusion) inspector.ARN { return s.runARN(run).Exclusion(e.ID) })
	return &model.ListExclusionsResponse{ExclusionArns: arns, NextToken: page.token(after)}, nil
}

func (s *Server) describeExclusions(ctx context.Context, in *model.DescribeExclusionsRequest) (*model.DescribeExclusionsResponse, error) {
	arns, byRun := map[string]inspector.ARN{}, map[string][]string{} // ids by run
	for _, text := range in.ExclusionArns {
		a, err := exclusionResource.parse(text)
		if err != nil {
			return nil, err
		}
		arns[text], byRun[a.Run] = a, append(byRun[a.Run], a.ID)
	}
	// An exclusion knows its run only; the levels above are the run's.
	runs, err := s.Queries.Runs(ctx, slices.Collect(maps.Keys(byRun)))
	if err != nil {
		return nil, err
	}
	kept := map[string]map[string]inspector.Exclusion{}
	for run, ids := range byRun {
		if kept[run], err = s.Queries.Exclusions(ctx, run, ids); err != nil {
			return nil, err
		}
	}
	found := map[string]inspector.Exclusion{}
	for text, a := range arns {
		if e, ok := kept[a.Run][a.ID]; ok && s.runARN(runs[a.Run]).Exclusion(e.ID).String() == text {
			found[text] = e
		}
	}
	out := &model.DescribeExclusionsResponse{Exclusions: map[string]model.Exclusion{}}
	_, out.FailedItems = sortOut(in.ExclusionArns, found, func(e inspector.Exclusion) string { return e.ID })
	for arn, e := range found {
		out.Exclusions[arn] = wireExclusion(arn, e)
	}
	return out, nil
}

func wireExclusion(arn string, e inspector.Exclusion) model.Exclusion {
	scopes := make([]model.Scope, len(e.Scopes))
	for i, scope := range e.Scopes {
		scopes[i] = model.Scope{Key: string(scope.Type), Value: scope.Value}
	}
	return model.Exclusion{
		Arn: arn, Title: cut(e.Title, maxText), Description: cut(e.Description, maxText), Recommendation: cut(e.Recommendation, maxText),
		Scopes: scopes, Attributes: wireAttributes(e.Attributes),
	}
}

package api

import (
	"context"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func (s *Server) createResourceGroup(ctx context.Context, in *model.CreateResourceGroupRequest) (*model.CreateResourceGroupResponse, error) {
	tags := make([]inspector.Tag, len(in.ResourceGroupTags))
	for i, t := range in.ResourceGroupTags {
		tags[i] = inspector.Tag{Key: t.Key, Value: t.Value}
	}
	g, err := s.Commands.CreateResourceGroup(ctx, tags)
	if err != nil {
		return nil, err
	}
	return &model.CreateResourceGroupResponse{ResourceGroupArn: s.groupARN(g).String()}, nil
}

func (s *Server) describeResourceGroups(ctx context.Context, in *model.DescribeResourceGroupsRequest) (*model.DescribeResourceGroupsResponse, error) {
	found, err := find(ctx, groupResource, in.ResourceGroupArns, s.Queries.ResourceGroups, s.groupARN)
	if err != nil {
		return nil, err
	}
	out := new(model.DescribeResourceGroupsResponse)
	out.ResourceGroups, out.FailedItems = sortOut(in.ResourceGroupArns, found, s.wireGroup)
	return out, nil
}

func (s *Server) wireGroup(g inspector.ResourceGroup) model.ResourceGroup {
	tags := make([]model.ResourceGroupTag, len(g.Tags))
	for i, t := range g.Tags {
		tags[i] = model.ResourceGroupTag{Key: t.Key, Value: t.Value}
	}
	return model.ResourceGroup{Arn: s.groupARN(g).String(), Tags: tags, CreatedAt: model.Timestamp{Time: g.CreatedAt}}
}

func (s *Server) groupARN(g inspector.ResourceGroup) inspector.ARN {
	return s.Scope.ResourceGroup(g.ID)
}

func (s *Server) targetARN(t inspector.Target) inspector.ARN { return s.Scope.Target(t.ID) }

func (s *Server) createTarget(ctx context.Context, in *model.CreateAssessmentTargetRequest) (*model.CreateAssessmentTargetResponse, error) {
	group, err := s.optionalGroup(ctx, in.ResourceGroupArn)
	if err != nil {
		return nil, err
	}
	t, err := s.Commands.CreateTarget(ctx, in.AssessmentTargetName, group)
	if err != nil {
		return nil, err
	}
	return &model.CreateAssessmentTargetResponse{AssessmentTargetArn: s.targetARN(t).String()}, nil
}

// optionalGroup is the id of a resource group; without an ARN there is none, which
// means all hosts.
func (s *Server) optionalGroup(ctx context.Context, arn string) (string, error) {
	if arn == "" {
		return "", nil
	}
	g, err := one(ctx, groupResource, arn, s.Queries.ResourceGroups, s.groupARN)
	return g.ID, err
}

func (s *Server) target(ctx context.Context, arn string) (inspector.Target, error) {
	return one(ctx, targetResource, arn, s.Queries.Targets, s.targetARN)
}

func (s *Server) updateTarget(ctx context.Context, in *model.UpdateAssessmentTargetRequest) error {
	if in.ResourceGroupArn != "" {
		if err := groupResource.check(in.ResourceGroupArn); err != nil {
			return err
		}
	}
	t, err := s.target(ctx, in.AssessmentTargetArn)
	if err != nil {
		return err
	}
	group, err := s.optionalGroup(ctx, in.ResourceGroupArn)
	if err != nil {
		return err
	}
	return s.Commands.UpdateTarget(ctx, t.ID, in.AssessmentTargetName, group)
}

func (s *Server) deleteTarget(ctx context.Context, in *model.DeleteAssessmentTargetRequest) error {
	t, err := s.target(ctx, in.AssessmentTargetArn)
	if err != nil {
		return err
	}
	return s.Commands.DeleteTarget(ctx, t.ID)
}

func (s *Server) listTargets(ctx context.Context, in *model.ListAssessmentTargetsRequest) (*model.ListAssessmentTargetsResponse, error) {
	page, err := s.page("ListAssessmentTargets", in.Filter, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	var filter inspector.TargetFilter
	if in.Filter != nil {
		filter.NamePattern = in.Filter.AssessmentTargetNamePattern
	}
	targets, after, err := s.Queries.ListTargets(ctx, filter, page.Page)
	if err != nil {
		return nil, err
	}
	return &model.ListAssessmentTargetsResponse{AssessmentTargetArns: arnsOf(targets, s.targetARN), NextToken: page.token(after)}, nil
}

func arnsOf[T any](items []T, arn func(T) inspector.ARN) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = arn(item).String()
	}
	return out
}

func (s *Server) describeTargets(ctx context.Context, in *model.DescribeAssessmentTargetsRequest) (*model.DescribeAssessmentTargetsResponse, error) {
	found, err := find(ctx, targetResource, in.AssessmentTargetArns, s.Queries.Targets, s.targetARN)
	if err != nil {
		return nil, err
	}
	out := new(model.DescribeAssessmentTargetsResponse)
	out.AssessmentTargets, out.FailedItems = sortOut(in.AssessmentTargetArns, found, s.wireTarget)
	return out, nil
}

func (s *Server) wireTarget(t inspector.Target) model.AssessmentTarget {
	out := model.AssessmentTarget{
		Arn: s.targetARN(t).String(), Name: t.Name,
		CreatedAt: model.Timestamp{Time: t.CreatedAt}, UpdatedAt: model.Timestamp{Time: t.UpdatedAt},
	}
	if t.ResourceGroup != "" {
		out.ResourceGroupArn = s.Scope.ResourceGroup(t.ResourceGroup).String()
	}
	return out
}

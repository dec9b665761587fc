package api

import (
	"context"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func (s *Server) templateARN(t inspector.Template) inspector.ARN {
	return s.Scope.Template(t.Target, t.ID)
}

func (s *Server) template(ctx context.Context, k resource, arn string) (inspector.Template, error) {
	return one(ctx, k, arn, s.Queries.Templates, s.templateARN)
}

func (s *Server) createTemplate(ctx context.Context, in *model.CreateAssessmentTemplateRequest) (*model.CreateAssessmentTemplateResponse, error) {
	if err := packageResource.check(in.RulesPackageArns...); err != nil {
		return nil, err
	}
	attributes, err := userAttributes(in.UserAttributesForFindings)
	if err != nil {
		return nil, err
	}
	target, err := s.target(ctx, in.AssessmentTargetArn)
	if err != nil {
		return nil, err
	}
	for _, text := range in.RulesPackageArns {
		if _, ok := s.rulesPackage(text); !ok {
			return nil, packageResource.none(text)
		}
	}
	t, err := s.Commands.CreateTemplate(ctx, inspector.Template{
		Target: target.ID, Name: in.AssessmentTemplateName, Duration: time.Duration(in.DurationInSeconds) * time.Second,
		Packages: in.RulesPackageArns, Attributes: attributes,
	})
	if err != nil {
		return nil, err
	}
	return &model.CreateAssessmentTemplateResponse{AssessmentTemplateArn: s.templateARN(t).String()}, nil
}

// userAttributes are those that a template gives to its findings: a key once.
func userAttributes(in []model.Attribute) ([]inspector.Attribute, error) {
	out, seen := []inspector.Attribute{}, map[string]bool{}
	for _, a := range in {
		if seen[a.Key] {
			return nil, inspector.Errorf(inspector.InvalidInput, codeUserAttributeKey, "the key %q is there twice", a.Key)
		}
		seen[a.Key] = true
		out = append(out, inspector.Attribute{Key: a.Key, Value: a.Value})
	}
	return out, nil
}

func (s *Server) deleteTemplate(ctx context.Context, in *model.DeleteAssessmentTemplateRequest) error {
	t, err := s.template(ctx, templateResource, in.AssessmentTemplateArn)
	if err != nil {
		return err
	}
	return s.Commands.DeleteTemplate(ctx, t.ID)
}

func (s *Server) listTemplates(ctx context.Context, in *model.ListAssessmentTemplatesRequest) (*model.ListAssessmentTemplatesResponse, error) {
	page, err := s.page("ListAssessmentTemplates", []any{in.AssessmentTargetArns, in.Filter}, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	filter, err := s.templateFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	if filter.Targets, err = all(ctx, targetResource, in.AssessmentTargetArns, s.Queries.Targets, s.targetARN); err != nil {
		return nil, err
	}
	templates, after, err := s.Queries.ListTemplates(ctx, filter, page.Page)
	if err != nil {
		return nil, err
	}
	return &model.ListAssessmentTemplatesResponse{AssessmentTemplateArns: arnsOf(templates, s.templateARN), NextToken: page.token(after)}, nil
}

func (s *Server) templateFilter(in *model.AssessmentTemplateFilter) (f inspector.TemplateFilter, err error) {
	if in == nil {
		return f, nil
	}
	f.NamePattern = in.NamePattern
	if f.Durations, err = durations(in.DurationRange, codeTemplateDurations); err != nil {
		return f, err
	}
	f.PackageARNs, err = s.packageFilter(in.RulesPackageArns)
	return f, err
}

func (s *Server) describeTemplates(ctx context.Context, in *model.DescribeAssessmentTemplatesRequest) (*model.DescribeAssessmentTemplatesResponse, error) {
	found, err := find(ctx, templateResource, in.AssessmentTemplateArns, s.Queries.Templates, s.templateARN)
	if err != nil {
		return nil, err
	}
	out := new(model.DescribeAssessmentTemplatesResponse)
	out.AssessmentTemplates, out.FailedItems = sortOut(in.AssessmentTemplateArns, found, s.wireTemplate)
	return out, nil
}

func (s *Server) wireTemplate(t inspector.Template) model.AssessmentTemplate {
	out := model.AssessmentTemplate{
		Arn: s.templateARN(t).String(), Name: t.Name, AssessmentTargetArn: s.Scope.Target(t.Target).String(),
		DurationInSeconds: int64(t.Duration / time.Second), RulesPackageArns: t.Packages,
		UserAttributesForFindings: wireAttributes(t.Attributes), AssessmentRunCount: t.Runs, CreatedAt: model.Timestamp{Time: t.CreatedAt},
	}
	if t.LastRun != "" {
		out.LastAssessmentRunArn = s.Scope.Run(t.Target, t.ID, t.LastRun).String()
	}
	return out
}

func wireAttributes(in []inspector.Attribute) []model.Attribute {
	out := make([]model.Attribute, len(in))
	for i, a := range in {
		out[i] = model.Attribute{Key: a.Key, Value: a.Value}
	}
	return out
}

func (s *Server) setTags(ctx context.Context, in *model.SetTagsForResourceRequest) error {
	tags, err := resourceTags(in.Tags)
	if err != nil {
		return err
	}
	t, err := s.template(ctx, taggedResource, in.ResourceArn)
	if err != nil {
		return err
	}
	return s.Commands.SetTags(ctx, s.templateARN(t), tags)
}

// resourceTags are those that a resource is given: a key once.
func resourceTags(in []model.Tag) ([]inspector.Tag, error) {
	out, seen := []inspector.Tag{}, map[string]bool{}
	for _, tag := range in {
		if seen[tag.Key] {
			return nil, inspector.Errorf(inspector.InvalidInput, codeTagKey, "the key %q is there twice", tag.Key)
		}
		seen[tag.Key] = true
		out = append(out, inspector.Tag{Key: tag.Key, Value: tag.Value})
	}
	return out, nil
}

func (s *Server) listTags(ctx context.Context, in *model.ListTagsForResourceRequest) (*model.ListTagsForResourceResponse, error) {
	t, err := s.template(ctx, taggedResource, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.Queries.Tags(ctx, s.templateARN(t).String())
	if err != nil {
		return nil, err
	}
	return &model.ListTagsForResourceResponse{Tags: wireTags(tags)}, nil
}

func wireTags(in []inspector.Tag) []model.Tag {
	out := make([]model.Tag, len(in))
	for i, t := range in {
		out[i] = model.Tag{Key: t.Key, Value: t.Value}
	}
	return out
}

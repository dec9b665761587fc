package api

import (
	"context"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// PreviewCommands have exclusions previews made.
type PreviewCommands interface {
	CreatePreview(ctx context.Context, template string) (token string, err error)
}

func (s *Server) createExclusionsPreview(ctx context.Context, in *model.CreateExclusionsPreviewRequest) (*model.CreateExclusionsPreviewResponse, error) {
	t, err := s.template(ctx, templateResource, in.AssessmentTemplateArn)
	if err != nil {
		return nil, err
	}
	token, err := s.Commands.CreatePreview(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	return &model.CreateExclusionsPreviewResponse{PreviewToken: token}, nil
}

// getExclusionsPreview shows a preview under the template that it was made for. The
// model has no code for a token that names none: the nearest is used, and the
// message tells.
func (s *Server) getExclusionsPreview(ctx context.Context, in *model.GetExclusionsPreviewRequest) (*model.GetExclusionsPreviewResponse, error) {
	page, err := s.page("GetExclusionsPreview", []any{in.AssessmentTemplateArn, in.PreviewToken}, in.NextToken, in.MaxResults, exclusionsPage)
	if err != nil {
		return nil, err
	}
	t, err := s.template(ctx, templateResource, in.AssessmentTemplateArn)
	if err != nil {
		return nil, err
	}
	preview, ok, err := s.Queries.Preview(ctx, in.PreviewToken)
	switch {
	case err != nil:
		return nil, err
	case !ok || preview.Template != t.ID:
		return nil, inspector.Errorf(inspector.NoSuchEntity, templateResource.missing,
			"the assessment template has no exclusions preview %s, or none any more: CreateExclusionsPreview makes a new one", in.PreviewToken)
	case preview.CompletedAt.IsZero():
		return &model.GetExclusionsPreviewResponse{PreviewStatus: "WORK_IN_PROGRESS"}, nil
	}
	exclusions, after, err := s.Queries.PreviewExclusions(ctx, in.PreviewToken, page.Page)
	if err != nil {
		return nil, err
	}
	out := &model.GetExclusionsPreviewResponse{
		PreviewStatus: "COMPLETED", ExclusionPreviews: make([]model.ExclusionPreview, len(exclusions)), NextToken: page.token(after),
	}
	for i, e := range exclusions {
		x := wireExclusion("", e)
		out.ExclusionPreviews[i] = model.ExclusionPreview{
			Title: x.Title, Description: x.Description, Recommendation: x.Recommendation, Scopes: x.Scopes, Attributes: x.Attributes,
		}
	}
	return out, nil
}

package api

import (
	"context"

	"assay/internal/api/model"
)

// listSubscriptions lists nothing, which is the truth while nothing can be
// subscribed to. It is there because Terraform asks for it whenever it reads an
// assessment template.
func (s *Server) listSubscriptions(ctx context.Context, in *model.ListEventSubscriptionsRequest) (*model.ListEventSubscriptionsResponse, error) {
	if _, err := s.page("ListEventSubscriptions", in.ResourceArn, in.NextToken, in.MaxResults, defaultPage); err != nil {
		return nil, err
	}
	if in.ResourceArn != "" {
		if _, err := s.template(ctx, taggedResource, in.ResourceArn); err != nil {
			return nil, err
		}
	}
	return &model.ListEventSubscriptionsResponse{Subscriptions: []model.Subscription{}}, nil
}

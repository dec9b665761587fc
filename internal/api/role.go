package api

import (
	"context"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func (s *Server) registerRole(ctx context.Context, in *model.RegisterCrossAccountAccessRoleRequest) error {
	if !inspector.ValidRoleARN(in.RoleArn) {
		return inspector.Errorf(inspector.InvalidInput, codeRoleARN, "%.310q is not the ARN of a role of IAM", in.RoleArn)
	}
	return s.Commands.RegisterRole(ctx, in.RoleArn)
}

// describeRole answers with a role that is not valid, and nothing else, where none
// was registered. So does AWS, going by clients that try it: they look whether
// roleArn is there.
func (s *Server) describeRole(ctx context.Context, _ *struct{}) (*model.DescribeCrossAccountAccessRoleResponse, error) {
	role, _, err := s.Queries.Role(ctx)
	if err != nil {
		return nil, err
	}
	return &model.DescribeCrossAccountAccessRoleResponse{
		RoleArn: role.ARN, RegisteredAt: model.Timestamp{Time: role.RegisteredAt}, Valid: role.Valid,
	}, nil
}

package assess

import (
	"context"

	"assay/internal/inspector"
	"assay/internal/store"
)

// RegisterRole keeps the role through which AWS may be read, in place of the one
// that was registered before. AWS is not asked here: a role counts as valid until
// whoever uses it finds otherwise.
func (s *Service) RegisterRole(ctx context.Context, arn string) error {
	if !inspector.ValidRoleARN(arn) {
		return inspector.Errorf(inspector.InvalidInput, "INVALID_IAM_ROLE_ARN", "%.310q is not the ARN of a role of IAM", arn)
	}
	role := inspector.Role{ARN: arn, RegisteredAt: s.Now(), Valid: true}
	return s.update(ctx, func(tx *store.Tx) error { return tx.SaveRole(ctx, role) })
}

package assess

import (
	"context"

	"assay/internal/inspector"
	"assay/internal/store"
)

// ChangeUserAttributes changes the user attributes of findings. Those that cannot
// be changed are returned with the API's code for why; the others are.
func (s *Service) ChangeUserAttributes(ctx context.Context, findings []store.FindingRef, change inspector.AttributeChange) (failed map[store.FindingRef]string, err error) {
	err = s.update(ctx, func(tx *store.Tx) (err error) {
		failed, err = tx.ChangeUserAttributes(ctx, findings, change, s.Now())
		return err
	})
	return failed, err
}

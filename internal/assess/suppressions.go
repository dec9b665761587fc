package assess

import (
	"context"
	"slices"

	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
)

// Suppressions are decided here and kept in the store; they work where a host is
// evaluated (evaluateOne), so that a run that is over never changes.

// AddSuppression adds a suppression that a user has decided on. Its id, author and
// times of creation and revocation are set here.
func (s *Service) AddSuppression(ctx context.Context, author string, add inspector.Suppression) (inspector.Suppression, error) {
	now := s.Now()
	add.ID, add.Author, add.CreatedAt = inspector.NewID(), author, now
	if err := add.Check(now); err != nil {
		return add, err
	}
	if err := s.checkRule(add); err != nil {
		return add, err
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateSuppression(ctx, add, s.Limits); err != nil {
			return err
		}
		kept, err := tx.Suppressions(ctx, []string{add.ID})
		add = kept[add.ID]
		return err
	})
	return add, err
}

// checkRule checks a suppression whose rule is of the package for CVEs as if it named
// the package.
func (s *Service) checkRule(add inspector.Suppression) error {
	p := s.packages[inspector.PackageCVE]
	if p == nil || add.Package != "" || !slices.ContainsFunc(p.Describe().Rules, func(r rules.Rule) bool { return r.ID == add.Rule }) {
		return nil
	}
	add.Package = inspector.PackageCVE
	return add.Check(add.CreatedAt)
}

// RevokeSuppression ends a suppression that a user has decided to end. It stays on
// record; revoking it again changes nothing.
func (s *Service) RevokeSuppression(ctx context.Context, by, id string) error {
	return s.update(ctx, func(tx *store.Tx) error { return tx.RevokeSuppression(ctx, id, by, s.Now()) })
}

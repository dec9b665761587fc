package operator

import (
	"context"

	"assay/internal/migrate"
)

// ImportObjects takes over objects of an account of Amazon Inspector Classic: see
// package migrate.
const ImportObjects = "ImportObjects"

// ImportRequest is a batch of objects; its JSON is bounded as that of every
// request.
type ImportRequest = migrate.Batch

// ImportResponse has an outcome for each of the objects, in their order.
type ImportResponse struct {
	Outcomes []migrate.Outcome `json:"outcomes"`
}

func (o operations) importObjects(ctx context.Context, in ImportRequest) (ImportResponse, error) {
	outcomes, err := migrate.Importer{Store: o.Store, Now: o.Now}.Import(ctx, in)
	return ImportResponse{Outcomes: outcomes}, err
}

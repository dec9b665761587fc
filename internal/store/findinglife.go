package store

import (
	"context"
	"errors"
	"fmt"

	"assay/internal/inspector"
	"assay/internal/ledger"
)

// Ledger returns the ledger of the findings of a rules package on an agent; an empty
// one where none was evaluated yet.
func (r *Reader) Ledger(ctx context.Context, agent string, pkg inspector.PackageID) (*ledger.Ledger, error) {
	var data []byte
	ok, err := one(ctx, r, r.query("SELECT data FROM finding_ledgers WHERE agent = ? AND package = ?", agent, string(pkg)), &data)
	var found *ledger.Ledger
	switch {
	case err == nil && ok:
		found, err = ledger.Decode(data)
	case err == nil:
		found = &ledger.Ledger{}
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger of the %s findings of agent %s: %w", pkg, agent, err)
	}
	return found, nil
}

// RecordLife writes what an evaluation of a rules package on an agent found into the
// ledger of its findings. It goes with SaveResults, in the same transaction; what is
// recorded again changes nothing. A ledger that is damaged begins anew, since no
// evaluation of the host could be saved otherwise: anew tells that its past is lost.
func (tx *Tx) RecordLife(ctx context.Context, agent string, pkg inspector.PackageID, e ledger.Evaluation) (anew bool, err error) {
	first := &ledger.Ledger{}
	first.Add(e)
	// As in saveResults: what is new is written without a look at what was there.
	added, err := tx.exec(ctx, "INSERT INTO finding_ledgers (agent, package, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		agent, string(pkg), first.Encode())
	if err != nil {
		return false, fmt.Errorf("write the ledger of the %s findings of agent %s: %w", pkg, agent, err)
	}
	if added > 0 {
		return false, nil
	}
	all, err := tx.Ledger(ctx, agent, pkg)
	if anew = errors.Is(err, ledger.ErrDamaged); anew {
		all, err = &ledger.Ledger{}, nil
	}
	if err != nil {
		return false, err
	}
	all.Add(e)
	_, err = tx.exec(ctx, "UPDATE finding_ledgers SET data = $1 WHERE agent = $2 AND package = $3", all.Encode(), agent, string(pkg))
	if err != nil {
		return false, fmt.Errorf("write the ledger of the %s findings of agent %s: %w", pkg, agent, err)
	}
	return anew, nil
}

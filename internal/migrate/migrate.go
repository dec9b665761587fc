// Package migrate takes over the objects of an account of Amazon Inspector Classic,
// in the JSON in which its API described them (package dump reads them out of what
// aws-cli printed). What it writes keeps its ARN, times, names, states and counts,
// so that scripts with ARNs in them go on.
//
// An object is taken wholly or refused with the reason. One that is there already,
// the same, is left alone: importing twice changes nothing.
package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/store"
)

// Kind is a kind of objects, named as the list that the API has them in.
type Kind string

// The kinds.
const (
	ResourceGroups Kind = "resourceGroups"
	Targets        Kind = "assessmentTargets"
	Templates      Kind = "assessmentTemplates"
	Tags           Kind = "tags" // a resource's: {"resourceArn": ..., "tags": [...]}
	Runs           Kind = "assessmentRuns"
	Exclusions     Kind = "exclusions"
	Findings       Kind = "findings"
)

// Kinds lists the kinds in the order in which they refer to one another: who
// imports follows it.
func Kinds() []Kind {
	return []Kind{ResourceGroups, Targets, Templates, Tags, Runs, Exclusions, Findings}
}

// Object is an object as the API describes it.
type Object struct {
	Kind   Kind            `json:"kind"`
	Object json.RawMessage `json:"object"`
}

// Status is what became of an object.
type Status string

// The statuses.
const (
	Imported Status = "imported"
	Present  Status = "present" // it was there, the same
	Refused  Status = "refused"
)

// Outcome is what became of an object.
type Outcome struct {
	ARN    string   `json:"arn,omitempty"`
	Status Status   `json:"status"`
	Reason string   `json:"reason,omitempty"` // of a refusal
	Lost   []string `json:"lost,omitempty"`   // what there is no place for, in words
}

// Batch is what is imported in one transaction.
type Batch struct {
	Objects []Object `json:"objects"`
	DryRun  bool     `json:"dryRun,omitempty"` // only tell what would become of them
	// Assume are ARNs of objects that a dry run takes to be there, because it would
	// have imported them.
	Assume []string `json:"assume,omitempty"`
}

// MaxBatch is how many objects a batch may have.
const MaxBatch = 500

// Importer imports into a store, whose Scope is set.
type Importer struct {
	Store *store.Store
	Now   func() time.Time // default time.Now
}

// Import imports a batch. Objects are independent of one another: some may be
// refused, and the outcomes, in the order of the objects, tell why. An object of
// another account or region refuses the batch, as an *inspector.Err; another error
// is the store's, and nothing was imported.
func (i Importer) Import(ctx context.Context, b Batch) ([]Outcome, error) {
	if i.Now == nil {
		i.Now = time.Now
	}
	if len(b.Objects) > MaxBatch || len(b.Assume) > MaxBatch*4 {
		return nil, inspector.Errorf(inspector.InvalidInput, "INVALID_REQUEST", "a batch has at most %d objects, not %d", MaxBatch, len(b.Objects))
	}
	if len(b.Assume) > 0 && !b.DryRun {
		return nil, inspector.Errorf(inspector.InvalidInput, "INVALID_REQUEST", "only a dry run may assume that objects are there: import them before")
	}
	entries := make([]entry, len(b.Objects))
	for n, o := range b.Objects {
		var err error
		if entries[n], err = read(o); err != nil {
			entries[n].refusal = err
		} else if scope := entries[n].arn.Scope; scope != i.Store.Scope {
			return nil, Foreign(scope, i.Store.Scope)
		}
	}
	var outcomes []Outcome
	err := i.Store.Update(ctx, func(tx *store.Tx) (err error) {
		w := writer{tx: tx, now: i.Now(), dry: b.DryRun, assume: map[string]bool{}, seen: map[string]bool{}, runs: map[string]error{}}
		for _, arn := range b.Assume {
			w.assume[arn] = true
		}
		outcomes, err = w.all(ctx, entries)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return outcomes, nil
}

// Foreign is the error of objects of another account or region.
func Foreign(theirs, ours inspector.Scope) error {
	return inspector.Errorf(inspector.InvalidInput, "FOREIGN_SCOPE",
		"the dump is of account %s in %s, but this service answers for account %s in %s, which are part of every ARN and cannot change: "+
			"import it into a new data folder, which takes over the dump's (assay import -data NEW FILES), and serve that one (assay serve -data NEW)",
		theirs.Account, theirs.Region, ours.Account, ours.Region)
}

// entry is an object that was read.
type entry struct {
	arn     inspector.ARN
	item    item
	lost    []string
	refusal error
}

// item is an object of a kind, to be written.
type item interface {
	// write looks whether the object is there and what it needs is, and writes it,
	// unless the writer is dry. A refusal is an *inspector.Err, returned before
	// anything is written.
	write(ctx context.Context, w *writer) (Status, error)
}

// writer writes a batch.
type writer struct {
	tx     *store.Tx
	now    time.Time
	dry    bool
	assume map[string]bool
	seen   map[string]bool  // what the batch had already, so that a dry run tells what is there twice
	runs   map[string]error // what ofRun has found

	findings []inspector.Finding // to be written together at the end
}

func (w *writer) all(ctx context.Context, entries []entry) ([]Outcome, error) {
	outcomes := make([]Outcome, len(entries))
	for n, e := range entries {
		status, err := Refused, e.refusal
		if err == nil {
			status, err = e.item.write(ctx, w)
		}
		var told *inspector.Err
		if err != nil && !errors.As(err, &told) {
			return nil, err
		}
		outcomes[n] = Outcome{Status: status, Lost: e.lost}
		if e.arn.ID != "" {
			outcomes[n].ARN = e.arn.String()
		}
		if err != nil {
			outcomes[n] = Outcome{ARN: outcomes[n].ARN, Status: Refused, Reason: told.Message}
		}
	}
	if w.dry || len(w.findings) == 0 {
		return outcomes, nil
	}
	return outcomes, w.tx.ImportFindings(ctx, w.findings)
}

// refusef makes a refusal of an object.
func refusef(format string, args ...any) error {
	return inspector.Errorf(inspector.InvalidInput, "", format, args...)
}

// mostCounted is more than anybody can count to, and far from where sums overflow.
const mostCounted = 1 << 40

// unlimited is what an import is held to: what an account had, it keeps.
var unlimited = inspector.Limits{Targets: math.MaxInt, Templates: math.MaxInt}

// decode reads an object strictly, in the model's types and bounds.
func decode(data []byte, shape *model.Shape, into any) error {
	if err := model.Decode(data, shape, into); err != nil {
		return refusef("%v", err)
	}
	return nil
}

package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// missing are the error codes of what does not exist, by table.
var missing = map[string]struct{ code, what string }{
	"resource_groups": {"RESOURCE_GROUP_DOES_NOT_EXIST", "resource group"},
	"targets":         {"ASSESSMENT_TARGET_DOES_NOT_EXIST", "assessment target"},
	"templates":       {"ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", "assessment template"},
	"runs":            {"ASSESSMENT_RUN_DOES_NOT_EXIST", "assessment run"},
	"schedules":       {"SCHEDULE_DOES_NOT_EXIST", "schedule"},
	"suppressions":    {"SUPPRESSION_DOES_NOT_EXIST", "suppression"},
}

func noSuch(table, id string) error {
	m := missing[table]
	return inspector.Errorf(inspector.NoSuchEntity, m.code, "there is no %s %s", m.what, id)
}

// mustExist answers with the API's error where a row is missing.
func (tx *Tx) mustExist(ctx context.Context, table, id string) error {
	var n int
	ok, err := one(ctx, &tx.Reader, tx.query("SELECT 1 FROM "+table+" WHERE id = ?", id), &n)
	if err != nil {
		return fmt.Errorf("look for %s in %s: %w", id, table, err)
	}
	if !ok {
		return noSuch(table, id)
	}
	return nil
}

// maxNamedRuns is how many runs an error names.
const maxNamedRuns = 10

// deleteTree deletes a row of a table with the runs below it, whose column names
// the row. Telemetry becomes unreadable with it: keys are overwritten, and blobs
// are left to be deleted (see Doomed).
func (tx *Tx) deleteTree(ctx context.Context, table, column, id string) error {
	if err := tx.refuseInProgress(ctx, column, id); err != nil {
		return err
	}
	below := "SELECT no FROM runs WHERE " + column + " = $1"
	steps := []string{
		"INSERT INTO doomed (blob) SELECT blob FROM segments WHERE run IN (" + below + ") ON CONFLICT DO NOTHING",
		"DELETE FROM resource_tags WHERE resource = $1 OR resource IN (SELECT id FROM runs WHERE " + column + " = $1)",
	}
	if table == "targets" {
		steps = append(steps, "DELETE FROM resource_tags WHERE resource IN (SELECT id FROM templates WHERE target = $1)")
	}
	for _, step := range steps {
		if _, err := tx.exec(ctx, step, id); err != nil {
			return fmt.Errorf("delete %s: %w", id, err)
		}
	}
	if err := tx.deleteReports(ctx, "run IN ("+below+")", id); err != nil {
		return err
	}
	if err := tx.eraseKeys(ctx, below, id); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "DELETE FROM "+table+" WHERE id = $1", id); err != nil {
		return fmt.Errorf("delete %s: %w", id, err)
	}
	return nil
}

// refuseInProgress answers with an error if a run goes on.
func (tx *Tx) refuseInProgress(ctx context.Context, column, id string) error {
	q := tx.query("SELECT target, template, id FROM runs WHERE "+column+" = ? AND NOT final ORDER BY no LIMIT ?", id, maxNamedRuns+1)
	arns, err := rows(ctx, &tx.Reader, q, func(row scanner) (string, error) {
		var target, template, run string
		err := row.Scan(&target, &template, &run)
		return tx.runARN(target, template, run), err
	})
	if err != nil {
		return fmt.Errorf("look for runs that go on: %w", err)
	}
	if len(arns) == 0 {
		return nil
	}
	e := inspector.Errorf(inspector.RunInProgress, "", "%s cannot be deleted while an assessment run is in progress", id)
	e.Truncated = len(arns) > maxNamedRuns
	e.Runs = arns[:min(len(arns), maxNamedRuns)]
	return e
}

// runARN is the ARN of a run, or its path where the store was not told its scope.
func (tx *Tx) runARN(target, template, run string) string {
	if tx.scope == (inspector.Scope{}) {
		return "target/" + target + "/template/" + template + "/run/" + run
	}
	return tx.scope.Run(target, template, run).String()
}

// RunARN is the ARN of a run, as errors tell it.
func (tx *Tx) RunARN(r inspector.Run) string { return tx.runARN(r.Target, r.Template, r.ID) }

// eraseKeys overwrites the keys of runs with zeros. Their rows stay, in the same
// place and of the same size: a row that moves would leave its bytes behind.
func (tx *Tx) eraseKeys(ctx context.Context, runs string, args ...any) error {
	tx.scrub = true
	q := &query{}
	q.text.WriteString("SELECT run, wrapped FROM run_keys WHERE run IN (" + runs + ")")
	q.args = args
	type key struct {
		run     int64
		wrapped []byte
	}
	keys, err := rows(ctx, &tx.Reader, q, func(row scanner) (k key, err error) {
		err = row.Scan(&k.run, &k.wrapped)
		return k, err
	})
	if err != nil {
		return fmt.Errorf("find the keys of runs: %w", err)
	}
	for _, k := range keys {
		if _, err := tx.exec(ctx, "UPDATE run_keys SET wrapped = $1 WHERE run = $2", make([]byte, len(k.wrapped)), k.run); err != nil {
			return fmt.Errorf("erase the key of a run: %w", err)
		}
	}
	return nil
}

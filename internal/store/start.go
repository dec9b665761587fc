package store

import (
	"context"
	"fmt"
	"slices"

	"assay/internal/inspector"
)

// CreateRun adds a run in the state Created (or run.State, if set) over these
// agents, with its wrapped data key, and counts it in its template. It is refused
// with AgentsAlreadyRunning if one of the agents is in a run that goes on. A re-match
// asks nothing of its agents: it is in nobody's way, and nobody in its.
func (tx *Tx) CreateRun(ctx context.Context, run inspector.Run, wrappedKey []byte, agents []string, limits inspector.Limits) error {
	if err := tx.mayStart(ctx, run, agents, limits.WithDefaults()); err != nil {
		return err
	}
	agents = slices.Compact(slices.Sorted(slices.Values(agents)))
	var no int64
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT coalesce(max(run), 0) + 1 FROM run_keys"), &no); err != nil {
		return fmt.Errorf("number run %s: %w", run.ID, err)
	}
	if run.State == "" {
		run.State = inspector.Created
	}
	if len(run.Changes) == 0 {
		run.Changes = []inspector.StateChange{{State: run.State, At: run.CreatedAt}}
	}
	row := []any{no, run.ID, run.Target, run.Template, run.Name, string(run.State), run.State.Final(), false, run.Duration.Microseconds(),
		toJSON(run.Packages), toJSON(run.Attributes), stamp(run.CreatedAt), stamp(run.StartedAt), stamp(run.CompletedAt),
		stamp(run.Changes[len(run.Changes)-1].At), run.DataCollected, toJSON(rounded(run.Changes)), toJSON(noCounts()), string(run.Stop), int64(0), run.Rematch}
	err := tx.insert(ctx, `runs (no, id, target, template, name, state, final, shown, duration, packages, attributes, created_at, started_at,
		completed_at, state_changed_at, data_collected, changes, finding_counts, stop, telemetry_gone_at, rematch)`, [][]any{row}, "")
	if err != nil {
		return fmt.Errorf("write run %s: %w", run.ID, err)
	}
	if err := tx.insert(ctx, "run_keys (run, wrapped)", [][]any{{no, append([]byte{}, wrappedKey...)}}, ""); err != nil {
		return fmt.Errorf("write the key of run %s: %w", run.ID, err)
	}
	if err := tx.addAgents(ctx, no, agents); err != nil {
		return fmt.Errorf("write the agents of run %s: %w", run.ID, err)
	}
	if _, err = tx.exec(ctx, "UPDATE templates SET last_run = $1, runs = runs + 1 WHERE id = $2", run.ID, run.Template); err != nil {
		return fmt.Errorf("count run %s in its template: %w", run.ID, err)
	}
	return nil
}

func (tx *Tx) addAgents(ctx context.Context, no int64, agents []string) error {
	added := make([][]any, len(agents))
	for i, agent := range agents {
		added[i] = []any{no, agent, string(inspector.CollectionPending), string(inspector.HealthUnknown), string(inspector.CodeUnknown),
			int64(0), int64(0), int64(0), false, "{}"}
	}
	return tx.insert(ctx, "run_agents (run, agent, state, health, code, segments, expected, last_at, evaluated, doc)", added, "")
}

// mayStart checks what a new run needs.
func (tx *Tx) mayStart(ctx context.Context, run inspector.Run, agents []string, limits inspector.Limits) error {
	var template int
	ok, err := one(ctx, &tx.Reader, tx.query("SELECT 1 FROM templates WHERE id = ? AND target = ?", run.Template, run.Target), &template)
	if err != nil {
		return fmt.Errorf("look for template %s: %w", run.Template, err)
	}
	if !ok {
		return noSuch("templates", run.Template)
	}
	var runs, hosts int
	q := tx.query("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM run_agents WHERE run IN (SELECT no FROM runs WHERE NOT final AND NOT rematch))")
	if _, err := one(ctx, &tx.Reader, q, &runs, &hosts); err != nil {
		return fmt.Errorf("count runs: %w", err)
	}
	if runs >= limits.Runs {
		return inspector.Errorf(inspector.LimitExceeded, "ASSESSMENT_RUN_LIMIT_EXCEEDED", "there are %d assessment runs already, as many as there may be: delete old ones", runs)
	}
	taken, err := tx.HasRun(ctx, run.Template, run.Name)
	if err != nil {
		return err
	}
	if taken {
		// The model has no code for the name of a run; this is the nearest, and a
		// template's name is no input of StartAssessmentRun.
		return inspector.Errorf(inspector.InvalidInput, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", "the assessment template has a run named %q already", run.Name)
	}
	if run.Rematch {
		return nil
	}
	if err := tx.refuseBusy(ctx, agents); err != nil {
		return err
	}
	if hosts+len(agents) > limits.RunningHosts {
		return inspector.Errorf(inspector.LimitExceeded, "ASSESSMENT_RUN_LIMIT_EXCEEDED",
			"%d hosts are in running assessments, and %d more would exceed the limit of %d", hosts, len(agents), limits.RunningHosts)
	}
	return nil
}

// HasRun tells whether a template has a run with this name.
func (r *Reader) HasRun(ctx context.Context, template, name string) (bool, error) {
	var n int
	ok, err := one(ctx, r, r.query("SELECT 1 FROM runs WHERE template = ? AND name = ?", template, name), &n)
	if err != nil {
		return false, fmt.Errorf("look for run %q: %w", name, err)
	}
	return ok, nil
}

// maxBusy is how many agents AgentsAlreadyRunning names.
const maxBusy = 10

// BusyAgents returns those of the agents that are in a run that goes on and is no
// re-match, by agent, each with one of its runs.
func (tx *Tx) BusyAgents(ctx context.Context, agents []string) ([]inspector.BusyAgent, error) {
	q := tx.query(`SELECT a.agent, r.target, r.template, r.id FROM runs r JOIN run_agents a ON a.run = r.no WHERE NOT r.final AND NOT r.rematch ORDER BY a.agent, r.no`)
	going, err := rows(ctx, &tx.Reader, q, func(row scanner) (b inspector.BusyAgent, err error) {
		var target, template, run string
		err = row.Scan(&b.Agent, &target, &template, &run)
		b.RunARN = tx.runARN(target, template, run)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for agents that are in runs: %w", err)
	}
	wanted := make(map[string]bool, len(agents))
	for _, agent := range agents {
		wanted[agent] = true
	}
	var busy []inspector.BusyAgent
	for _, b := range going {
		if wanted[b.Agent] {
			busy = append(busy, b)
			wanted[b.Agent] = false
		}
	}
	return busy, nil
}

// refuseBusy answers with an error if an agent is in a run that goes on.
func (tx *Tx) refuseBusy(ctx context.Context, agents []string) error {
	busy, err := tx.BusyAgents(ctx, agents)
	if err != nil || len(busy) == 0 {
		return err
	}
	e := inspector.Errorf(inspector.AgentsAlreadyRunning, "", "%d of the hosts are in another assessment run that is in progress", len(busy))
	e.Truncated = len(busy) > maxBusy
	e.Agents = busy[:min(len(busy), maxBusy)]
	return e
}

package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// collectionDoc is what no query looks at.
type collectionDoc struct {
	Reason  string `json:"reason,omitempty"`
	Details string `json:"details,omitempty"`
}

const runAgentColumns = "SELECT agent, state, health, code, segments, expected, last_at, evaluated, source, doc FROM run_agents WHERE run = ?"

func scanRunAgent(row scanner) (a inspector.RunAgent, err error) {
	d := collectionDoc{}
	err = row.Scan(&a.Agent, &a.State, &a.Health, &a.HealthCode, &a.Segments, &a.Expected, (*instant)(&a.LastAt), &a.Evaluated, &a.Source, fromJSON{&d})
	a.Reason, a.Details = d.Reason, d.Details
	return a, err
}

// RunAgents returns a page of the agents of a run by id, with their telemetry
// counted by message type. A run that does not exist has none.
func (r *Reader) RunAgents(ctx context.Context, run string, f inspector.RunAgentFilter, p inspector.Page) ([]inspector.RunAgent, string, error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, "", err
	}
	q := r.query(runAgentColumns+" AND agent > ?", no, p.After)
	in(q, "health", f.Healths)
	in(q, "code", f.Codes)
	q.add(" ORDER BY agent LIMIT ?", limit(p))
	agents, err := rows(ctx, r, q, scanRunAgent)
	if err == nil && len(agents) > 0 {
		err = r.fillTelemetry(ctx, run, no, agents)
	}
	if err != nil {
		return nil, "", fmt.Errorf("list the agents of run %s: %w", run, err)
	}
	agents, next := cut(agents, p, func(a inspector.RunAgent) string { return a.Agent })
	return agents, next, nil
}

// RunAgent returns an agent's part in a run.
func (r *Reader) RunAgent(ctx context.Context, run, agent string) (a inspector.RunAgent, ok bool, err error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return a, false, err
	}
	agents, err := rows(ctx, r, r.query(runAgentColumns+" AND agent = ?", no, agent), scanRunAgent)
	if err == nil && len(agents) > 0 {
		err = r.fillTelemetry(ctx, run, no, agents)
	}
	if err != nil {
		return a, false, fmt.Errorf("read agent %s of run %s: %w", agent, run, err)
	}
	if len(agents) == 0 {
		return a, false, nil
	}
	return agents[0], true, nil
}

// Parts returns the parts of all agents in a run, or of one where it is named, by id,
// without what counts their telemetry.
func (r *Reader) Parts(ctx context.Context, run, agent string) ([]inspector.RunAgent, error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, err
	}
	q := r.query(runAgentColumns, no)
	if agent != "" {
		q.add(" AND agent = ?", agent)
	}
	parts, err := rows(ctx, r, q.add(" ORDER BY agent"), func(row scanner) (inspector.RunAgent, error) {
		a, err := scanRunAgent(row)
		a.Run = run
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the agents of run %s: %w", run, err)
	}
	return parts, nil
}

// fillTelemetry adds the run's id and the counts to agents, which are in order.
func (r *Reader) fillTelemetry(ctx context.Context, run string, no int64, agents []inspector.RunAgent) error {
	at := make(map[string]int, len(agents))
	for i := range agents {
		agents[i].Run = run
		at[agents[i].Agent] = i
	}
	q := r.query("SELECT agent, type, count, size FROM telemetry WHERE run = ? AND agent >= ? AND agent <= ? ORDER BY agent, type",
		no, agents[0].Agent, agents[len(agents)-1].Agent)
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var agent string
		var c inspector.MessageCount
		if err := row.Scan(&agent, &c.MessageType, &c.Count, &c.DataSize); err != nil {
			return struct{}{}, err
		}
		if i, ok := at[agent]; ok {
			agents[i].Telemetry = append(agents[i].Telemetry, c)
		}
		return struct{}{}, nil
	})
	return err
}

// Telemetry counts a run's telemetry by message type, over all its agents.
func (r *Reader) Telemetry(ctx context.Context, run string) ([]inspector.MessageCount, error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, err
	}
	q := r.query("SELECT type, CAST(sum(count) AS BIGINT), CAST(sum(size) AS BIGINT) FROM telemetry WHERE run = ? GROUP BY type ORDER BY type", no)
	counts, err := rows(ctx, r, q, func(row scanner) (c inspector.MessageCount, err error) {
		err = row.Scan(&c.MessageType, &c.Count, &c.DataSize)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("count the telemetry of run %s: %w", run, err)
	}
	return counts, nil
}

// SaveRunAgent writes an agent's part in a run: state, reason, number of expected
// segments, health. It adds the agent to the run if it was not in it. Segments,
// LastAt and Telemetry are AddSegment's, Evaluated is MarkEvaluated's, Source is
// SetSource's.
func (tx *Tx) SaveRunAgent(ctx context.Context, a inspector.RunAgent) error {
	no, ok, err := tx.number(ctx, a.Run)
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("runs", a.Run)
	}
	_, err = tx.exec(ctx, `INSERT INTO run_agents (run, agent, state, health, code, segments, expected, last_at, evaluated, doc)
		VALUES ($1, $2, $3, $4, $5, 0, $6, 0, $7, $8) ON CONFLICT (run, agent) DO UPDATE SET
		state = excluded.state, health = excluded.health, code = excluded.code, expected = excluded.expected, doc = excluded.doc`,
		no, a.Agent, string(a.State), string(a.Health), string(a.HealthCode), a.Expected, false, toJSON(collectionDoc{a.Reason, a.Details}))
	if err != nil {
		return fmt.Errorf("write agent %s of run %s: %w", a.Agent, a.Run, err)
	}
	return nil
}

// MarkEvaluated notes that everything an agent sent in a run was evaluated.
func (tx *Tx) MarkEvaluated(ctx context.Context, run, agent string) error {
	no, _, err := tx.number(ctx, run)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, "UPDATE run_agents SET evaluated = $1 WHERE run = $2 AND agent = $3", true, no, agent)
	if err != nil {
		return fmt.Errorf("write agent %s of run %s: %w", agent, run, err)
	}
	if n == 0 {
		return fmt.Errorf("mark agent %s of run %s as evaluated: %w", agent, run, ErrNotInRun)
	}
	return nil
}

// PendingEvaluations counts the agents of a run that were not evaluated yet.
func (r *Reader) PendingEvaluations(ctx context.Context, run string) (n int, err error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return 0, err
	}
	if _, err = one(ctx, r, r.query("SELECT count(*) FROM run_agents WHERE run = ? AND NOT evaluated", no), &n); err != nil {
		return 0, fmt.Errorf("count what is left to evaluate of run %s: %w", run, err)
	}
	return n, nil
}

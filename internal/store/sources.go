package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/internal/inspector"
)

// Stored is what is there of a host's telemetry: that of one run.
type Stored struct {
	Agent  string
	Run    inspector.Run // its id, target and template only
	At     time.Time     // when the last of it came, by the service's clock
	Usable Usability
}

// Usability tells whether stored telemetry can be judged again.
type Usability int

// The usabilities, from the worst to the best.
const (
	Destroyed Usability = iota + 1 // or to be destroyed: its time is over
	Lacking                        // it is there, without a sensor that is needed
	Usable
)

// NewestTelemetry finds, for each of the agents, the newest telemetry that can be
// used: collected completely, by a run that was not over before a time, with
// segments of all these sensors. Where there is none it returns the newest of the
// next best; agents whose telemetry was never collected completely are left out.
//
// An agent is in one run at a time that collects, so that of its runs the last one
// that was started has its newest telemetry, whatever clocks say.
func (r *Reader) NewestTelemetry(ctx context.Context, agents, sensors []string, over time.Time) (map[string]Stored, error) {
	found := make(map[string]Stored, len(agents))
	for some := range slices.Chunk(agents, maxPage) {
		for _, look := range []func([]string) *query{
			func(some []string) *query { return r.newestUsable(some, sensors, over) },
			func(some []string) *query { return r.newestOther(some, over) },
		} {
			if len(some) == 0 {
				break
			}
			part, err := byKey(ctx, r, look(some), scanStored, func(s Stored) string { return s.Agent })
			if err != nil {
				return nil, fmt.Errorf("look for stored telemetry: %w", err)
			}
			maps.Copy(found, part)
			some = slices.DeleteFunc(slices.Clone(some), func(agent string) bool { return found[agent].Agent != "" })
		}
	}
	return found, nil
}

// newestUsable goes back through the runs of each agent up to the first whose
// telemetry can be used.
func (r *Reader) newestUsable(agents, sensors []string, over time.Time) *query {
	q := r.query("WITH wanted (agent) AS (")
	lead := "VALUES (?)"
	for _, agent := range agents {
		q.add(lead, agent)
		lead = ", (?)"
	}
	q.add(`), found (agent, run) AS (SELECT w.agent, (SELECT a.run FROM run_agents a JOIN runs r ON r.no = a.run
		WHERE a.agent = w.agent AND a.state = ? AND a.segments > 0 AND r.telemetry_gone_at = 0 AND (NOT r.final OR r.completed_at >= ?)`,
		string(inspector.CollectionComplete), stamp(over))
	for _, sensor := range sensors {
		q.add(" AND EXISTS (SELECT 1 FROM segments s WHERE s.run = a.run AND s.agent = a.agent AND s.sensor = ?)", sensor)
	}
	return q.add(` ORDER BY a.run DESC LIMIT 1) FROM wanted w)
		SELECT f.agent, r.id, r.target, r.template, a.last_at, CAST(? AS BIGINT) FROM found f
		JOIN run_agents a ON a.run = f.run AND a.agent = f.agent JOIN runs r ON r.no = f.run`, int64(Usable))
}

// newestOther finds what there is of agents whose telemetry can not be used.
func (r *Reader) newestOther(agents []string, over time.Time) *query {
	q := r.query(`SELECT agent, id, target, template, last_at, usable FROM (
		SELECT c.*, row_number() OVER (PARTITION BY agent ORDER BY usable DESC, run DESC) AS place FROM (
		SELECT a.agent, a.run, r.id, r.target, r.template, a.last_at,
		CASE WHEN r.telemetry_gone_at <> 0 OR r.final AND r.completed_at < ? THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END AS usable
		FROM run_agents a JOIN runs r ON r.no = a.run WHERE a.state = ? AND a.segments > 0 AND a.agent`,
		stamp(over), int64(Destroyed), int64(Lacking), string(inspector.CollectionComplete))
	return q.list(toAny(agents)).add(") c) d WHERE place = 1")
}

func scanStored(row scanner) (s Stored, err error) {
	err = row.Scan(&s.Agent, &s.Run.ID, &s.Run.Target, &s.Run.Template, (*instant)(&s.At), &s.Usable)
	return s, err
}

// SetSource notes which run's telemetry of an agent a re-match judges, and when
// the last of it had come.
func (tx *Tx) SetSource(ctx context.Context, run, agent, source string, at time.Time) error {
	no, _, err := tx.number(ctx, run)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, "UPDATE run_agents SET source = $1, last_at = $2 WHERE run = $3 AND agent = $4", source, stamp(at), no, agent)
	if err == nil && n == 0 {
		err = ErrNotInRun
	}
	if err != nil {
		return fmt.Errorf("write the source of agent %s in run %s: %w", agent, run, err)
	}
	return nil
}

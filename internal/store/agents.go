package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/internal/inspector"
)

// agentDoc is what no query looks at.
type agentDoc struct {
	Hostname     string          `json:"hostname,omitempty"`
	OS           string          `json:"os,omitempty"`
	Platform     string          `json:"platform,omitempty"`
	Kernel       string          `json:"kernel,omitempty"`
	Architecture string          `json:"architecture,omitempty"`
	Version      string          `json:"version,omitempty"`
	Addresses    []string        `json:"addresses,omitempty"`
	Tags         []inspector.Tag `json:"tags,omitempty"`
	Sensors      []string        `json:"sensors,omitempty"`
	Problems     []string        `json:"problems,omitempty"`

	Tiers []inspector.SensorTier `json:"tiers,omitempty"`
}

const agentColumns = "SELECT a.id, a.revoked, a.enrolled_at, a.doc, s.seen_at, s.skew FROM agents a JOIN sightings s ON s.agent = a.id WHERE "

func scanAgent(row scanner) (a inspector.Agent, err error) {
	d := agentDoc{}
	err = row.Scan(&a.ID, &a.Revoked, (*instant)(&a.EnrolledAt), fromJSON{&d}, (*instant)(&a.SeenAt), (*span)(&a.Skew))
	a.Hostname, a.OS, a.Platform, a.Kernel, a.Architecture, a.Version = d.Hostname, d.OS, d.Platform, d.Kernel, d.Architecture, d.Version
	a.Addresses, a.Tags, a.Sensors, a.Problems, a.Tiers = d.Addresses, d.Tags, d.Sensors, d.Problems, d.Tiers
	return a, err
}

func agentID(a inspector.Agent) string { return a.ID }

// Agents returns those of the agents that exist, by id, revoked ones too.
func (r *Reader) Agents(ctx context.Context, ids []string) (map[string]inspector.Agent, error) {
	agents, err := byKey(ctx, r, r.query(agentColumns+"a.id").list(toAny(ids)), scanAgent, agentID)
	if err != nil {
		return nil, fmt.Errorf("read agents: %w", err)
	}
	return agents, nil
}

// ListAgents returns a page of all agents by id, revoked ones too.
func (r *Reader) ListAgents(ctx context.Context, p inspector.Page) ([]inspector.Agent, string, error) {
	return r.agents(ctx, r.query(agentColumns+"a.id > ?", p.After), p)
}

// AgentsOf returns a page of the agents of a target by id: those with any of the
// tags of its resource group, or all if it has no group. Revoked ones are left
// out.
func (r *Reader) AgentsOf(ctx context.Context, t inspector.Target, p inspector.Page) ([]inspector.Agent, string, error) {
	q := r.query(agentColumns+"a.id > ? AND NOT a.revoked", p.After)
	if t.ResourceGroup == "" {
		return r.agents(ctx, q, p)
	}
	groups, err := r.ResourceGroups(ctx, []string{t.ResourceGroup})
	if err != nil {
		return nil, "", err
	}
	group, ok := groups[t.ResourceGroup]
	if !ok {
		return nil, "", noSuch("resource_groups", t.ResourceGroup)
	}
	if len(group.Tags) == 0 {
		return nil, "", nil
	}
	q.add(" AND EXISTS (SELECT 1 FROM agent_tags t WHERE t.agent = a.id AND (")
	for i, tag := range group.Tags {
		q.add([]string{"", " OR "}[min(i, 1)]+"(t.key = ? AND t.value = ?)", clean(tag.Key), clean(tag.Value))
	}
	q.add("))")
	return r.agents(ctx, q, p)
}

func (r *Reader) agents(ctx context.Context, q *query, p inspector.Page) ([]inspector.Agent, string, error) {
	q.add(" ORDER BY a.id LIMIT ?", limit(p))
	agents, err := rows(ctx, r, q, scanAgent)
	if err != nil {
		return nil, "", fmt.Errorf("list agents: %w", err)
	}
	agents, next := cut(agents, p, agentID)
	return agents, next, nil
}

// SaveAgent adds or replaces an agent with all its members.
func (tx *Tx) SaveAgent(ctx context.Context, a inspector.Agent) error {
	doc := toJSON(agentDoc{a.Hostname, a.OS, a.Platform, a.Kernel, a.Architecture, a.Version, a.Addresses, a.Tags, a.Sensors, a.Problems, a.Tiers})
	_, err := tx.exec(ctx, `INSERT INTO agents (id, revoked, enrolled_at, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked, enrolled_at = excluded.enrolled_at, doc = excluded.doc`,
		a.ID, a.Revoked, stamp(a.EnrolledAt), doc)
	if err != nil {
		return fmt.Errorf("write agent %s: %w", a.ID, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO sightings (agent, seen_at, skew) VALUES ($1, $2, $3)
		ON CONFLICT (agent) DO UPDATE SET seen_at = excluded.seen_at, skew = excluded.skew`, a.ID, stamp(a.SeenAt), a.Skew.Microseconds())
	if err != nil {
		return fmt.Errorf("write when agent %s was seen: %w", a.ID, err)
	}
	if _, err = tx.exec(ctx, "DELETE FROM agent_tags WHERE agent = $1", a.ID); err != nil {
		return fmt.Errorf("write the tags of agent %s: %w", a.ID, err)
	}
	tags := make([][]any, len(a.Tags))
	for i, tag := range a.Tags {
		tags[i] = []any{a.ID, clean(tag.Key), clean(tag.Value)}
	}
	if err := tx.insert(ctx, "agent_tags (agent, key, value)", tags, " ON CONFLICT DO NOTHING"); err != nil {
		return fmt.Errorf("write the tags of agent %s: %w", a.ID, err)
	}
	return nil
}

// Touch is a heartbeat that brings nothing new but its time.
type Touch struct {
	Agent  string
	SeenAt time.Time
	Skew   time.Duration
}

// TouchAgents notes many heartbeats in one transaction and few statements: collect
// those of a second or so. Agents that do not exist are passed over; an older time
// never replaces a later one.
func (s *Store) TouchAgents(ctx context.Context, touches []Touch) error {
	latest := map[string]Touch{}
	for _, t := range touches {
		if old, ok := latest[t.Agent]; !ok || old.SeenAt.Before(t.SeenAt) {
			latest[t.Agent] = t
		}
	}
	return s.Update(ctx, func(tx *Tx) error { return tx.touch(ctx, latest) })
}

func (tx *Tx) touch(ctx context.Context, touches map[string]Touch) error {
	// In order, so that replicas that do this at once wait instead of deadlocking.
	agents := slices.Sorted(maps.Keys(touches))
	if tx.pg {
		return tx.touchMany(ctx, agents, touches)
	}
	// A statement costs SQLite less than a join with the values.
	update, err := tx.tx.PrepareContext(ctx, "UPDATE sightings SET seen_at = $1, skew = $2 WHERE agent = $3 AND seen_at < $1")
	if err != nil {
		return fmt.Errorf("note heartbeats: %w", err)
	}
	defer update.Close()
	for _, agent := range agents {
		if _, err := update.ExecContext(ctx, stamp(touches[agent].SeenAt), touches[agent].Skew.Microseconds(), agent); err != nil {
			return fmt.Errorf("note a heartbeat of %s: %w", agent, err)
		}
	}
	return nil
}

// touchMany saves PostgreSQL round trips: one statement for all.
func (tx *Tx) touchMany(ctx context.Context, agents []string, touches map[string]Touch) error {
	seen, skews := make([]int64, len(agents)), make([]int64, len(agents))
	for i, agent := range agents {
		seen[i], skews[i] = stamp(touches[agent].SeenAt), touches[agent].Skew.Microseconds()
	}
	_, err := tx.exec(ctx, `UPDATE sightings SET seen_at = v.seen_at, skew = v.skew
		FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS v (agent, seen_at, skew)
		WHERE sightings.agent = v.agent AND sightings.seen_at < v.seen_at`, agents, seen, skews)
	if err != nil {
		return fmt.Errorf("note heartbeats: %w", err)
	}
	return nil
}

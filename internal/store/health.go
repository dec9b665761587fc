package store

import (
	"context"
	"time"

	"assay/internal/inspector"
)

// countAgents counts agents by health, all of them and those of each target.
func (r *Reader) countAgents(ctx context.Context, silentSince time.Time, f *Figures) error {
	q := r.query("SELECT ")
	q.health(silentSince)
	q.add(", count(*) FROM agents a JOIN sightings s ON s.agent = a.id WHERE NOT a.revoked GROUP BY 1")
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var health inspector.Health
		var n int64
		err := row.Scan(&health, &n)
		f.Agents.add(health, n)
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	targets, wanting, ungrouped, err := r.targetTags(ctx)
	if err != nil {
		return err
	}
	for _, i := range ungrouped {
		targets[i].Agents = f.Agents
	}
	f.Targets = targets
	return r.countTagged(ctx, silentSince, targets, wanting)
}

// health adds the health of the agent a, seen as s says. It is that of
// assess.Service.Health.
func (q *query) health(silentSince time.Time) {
	silent := stamp(silentSince)
	q.add("CASE WHEN s.seen_at = 0 THEN 'UNKNOWN' WHEN s.seen_at < ? AND a.enrolled_at < ? OR ", silent, silent)
	// JSON escapes quotation marks in strings, so that this can only be the member,
	// which is there if it is not empty.
	q.matches("a.doc", "", `"problems":[`, "")
	q.add(" THEN 'UNHEALTHY' ELSE 'HEALTHY' END")
}

// add counts n agents of a health.
func (h *HealthCounts) add(health inspector.Health, n int64) {
	switch health {
	case inspector.Healthy:
		h.Healthy += n
	case inspector.Unhealthy:
		h.Unhealthy += n
	default:
		h.Unknown += n
	}
}

// targetTags reads the targets, and which of them want a tag. Ungrouped are those
// without a group: all hosts belong to them.
func (r *Reader) targetTags(ctx context.Context) (targets []TargetFigures, wanting map[inspector.Tag][]int, ungrouped []int, err error) {
	wanting = map[inspector.Tag][]int{}
	q := r.query("SELECT t.id, t.name, g.tags FROM targets t LEFT JOIN resource_groups g ON g.id = t.resource_group ORDER BY t.id")
	_, err = rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var t TargetFigures
		var text maybe
		if err := row.Scan(&t.ID, &t.Name, &text); err != nil {
			return struct{}{}, err
		}
		at := len(targets)
		targets = append(targets, t)
		if text == "" {
			ungrouped = append(ungrouped, at)
			return struct{}{}, nil
		}
		var tags []inspector.Tag
		err := fromJSON{&tags}.Scan(string(text))
		for _, tag := range tags {
			tag = inspector.Tag{Key: clean(tag.Key), Value: clean(tag.Value)} // as agents' tags are kept
			wanting[tag] = append(wanting[tag], at)
		}
		return struct{}{}, err
	})
	return targets, wanting, ungrouped, err
}

// mostWanted is how many tags the database is asked for by name; where more are
// wanted it is cheaper to look at all.
const mostWanted = 5000

// countTagged counts the agents of targets by the tags that each wants any of. The
// database tells every agent's tags in turn, so that nothing but the counts is kept.
func (r *Reader) countTagged(ctx context.Context, silentSince time.Time, targets []TargetFigures, wanting map[inspector.Tag][]int) error {
	if len(wanting) == 0 {
		return nil
	}
	q := r.query("SELECT a.id, t.key, t.value, ")
	q.health(silentSince)
	q.add(" FROM agents a JOIN sightings s ON s.agent = a.id JOIN agent_tags t ON t.agent = a.id WHERE NOT a.revoked")
	if len(wanting) <= mostWanted {
		lead := " AND (t.key, t.value) IN (VALUES "
		for tag := range wanting {
			q.add(lead+"(?, ?)", tag.Key, tag.Value)
			lead = ", "
		}
		q.add(")")
	}
	counted := make([]string, len(targets)) // the agent that was counted last
	_, err := rows(ctx, r, q.add(" ORDER BY a.id"), func(row scanner) (struct{}, error) {
		var agent string
		var tag inspector.Tag
		var health inspector.Health
		err := row.Scan(&agent, &tag.Key, &tag.Value, &health)
		for _, i := range wanting[tag] {
			if counted[i] != agent {
				counted[i] = agent
				targets[i].Agents.add(health, 1)
			}
		}
		return struct{}{}, err
	})
	return err
}

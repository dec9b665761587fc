package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"assay/internal/inspector"
)

// countAgents counts agents by health, all of them and those of each target.
func (r *Reader) countAgents(ctx context.Context, silentSince time.Time, f *Figures) error {
	q := r.query("SELECT '', ")
	q.health(silentSince)
	q.add(", count(*) FROM agents a JOIN sightings s ON s.agent = a.id WHERE NOT a.revoked GROUP BY 2")
	all, err := r.healths(ctx, q)
	if err != nil {
		return err
	}
	f.Agents = all[""]
	targets, wanted, err := r.targetTags(ctx)
	if err != nil {
		return err
	}
	tagged, err := r.countTagged(ctx, silentSince, wanted)
	if err != nil {
		return err
	}
	for i, t := range targets {
		if targets[i].Agents = tagged[t.ID]; wanted[t.ID] == nil {
			targets[i].Agents = f.Agents // a target without a group is all hosts
		}
	}
	f.Targets = targets
	return nil
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

// healths runs a query for a target, a health and a number.
func (r *Reader) healths(ctx context.Context, q *query) (map[string]HealthCounts, error) {
	counts := map[string]HealthCounts{}
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var target string
		var health inspector.Health
		var n int64
		err := row.Scan(&target, &health, &n)
		c := counts[target]
		switch health {
		case inspector.Healthy:
			c.Healthy += n
		case inspector.Unhealthy:
			c.Unhealthy += n
		default:
			c.Unknown += n
		}
		counts[target] = c
		return struct{}{}, err
	})
	return counts, err
}

// targetTags reads the targets, and the tags of those that have a group: a list
// that is not nil, though it may be empty.
func (r *Reader) targetTags(ctx context.Context) ([]TargetFigures, map[string][]inspector.Tag, error) {
	wanted := map[string][]inspector.Tag{}
	q := r.query("SELECT t.id, t.name, coalesce(g.tags, '') FROM targets t LEFT JOIN resource_groups g ON g.id = t.resource_group ORDER BY t.id")
	targets, err := rows(ctx, r, q, func(row scanner) (t TargetFigures, err error) {
		var tags string
		if err := row.Scan(&t.ID, &t.Name, &tags); err != nil || tags == "" {
			return t, err
		}
		var list []inspector.Tag
		err = fromJSON{&list}.Scan(tags)
		wanted[t.ID] = append([]inspector.Tag{}, list...)
		return t, err
	})
	return targets, wanted, err
}

// tagsAtOnce is how many tags a query looks for: within the databases' limits on
// placeholders, and more than all targets have under the default limits.
const tagsAtOnce = 5000

// countTagged counts the agents of targets by the tags that each wants any of.
func (r *Reader) countTagged(ctx context.Context, silentSince time.Time, wanted map[string][]inspector.Tag) (map[string]HealthCounts, error) {
	type pair struct {
		target string
		tag    inspector.Tag
	}
	counts := map[string]HealthCounts{}
	var batch []pair
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		q := r.query("WITH wanted (target, key, value) AS (VALUES ")
		for i, p := range batch {
			q.add([]string{"", ", "}[min(i, 1)]+"(?, ?, ?)", p.target, clean(p.tag.Key), clean(p.tag.Value))
		}
		q.add(") SELECT m.target, ")
		q.health(silentSince)
		q.add(`, count(*) FROM (SELECT DISTINCT w.target, t.agent FROM wanted w JOIN agent_tags t ON t.key = w.key AND t.value = w.value) m
			JOIN agents a ON a.id = m.agent JOIN sightings s ON s.agent = a.id WHERE NOT a.revoked GROUP BY 1, 2`)
		found, err := r.healths(ctx, q)
		maps.Copy(counts, found)
		batch = batch[:0]
		return err
	}
	for _, target := range slices.Sorted(maps.Keys(wanted)) {
		if len(batch)+len(wanted[target]) > tagsAtOnce { // a target is counted in one
			if err := flush(); err != nil {
				return nil, err
			}
		}
		for _, tag := range wanted[target] {
			batch = append(batch, pair{target, tag})
		}
	}
	return counts, flush()
}

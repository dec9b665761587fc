package assess

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/rules"
	"assay/internal/store"
)

// saying is what a run said about the two rules of a host, each of which has the
// subjects "a" and "b"; nil where the host was not evaluated.
type saying map[string]string // by rule/subject: "open", "hidden", "absent", "unchecked"

var (
	evidence = []rules.Evidence{{Sensor: "s", Record: "r", Found: "f"}}
	twoRules = []string{"root-login", "aslr"}
)

// results are the results that tell it.
func (said saying) results() (all []rules.Result) {
	for _, rule := range twoRules {
		all = append(all, rules.Result{Rule: rule, Verdict: rules.Passed, Reason: "fine", Evidence: evidence})
		for _, subject := range []string{"a", "b"} {
			r := rules.Result{Rule: rule, Subject: subject, Verdict: rules.Failed, Reason: "bad", Evidence: evidence}
			switch said[rule+"/"+subject] {
			case "absent":
				continue
			case "hidden":
				r.Suppressed = &rules.Suppression{By: rules.ByRule, ID: "0-x"}
			case "unchecked":
				r.Verdict, r.Evidence = rules.NotEvaluated, nil
			}
			all = append(all, r)
		}
	}
	return all
}

// presence is what is to be known of a subject of a rule: of a rule that was not
// evaluated for one, nothing about those that were not found.
func (said saying) presence(rule, subject string) Presence {
	switch {
	case said == nil:
		return NotChecked
	case said[rule+"/"+subject] == "open":
		return PresentOpen
	case said[rule+"/"+subject] == "hidden":
		return PresentSuppressed
	case said[rule+"/a"] == "unchecked" || said[rule+"/b"] == "unchecked":
		return NotChecked
	}
	return Absent
}

// wanted says what became of a finding, in words of its own.
func wanted(before, after Presence) Change {
	switch after {
	case PresentSuppressed:
		return ChangeSuppressed
	case PresentOpen:
		if before == PresentOpen {
			return ChangeOpen
		}
		return ChangeNew
	case Absent:
		return ChangeFixed
	}
	return ChangeUnchecked
}

func drawTold(t *rapid.T) saying {
	if rapid.IntRange(0, 4).Draw(t, "host") == 0 {
		return nil // failed, or not in the run
	}
	said := saying{}
	for _, rule := range twoRules {
		for _, subject := range []string{"a", "b"} {
			said[rule+"/"+subject] = rapid.SampledFrom([]string{"open", "hidden", "absent", "absent", "unchecked"}).Draw(t, rule+subject)
		}
	}
	return said
}

// Runs are made in order, evaluated in any order, and some are deleted: comparisons
// of those that are left, and the ledgers, say what the evaluations said.
func TestComparisonsTellTheTruth(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		c := &comparison{T: t, world: w, template: template, agent: fmt.Sprintf("i-%017x", n)}
		for range rapid.IntRange(2, 6).Draw(t, "runs") {
			c.start(drawTold(t))
		}
		for _, i := range rapid.Permutation(indexes(len(c.runs))).Draw(t, "order") {
			c.evaluate(i)
		}
		lives := c.lives()
		if gone := rapid.IntRange(-1, len(c.runs)-1).Draw(t, "deleted"); gone >= 0 && len(c.runs) > 2 {
			c.delete(gone)
		}
		c.compareAll(lives)
	})
}

func indexes(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// comparison is a host in runs, and what they said of it.
type comparison struct {
	*rapid.T
	*world
	template inspector.Template
	agent    string
	runs     []inspector.Run
	said     []saying
}

func (c *comparison) must(err error) {
	if err != nil {
		c.T.Fatal(err)
	}
}

func (c *comparison) update(fn func(ctx context.Context, tx *store.Tx) error) {
	ctx := context.Background()
	c.must(c.Store.Update(ctx, func(tx *store.Tx) error { return fn(ctx, tx) }))
}

func (c *comparison) start(said saying) {
	run := inspector.Run{ID: inspector.NewID(), Target: c.template.Target, Template: c.template.ID, CreatedAt: noon.AddDate(0, 0, len(c.runs))}
	run.Name = run.ID
	c.update(func(ctx context.Context, tx *store.Tx) error {
		// The host is in several runs at once, which would be refused.
		return tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{Runs: 1 << 30})
	})
	c.runs, c.said = append(c.runs, run), append(c.said, said)
}

func (c *comparison) evaluate(i int) {
	run, said := c.runs[i], c.said[i]
	c.update(func(ctx context.Context, tx *store.Tx) error {
		for _, state := range []inspector.RunState{inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
			inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules} {
			if err := tx.ChangeRunState(ctx, run.ID, state, run.CreatedAt); err != nil {
				return err
			}
		}
		if said != nil {
			results := said.results()
			kept, err := encodeResults(HostResults{Package: inspector.PackagePractices, Results: results})
			o := rules.Observe(c.rules.Describe(), c.subject(run, inspector.Agent{ID: c.agent}, ""), results)
			_, lifeErr := tx.RecordLife(ctx, c.agent, inspector.PackagePractices, lifeOf(run, nil, o))
			err = errors.Join(err, lifeErr, tx.SaveResults(ctx, run.ID, c.agent, inspector.PackagePractices, kept, nil, nil))
			if err != nil {
				return err
			}
		}
		return tx.ChangeRunState(ctx, run.ID, inspector.Completed, run.CreatedAt)
	})
}

func (c *comparison) delete(i int) {
	c.update(func(ctx context.Context, tx *store.Tx) error { return tx.DeleteRun(ctx, c.runs[i].ID) })
	c.runs, c.said = append(c.runs[:i:i], c.runs[i+1:]...), append(c.said[:i:i], c.said[i+1:]...)
}

// lives is when each finding was seen first and last, going by what was said.
func (c *comparison) lives() map[string]ledger.Life {
	lives := map[string]ledger.Life{}
	for i, said := range c.said {
		for _, rule := range twoRules {
			for _, subject := range []string{"a", "b"} {
				p, at := said.presence(rule, subject), ledger.Sighting{Run: c.runs[i].ID, At: c.runs[i].CreatedAt}
				life := lives[rule+"/"+subject]
				switch {
				case p == PresentOpen || p == PresentSuppressed:
					if life.First.Run == "" {
						life.First = at
					}
					life.Last, life.Gone = at, ledger.Sighting{}
				case p == Absent && life.Last.Run != "" && life.Gone.Run == "":
					life.Gone = at
				}
				lives[rule+"/"+subject] = life
			}
		}
	}
	return lives
}

func (c *comparison) compareAll(lives map[string]ledger.Life) {
	for i := range c.runs {
		for j := i + 1; j < len(c.runs); j++ {
			changes, err := c.compareOn(context.Background(), c.runs[i], c.runs[j], c.agent, inspector.PackagePractices)
			c.must(err)
			seen := map[string]bool{}
			for _, change := range changes {
				rule, subject := change.Result.Rule, change.Result.Subject
				before, after := c.said[i].presence(rule, subject), c.said[j].presence(rule, subject)
				if change.Before != before || change.Change != wanted(before, after) {
					c.T.Fatalf("%s of %s was %s and is %s: it is told as %+v", rule, subject, before, after, change)
				}
				life := change.Life
				life.State = ""
				if want := lives[rule+"/"+subject]; life != want {
					c.T.Fatalf("the life of %s of %s is %+v, want %+v", rule, subject, life, want)
				}
				seen[rule+"/"+subject] = true
			}
			for name := range lives {
				rule, subject := name[:len(name)-2], name[len(name)-1:]
				there := func(p Presence) bool { return p == PresentOpen || p == PresentSuppressed }
				if want := there(c.said[i].presence(rule, subject)) || there(c.said[j].presence(rule, subject)); seen[name] != want {
					c.T.Fatalf("%s is told of: %v, want %v", name, seen[name], want)
				}
			}
		}
	}
}

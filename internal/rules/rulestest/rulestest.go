// Package rulestest checks what every rules package promises: that no verdict
// comes of telemetry that is not there.
package rulestest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// Sound takes away from a host, one after another, every record, every sensor's
// certainty that it saw everything, and every sensor, and checks that each rule
// keeps its verdict or says "not evaluated": what is lost may cost a verdict, but
// never turn it. And a record that a verdict cited as evidence is never cited
// after it was lost.
func Sound(t testing.TB, p rules.Package, s *hosttest.Snapshot, in rules.Input) {
	t.Helper()
	for _, problem := range unsound(t, p, s, in) {
		t.Error(problem)
	}
}

func unsound(t testing.TB, p rules.Package, s *hosttest.Snapshot, in rules.Input) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	whole := evaluate(t, p, s, in)
	for _, r := range whole {
		if (r.Verdict == rules.Failed || r.Verdict == rules.Passed) && len(r.Evidence) == 0 {
			complain("%s: the verdict %q has no evidence", r.Rule, r.Verdict)
		}
		if r.Verdict == rules.NotEvaluated && (r.Reason == "" || r.Remedy == "") {
			complain("%s: not evaluated without a reason and a remedy: %+v", r.Rule, r)
		}
		if r.Verdict == rules.Error {
			complain("%s: %s", r.Rule, r.Reason)
		}
	}
	keys, sensors := s.Keys()
	for i, key := range keys {
		lost := evaluate(t, p, s.Lost(key), in)
		compare(complain, p, "without the record "+key, whole, lost)
		for _, r := range lost {
			for _, e := range r.Evidence {
				if e.Record == key && e.Sensor == sensors[i] {
					complain("%s: cites %s, which was lost", r.Rule, key)
				}
			}
		}
	}
	for _, sensor := range p.Describe().Sensors {
		compare(complain, p, sensor+" partial", whole, evaluate(t, p, s.Partial(sensor), in))
		compare(complain, p, "without "+sensor, whole, evaluate(t, p, s.Dropped(sensor), in))
		blind := s.Cover(sensor, "", telemetry.Denied, "a test says so")
		for i, key := range keys {
			if sensors[i] == sensor {
				blind = blind.Lost(key)
			}
		}
		compare(complain, p, sensor+" denied", whole, evaluate(t, p, blind, in))
	}
	return problems
}

// compare checks that what is known of less is not another verdict.
func compare(complain func(string, ...any), p rules.Package, what string, whole, less []rules.Result) {
	for _, rule := range p.Describe().Rules {
		before, after := Worst(whole, rule.ID), Worst(less, rule.ID)
		if after != before && after != rules.NotEvaluated {
			complain("%s: %s the verdict %q becomes %q", rule.ID, what, before, after)
		}
	}
}

// Worst is the verdict of a rule that gave several: one that failed before one
// with an error, not evaluated, passed, not applicable. It is empty if none of
// the results is the rule's.
func Worst(results []rules.Result, rule string) rules.Verdict {
	order := []rules.Verdict{rules.Failed, rules.Error, rules.NotEvaluated, rules.Passed, rules.NotApplicable}
	for _, v := range order {
		for _, r := range results {
			if r.Rule == rule && r.Verdict == v {
				return v
			}
		}
	}
	return ""
}

// CitedMatters takes every record away from the host that a failed verdict cites,
// as if the thing it tells of were not there or were lost, and checks that the
// finding vanishes, is not evaluated, or stands on other evidence.
func CitedMatters(t testing.TB, p rules.Package, s *hosttest.Snapshot, in rules.Input) {
	t.Helper()
	for _, r := range evaluate(t, p, s, in) {
		if r.Verdict != rules.Failed {
			continue
		}
		for _, e := range r.Evidence {
			if !slices.Contains(p.Describe().Sensors, e.Sensor) {
				continue // what an advisory says is on no host
			}
			for what, less := range map[string]*hosttest.Snapshot{"lost": s.Lost(e.Record), "absent": s.Absent(e.Record)} {
				for _, after := range evaluate(t, p, less, in) {
					if after.Rule == r.Rule && after.Verdict == rules.Failed && cites(after, e.Record) {
						t.Errorf("%s: still failed by %s, which is %s", r.Rule, e.Record, what)
					}
				}
			}
		}
	}
}

func cites(r rules.Result, record string) bool {
	for _, e := range r.Evidence {
		if e.Record == record {
			return true
		}
	}
	return false
}

func evaluate(t testing.TB, p rules.Package, s *hosttest.Snapshot, in rules.Input) []rules.Result {
	t.Helper()
	results, err := p.Evaluate(context.Background(), s.Host(), in)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

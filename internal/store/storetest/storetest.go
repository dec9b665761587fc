// Package storetest is what every database under a store must do: one suite, run
// on SQLite and on PostgreSQL.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/inspector"
	"assay/internal/store"
)

// Run runs the suite; open gives each test a store of its own, empty.
func Run(t *testing.T, open func(*testing.T) *store.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *store.Store)
	}{
		{"Settings", testSettings},
		{"Role", testRole},
		{"Targets", testTargets},
		{"Templates", testTemplates},
		{"Tags", testTags},
		{"ForeignText", testForeignText},
		{"Agents", testAgents},
		{"AgentsOfTarget", testAgentsOf},
		{"Touch", testTouch},
		{"Tokens", testTokens},
		{"AccessKeys", testAccessKeys},
		{"Users", testUsers},
		{"UserKeys", testUserKeys},
		{"UsersAtOnce", testUsersAtOnce},
		{"Schedules", testSchedules},
		{"Suppressions", testSuppressions},
		{"FindingLife", testFindingLife},
		{"Runs", testRuns},
		{"RunFilters", testRunFilters},
		{"RunRefusals", testRunRefusals},
		{"Busy", testBusy},
		{"BusyAgents", testBusyAgents},
		{"Previews", testPreviews},
		{"Figures", testFigures},
		{"RunFigures", testRunFigures},
		{"ManyTags", testManyTags},
		{"States", testStates},
		{"Collection", testCollection},
		{"Segments", testSegments},
		{"Uploads", testUploads},
		{"NewestTelemetry", testNewestTelemetry},
		{"Rematch", testRematch},
		{"Results", testResults},
		{"FindingFilters", testFindingFilters},
		{"FindingPages", testFindingPages},
		{"Reports", testReports},
		{"FindingGroups", testFindingGroups},
		{"FindingOracle", testFindingOracle},
		{"Attributes", testAttributes},
		{"Deletion", testDeletion},
		{"Retention", testRetention},
		{"Rollback", testRollback},
		{"Concurrency", testConcurrency},
		{"Model", testModel},
		{"Subscriptions", testSubscriptions},
		{"SubscriptionLimit", testSubscriptionLimit},
		{"Outbox", testOutbox},
		{"Claims", testClaims},
		{"Webhooks", testWebhooks},
		{"FindingEvents", testFindingEvents},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

var (
	scope = inspector.Scope{Region: "eu-central-1", Account: "123456789012"}
	start = time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
)

// at is a moment n seconds after the start of the tests' time.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

func update(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// refused checks that an update fails with an error of the API.
func refused(t testing.TB, s *store.Store, kind inspector.ErrorKind, code string, fn func(*store.Tx) error) *inspector.Err {
	t.Helper()
	err := s.Update(t.Context(), fn)
	e := &inspector.Err{}
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Fatalf("got error %v (%+v), want %s %s", err, e, kind, code)
	}
	return e
}

func equal[T any](t testing.TB, err error, got, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func pick[T any](all []T, indexes []int) []T {
	var out []T
	for _, i := range indexes {
		out = append(out, all[i])
	}
	return out
}

func addTargets(t testing.TB, s *store.Store, n int) (targets []inspector.Target) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for i := range n {
			target := inspector.Target{ID: inspector.NewID(), Name: fmt.Sprintf("target %d", i), CreatedAt: at(i), UpdatedAt: at(i)}
			if err := tx.CreateTarget(t.Context(), target, inspector.Limits{}); err != nil {
				return err
			}
			targets = append(targets, target)
		}
		return nil
	})
	return targets[len(targets)-n:]
}

// addTemplate makes a template in a target of its own.
func addTemplate(t testing.TB, s *store.Store) inspector.Template {
	t.Helper()
	id := inspector.NewID()
	template := inspector.Template{ID: inspector.NewID(), Target: id, Name: "template", Duration: time.Hour,
		Packages: []string{scope.RulesPackage("0-abcdefgh").String()}, CreatedAt: at(0)}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.CreateTarget(t.Context(), inspector.Target{ID: id, Name: id}, inspector.Limits{}); err != nil {
			return err
		}
		return tx.CreateTemplate(t.Context(), template, inspector.Limits{})
	})
	return template
}

// newRun is a run of a template, not stored yet.
func newRun(template inspector.Template, n int) inspector.Run {
	return inspector.Run{ID: inspector.NewID(), Target: template.Target, Template: template.ID, Name: fmt.Sprintf("run %d", n),
		Duration: template.Duration, Packages: template.Packages, Attributes: template.Attributes, CreatedAt: at(n)}
}

func addRun(t testing.TB, s *store.Store, template inspector.Template, n int, agents ...string) inspector.Run {
	t.Helper()
	run := newRun(template, n)
	update(t, s, func(tx *store.Tx) error {
		return tx.CreateRun(t.Context(), run, []byte("wrapped key of "+run.ID), agents, inspector.Limits{})
	})
	return run
}

// path is the way of a run that ends well.
var path = []inspector.RunState{inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
	inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules, inspector.Completed}

// advance takes a run along the path until it is in a state, n seconds after the
// start.
func advance(t testing.TB, s *store.Store, run string, to inspector.RunState, n int) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		runs, err := tx.Runs(t.Context(), []string{run})
		if err != nil {
			return err
		}
		state := runs[run].State
		for _, next := range path {
			if state == to {
				return nil
			}
			if state.CanBecome(next) {
				if err := tx.ChangeRunState(t.Context(), run, next, at(n)); err != nil {
					return err
				}
				state = next
			}
		}
		return nil
	})
}

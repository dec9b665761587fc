package inspector

import (
	"slices"
	"testing"
)

var states = []RunState{
	Created, StartDataCollectionPending, StartDataCollectionInProgress, CollectingData, StopDataCollectionPending,
	DataCollected, StartEvaluatingRulesPending, EvaluatingRules, Completed, CompletedWithErrors, FailedState, ErrorState, Canceled,
}

func TestRunGoesThroughItsStates(t *testing.T) {
	path := states[:9]
	for i := range path[1:] {
		if !path[i].CanBecome(path[i+1]) {
			t.Errorf("%s cannot become %s", path[i], path[i+1])
		}
	}
	if !EvaluatingRules.CanBecome(CompletedWithErrors) {
		t.Error("EVALUATING_RULES cannot become COMPLETED_WITH_ERRORS")
	}
}

func TestRunStates(t *testing.T) {
	final := []RunState{Completed, CompletedWithErrors, FailedState, ErrorState, Canceled}
	for _, from := range states {
		if from.Final() != slices.Contains(final, from) {
			t.Errorf("%s.Final() = %v", from, from.Final())
		}
		if from.CanBecome(from) || from.CanBecome("NONSENSE") || RunState("NONSENSE").CanBecome(from) {
			t.Errorf("%s can become itself, or something unknown", from)
		}
		for _, to := range states {
			if from.Final() && from.CanBecome(to) {
				t.Errorf("%s is final but can become %s", from, to)
			}
			// No state leads back to an earlier one: a run always ends.
			if from.CanBecome(to) && slices.Index(states, to) < slices.Index(states, from) {
				t.Errorf("%s leads back to %s", from, to)
			}
		}
		if from.Final() && from.Collecting() {
			t.Errorf("%s is final and still collecting", from)
		}
	}
}

func TestSeverities(t *testing.T) {
	want := map[Severity]float64{High: 9, Medium: 6, Low: 3, Informational: 0, Undefined: 0}
	all := Severities()
	if len(all) != len(want) {
		t.Errorf("Severities() = %v", all)
	}
	for i, s := range all {
		if s.Numeric() != want[s] {
			t.Errorf("%s.Numeric() = %v, want %v", s, s.Numeric(), want[s])
		}
		for j, threshold := range all {
			if s.AtLeast(threshold) != (i <= j) {
				t.Errorf("%s.AtLeast(%s) = %v", s, threshold, s.AtLeast(threshold))
			}
		}
	}
}

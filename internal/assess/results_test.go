package assess

import (
	"errors"
	"strings"
	"testing"

	"assay/internal/rules"
)

// TestResultsThatCouldNotBeReadAgain are refused, as damage: another try does not help.
func TestResultsThatCouldNotBeReadAgain(t *testing.T) {
	part := rules.Result{Rule: "r", Verdict: rules.Failed, Reason: strings.Repeat("x", 1<<20)}
	kept := HostResults{Results: make([]rules.Result, maxResults>>20-1)}
	for n := range kept.Results {
		kept.Results[n] = part
	}
	data, err := encodeResults(kept)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeResults(data); err != nil || len(got.Results) != len(kept.Results) {
		t.Errorf("%d results, %v", len(got.Results), err)
	}
	kept.Results = append(kept.Results, part)
	_, err = encodeResults(kept)
	var broken *damage
	if !errors.As(err, &broken) {
		t.Error(err)
	}
}

package rules

import "fmt"

// Contain has one rule of a package evaluated, and fills its id into the results. A rule
// that fails on one host's telemetry must not take the others with it: one that panics,
// or gives nothing, has the verdict Error.
func Contain(rule string, evaluate func() []Result) (results []Result) {
	defer func() {
		if p := recover(); p != nil {
			results = failure(fmt.Sprintf("the rule ended with a panic: %v", p))
		}
		for i := range results {
			results[i].Rule = rule
		}
	}()
	if results = evaluate(); len(results) == 0 {
		return failure("the rule gave no result")
	}
	return results
}

func failure(reason string) []Result {
	return []Result{{Verdict: Error, Reason: reason,
		Remedy: "Report this as a bug of Assay, with the telemetry of the host if that is possible."}}
}

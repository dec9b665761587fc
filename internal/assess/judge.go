package assess

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"assay/internal/host"
	"assay/internal/rules"
)

// maxEvaluation is how long a rules package may take for a host: a real one takes a
// second. What somebody has written to take longer is told as an error.
const maxEvaluation = 2 * time.Minute

// judge runs a rules package over a host. Where the package itself fails, each of
// its rules has the verdict error; that each has an answer, and evidence for it,
// is looked after by rules.Derive. The error is that of ctx.
func (s *Service) judge(ctx context.Context, p rules.Package, h *host.Host, collected time.Time) ([]rules.Result, error) {
	limited, cancel := context.WithTimeout(ctx, maxEvaluation)
	defer cancel()
	results, crash, err := s.evaluatePackage(limited, p, h, rules.Input{Now: s.Now(), Collected: collected, Settings: s.Settings})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if crash != "" || err != nil {
		reason := crash
		if err != nil {
			reason = "the rules package failed: " + err.Error()
		}
		results = nil
		for _, rule := range p.Describe().Rules {
			results = append(results, ruleError(rule.ID, reason))
		}
		return results, nil
	}
	return results, nil
}

// evaluatePackage contains a panic: it is told as a crash. What was panicked with
// may quote the host's telemetry, so it goes neither into the log nor a finding.
func (s *Service) evaluatePackage(ctx context.Context, p rules.Package, h *host.Host, in rules.Input) (results []rules.Result, crash string, err error) {
	defer func() {
		if v := recover(); v != nil {
			crash = "the rules package crashed on this host's telemetry"
			s.Log.Error("a rules package crashed", "package", p.Describe().ID, "agent", h.ID, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	results, err = p.Evaluate(ctx, h, in)
	return results, "", err
}

func ruleError(rule, reason string) rules.Result {
	return rules.Result{
		Rule: rule, Verdict: rules.Error, Reason: reason,
		Remedy: "Report this with the versions of the service and the agent; until it is repaired, check the host by hand.",
	}
}

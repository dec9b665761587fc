package rulestest

import (
	"context"
	"testing"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// fake is a package of one rule.
type fake func(h *host.Host) rules.Result

func (fake) Describe() rules.Description {
	return rules.Description{Sensors: []string{telemetry.SensorConfig}, Rules: []rules.Rule{{ID: "fake"}}}
}

func (f fake) Evaluate(_ context.Context, h *host.Host, _ rules.Input) ([]rules.Result, error) {
	r := f(h)
	r.Rule = "fake"
	return []rules.Result{r}, nil
}

// TestUnsound: a rule that takes what was not collected for absent is caught,
// one that does not is left alone.
func TestUnsound(t *testing.T) {
	evidence := []rules.Evidence{{Sensor: telemetry.SensorConfig, Record: "text:/etc/x", Found: "bad"}}
	honest := fake(func(h *host.Host) rules.Result {
		switch text := h.Text("/etc/x"); text.Presence {
		case host.Present:
			return rules.Result{Verdict: rules.Failed, Evidence: evidence}
		case host.Absent:
			return rules.Result{Verdict: rules.NotApplicable}
		default:
			return rules.Result{Verdict: rules.NotEvaluated, Reason: text.Reason, Remedy: "Look."}
		}
	})
	careless := fake(func(h *host.Host) rules.Result {
		if h.Text("/etc/x").OK() {
			return rules.Result{Verdict: rules.Failed, Evidence: evidence}
		}
		return rules.Result{Verdict: rules.NotApplicable}
	})
	stubborn := fake(func(*host.Host) rules.Result { return rules.Result{Verdict: rules.Failed, Evidence: evidence} })
	mute := fake(func(*host.Host) rules.Result { return rules.Result{Verdict: rules.Passed} })
	for _, s := range []*hosttest.Snapshot{hosttest.New(), hosttest.New().Text("/etc/x", "bad\n")} {
		if problems := unsound(t, honest, s, rules.Input{}); len(problems) > 0 {
			t.Errorf("an honest rule: %v", problems)
		}
		if problems := unsound(t, mute, s, rules.Input{}); len(problems) == 0 {
			t.Error("a rule without evidence was not caught")
		}
	}
	for name, rule := range map[string]fake{"careless": careless, "stubborn": stubborn} {
		if problems := unsound(t, rule, hosttest.New().Text("/etc/x", "bad\n"), rules.Input{}); len(problems) == 0 {
			t.Errorf("the %s rule was not caught", name)
		}
	}
}

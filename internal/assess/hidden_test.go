package assess

import (
	"testing"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// TestHiddenIsNotFixed: a rule that was evaluated completely and hides a finding has
// not seen it mended; neither has the ledger.
func TestHiddenIsNotFixed(t *testing.T) {
	d := rules.Description{ID: inspector.PackageCVE, Rules: []rules.Rule{{ID: "r"}}}
	subject := rules.Subject{Key: []byte("k")}
	viewOf := func(results ...rules.Result) view {
		o := rules.Observe(d, subject, results)
		v := view{evaluated: true, found: map[string]rules.Observed{}, checked: map[string]bool{}, unchecked: o.Unchecked, hidden: o.Hidden}
		for _, f := range o.Failed {
			v.found[f.ID] = f
		}
		for _, rule := range o.Checked {
			v.checked[rule] = true
		}
		return v
	}
	was := viewOf(rules.Result{Rule: "r", Verdict: rules.Failed, Subject: "s", Evidence: []rules.Evidence{{Record: "x"}}})
	hides := rules.Result{Rule: "r", Verdict: rules.NotApplicable, Hidden: &rules.Hidden{Subjects: []string{"s"}, Reason: "a setting"}}
	for _, f := range was.found {
		if c := changeOf(f, was, viewOf(hides)); c.Change != ChangeSuppressed || c.Reason != "a setting" {
			t.Errorf("%+v", c)
		}
		if c := changeOf(f, viewOf(hides), was); c.Change != ChangeNew || c.Before != PresentSuppressed {
			t.Errorf("%+v", c)
		}
		if c := changeOf(f, was, viewOf(rules.Result{Rule: "r", Verdict: rules.NotApplicable})); c.Change != ChangeFixed {
			t.Errorf("%+v", c)
		}
		e := lifeOf(inspector.Run{ID: "1"}, nil, rules.Observe(d, subject, []rules.Result{hides}))
		if len(e.Found) != 1 || e.Found[0].ID != f.ID || !e.Found[0].Suppressed {
			t.Errorf("%+v", e.Found)
		}
	}
}

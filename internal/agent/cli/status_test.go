package cli

import "testing"

// A run that ended before the agent was started has no count, not a count of 0.
func TestProgress(t *testing.T) {
	for _, test := range []struct {
		state        string
		acknowledged int64
		reason, want string
	}{
		{"complete", 0, "", "0-a: complete"},
		{"uploading", 3, "", "0-a: uploading, 3 segments acknowledged"},
		{"failed", 3, "the run is over", "0-a: failed, 3 segments acknowledged: the run is over"},
		{"failed", 0, "the run is over", "0-a: failed: the run is over"},
	} {
		if got := progress("0-a", test.state, test.acknowledged, test.reason); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

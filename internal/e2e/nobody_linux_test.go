package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestNormalUser runs the agent without privileges, on an overlay of this host in
// which all that a normal user can read is in order where it can be: what the
// rest is depends on what it cannot read. The run ends, it says what could not be
// seen and what to do about it, and nothing of it looks as if all had been looked
// at.
func TestNormalUser(t *testing.T) {
	w := newWorld(t, "")
	w.startService("")
	s := newStage(t)
	s.write("/etc/login.defs", "PASS_MAX_DAYS 90\n")
	must(t, os.Chmod(s.path("/etc/login.defs"), 0o644))
	s.write("/etc/ssh/sshd_config.d/00-unreadable.conf", "PermitRootLogin no\n")
	s.user = &syscall.Credential{Uid: 65534, Gid: 65534} // nobody
	must(t, os.Chown(s.path(own), 65534, 65534))
	s.startAgent(w)
	w.heard()
	w.sdk().template() // makes the target

	out, errs := w.assay(3, "assess", "-json", "-fail-on", "informational", "all")
	var outcome struct {
		Run, State string
		Findings   []struct{ Title string }
		Unchecked  []struct {
			Title, Description, Recommendation string
		} `json:"not_checked"`
	}
	decode(t, out, &outcome)
	if !strings.HasPrefix(outcome.State, "COMPLETED") {
		t.Errorf("the run is %s: %s", outcome.State, errs)
	}
	if outcome.State == "COMPLETED" && len(outcome.Unchecked) == 0 {
		t.Error("the run is complete, and does not say what it could not see")
	}
	for _, f := range outcome.Findings {
		if strings.Contains(f.Title, "No potential security issues found") {
			t.Errorf("a finding says %q", f.Title)
		}
	}
	for _, n := range outcome.Unchecked {
		if n.Title == "" || n.Description == "" || n.Recommendation == "" {
			t.Errorf("what was not checked has no reason or no remedy: %+v", n)
		}
		t.Logf("not checked: %s: %s (%s)", n.Title, n.Description, n.Recommendation)
	}
	t.Logf("%s, %d findings, %d exclusions", outcome.State, len(outcome.Findings), len(outcome.Unchecked))

	for _, unseen := range []string{"Configure password maximum age", "/etc/shadow: permission denied", "Disable root login over SSH", "00-unreadable.conf could not be read"} {
		if !strings.Contains(fmt.Sprint(outcome.Unchecked), unseen) {
			t.Errorf("%q is not said", unseen)
		}
	}

	collect, err := s.agent("collect", "-o", own+"/snapshot").CombinedOutput()
	if code := exitCode(err); code != 3 || !strings.Contains(string(collect), "not complete") || !strings.Contains(string(collect), "as root") {
		t.Errorf("collect ends with %d and %s", code, collect)
	}
	text, _ := w.assay(3, "evaluate", s.path(own, "snapshot"))
	if !strings.Contains(text, "NOT CHECKED") {
		t.Errorf("assay evaluate prints\n%s", text)
	}
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return 0
}

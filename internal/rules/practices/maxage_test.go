package practices

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/testenv"
)

func TestMaximumAge(t *testing.T) {
	const good = "\n-- /etc/login.defs --\n#PASS_MAX_DAYS 1\nPASS_MAX_DAYS\t90\n"
	const alice = "user alice 1000 1000\nshadow alice usable last=19000 max=90\n"
	for name, c := range map[string]struct {
		host     string
		settings map[string]string
		verdict  rules.Verdict
		reason   string
	}{
		"Debian as it is installed (login 1:4.13+dfsg1-1)": {"system debian 12\nuser root 0 0\nshadow root usable last=19000 min=0 max=99999 warn=7\n-- /etc/login.defs --\nPASS_MAX_DAYS\t99999\n",
			nil, rules.Failed, "The passwords of 1 accounts may be used for more than 365 days: root. New accounts"},
		"all in order":                  {"system debian 12\n" + alice + good, nil, rules.Passed, "at most 365 days, those of the 1 accounts"},
		"no account with a password":    {"system debian 12\nuser root 0 0\nshadow root disabled\nuser bob 1 1\nshadow bob locked" + good, nil, rules.Passed, "No account has a usable password"},
		"none, and new ones unlimited":  {"system debian 12\nuser root 0 0\nshadow root disabled\n-- /etc/login.defs --\nPASS_MAX_DAYS -1\n", nil, rules.Failed, "No account has a usable password now."},
		"an account without a maximum":  {"system debian 12\n" + alice + "user bob 1001 1001\nshadow bob usable last=19000" + good, nil, rules.Failed, "1 accounts may be used for more than 365 days: bob."},
		"a maximum of -1":               {"system debian 12\nuser bob 1 1\nshadow bob usable last=19000 max=-1" + good, nil, rules.Failed, "bob"},
		"no date of the last change":    {"system debian 12\nuser bob 1 1\nshadow bob usable max=90" + good, nil, rules.Failed, "bob"},
		"an account with no password":   {"system debian 12\nuser bob 1 1\nshadow bob empty last=1 max=99999" + good, nil, rules.Failed, "bob"},
		"shadow without an account":     {"system debian 12\nshadow bob usable max=99999" + good, nil, rules.Passed, "No account"},
		"a limit of the operator's":     {"system debian 12\n" + alice + good, map[string]string{"password-maximum-age": "60"}, rules.Failed, "alice. New accounts"},
		"a wrong limit":                 {"system debian 12\n" + alice + good, map[string]string{"password-maximum-age": "0"}, rules.NotEvaluated, "not a whole number above 0"},
		"login.defs without it":         {"system debian 12\n" + alice + "-- /etc/login.defs --\nUMASK 022\n", nil, rules.Failed, "no PASS_MAX_DAYS"},
		"no login.defs":                 {"system alpine 3.20\n" + alice, nil, rules.Failed, "no such file"},
		"not a number":                  {"system debian 12\n" + alice + "-- /etc/login.defs --\nPASS_MAX_DAYS 90d\n", nil, rules.Failed, "not a number"},
		"the distribution's (SUSE)":     {"system sles 15.5\n" + alice + "-- /usr/etc/login.defs --\nPASS_MAX_DAYS 90\n", nil, rules.Passed, ""},
		"a drop-in over it (SUSE)":      {"system sles 15.5\n" + alice + "-- /usr/etc/login.defs --\nPASS_MAX_DAYS 90\n-- /etc/login.defs.d/70-own.defs --\nPASS_MAX_DAYS 9999\n", nil, rules.Failed, "PASS_MAX_DAYS 9999"},
		"only Red Hat's file counts":    {"system rhel 9\n" + alice + "-- /usr/etc/login.defs --\nPASS_MAX_DAYS 90\n", nil, rules.Failed, "no such file"},
		"accounts not seen in full":     {"system debian 12\n" + alice + "partial accounts/shadow\n" + good, nil, rules.NotEvaluated, "the ages of passwords are not known"},
		"new ones unlimited, unseen":    {"system debian 12\nuser root 0 0\npartial accounts/shadow\n-- /etc/login.defs --\nPASS_MAX_DAYS -1\n", nil, rules.Failed, "There may be more: the ages of passwords are not known"},
		"what is seen is bad all right": {"system debian 12\nuser bob 1 1\nshadow bob usable last=1 max=99999\npartial accounts/shadow\n" + good, nil, rules.Failed, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, strings.Replace(c.host, "\n\n", "\n", 1))
			r := evaluate(t, passwordMaximumAge, s, c.settings)
			if c.verdict == rules.NotEvaluated {
				c.reason = strings.ToUpper(c.reason[:1]) + c.reason[1:]
				r.Reason = strings.ToUpper(r.Reason[:1]) + r.Reason[1:]
				if strings.HasPrefix(c.reason, "Not a") {
					c.reason = "n" + c.reason[1:]
				}
			}
			want(t, r, c.verdict, c.reason)
			withoutSensors(t, s, passwordMaximumAge)
		})
	}
}

func TestEvidenceOfManyAccountsIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("system debian 12\n")
	for i := range 30 {
		fmt.Fprintf(&b, "user u%02d %d 1\nshadow u%02d usable last=1 max=999\n", i, i+1, i)
	}
	r := evaluate(t, passwordMaximumAge, hosttest.Parse(t, b.String()+"-- /etc/login.defs --\nPASS_MAX_DAYS 90\n"), nil)
	want(t, r, rules.Failed, "u19 and 10 more.")
	if len(r.Evidence) != maxEvidence {
		t.Errorf("%d pieces of evidence", len(r.Evidence))
	}
}

// TestAgesAgainstChage compares what expires with chage -l.
func TestAgesAgainstChage(t *testing.T) {
	testenv.NeedRoot(t)
	chage := testenv.Need(t, "chage", "passwd")
	root := t.TempDir()
	etc := filepath.Join(root, "etc")
	if err := os.Mkdir(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	for last, text := range map[string]string{"": "", "0": "last=0", "19000": "last=19000"} {
		for days, field := range map[string]string{"": "", "-1": "max=-1", "0": "max=0", "90": "max=90", "365": "max=365", "9000": "max=9000", "99999": "max=99999"} {
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("passwd", "bob:x:1000:1000::/:/bin/sh\n")
			write("shadow", "bob:$1$x$y:"+last+":0:"+days+":7:::\n")
			out, err := exec.Command(chage, "-R", root, "-l", "bob").CombinedOutput()
			if err != nil {
				testenv.Missing(t, "a chage that works on another root: "+string(out))
			}
			line := strings.SplitN(strings.SplitN(string(out), "Password expires", 2)[1], "\n", 2)[0]
			never := strings.Contains(line, "never")
			s := hosttest.Parse(t, "system debian 12\nuser bob 1000 1000\nshadow bob usable "+text+" "+field+"\n-- /etc/login.defs --\nPASS_MAX_DAYS 90\n")
			r := evaluate(t, passwordMaximumAge, s, map[string]string{"password-maximum-age": "9500"})
			// chage takes 10,000 days and more for ever.
			if (r.Verdict == rules.Failed) != never && last != "0" {
				t.Errorf("last change %q, maximum %q: chage says%s, the rule %s", last, days, line, r.Verdict)
			}
		}
	}
}

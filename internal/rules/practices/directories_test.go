package practices

import (
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
)

func TestDirectories(t *testing.T) {
	const accounts = "user root 0 0\nuser alice 1000 1000\nuser bob 1001 50\nuser toor 0 0\ngroup root 0\ngroup staff 50\ngroup ops 60 alice,root\ngroup nobody 70 toor\n"
	const tree = "dir / 0755 0 0\ndir /usr 0755 0 0\ndir /etc 0755 0 0\ndir /usr/sbin 0755 0 0\nlink /bin usr/bin\nlink /sbin usr/sbin\n"
	for name, c := range map[string]struct {
		host    string
		verdict rules.Verdict
		reason  string
		found   string
	}{
		"in order":                       {"dir /usr/bin 0755 0 0\n", rules.Passed, "", ""},
		"everyone":                       {"dir /usr/bin 0777 0 0\n", rules.Failed, "/usr/bin", "writable by everyone (alice, bob)"},
		"the sticky bit is no help":      {"dir /usr/bin 1777 0 0\n", rules.Failed, "/usr/bin", "everyone"},
		"another owner":                  {"dir /usr/bin 0755 1000 0\n", rules.Failed, "/usr/bin", "writable by alice"},
		"an owner who can take it":       {"dir /usr/bin 0555 1000 0\n", rules.Failed, "/usr/bin", "writable by alice"},
		"a group's member":               {"dir /usr/bin 0775 0 60\n", rules.Failed, "/usr/bin", "writable by alice"},
		"by the primary group":           {"dir /usr/bin 2775 0 50\n", rules.Failed, "/usr/bin", "writable by bob"},
		"a group with nobody but root":   {"dir /usr/bin 0775 0 70\n", rules.Passed, "", ""},
		"root's group":                   {"dir /usr/bin 0775 0 0\n", rules.Passed, "", ""},
		"a group that nobody knows":      {"dir /usr/bin 0775 0 4711\n", rules.Failed, "/usr/bin", "writable by gid 4711"},
		"an owner whom nobody knows":     {"dir /usr/bin 0755 4711 0\n", rules.Failed, "/usr/bin", "writable by uid 4711"},
		"an ACL":                         {"dir /usr/bin 0775 0 0\nacl /usr/bin user::rwx user:1000:rwx group::r-x mask::rwx other::r-x\n", rules.Failed, "/usr/bin", "writable by alice"},
		"an ACL that its mask weakens":   {"dir /usr/bin 0755 0 0\nacl /usr/bin user::rwx user:1000:rwx group::r-x mask::r-x other::r-x\n", rules.Passed, "", ""},
		"an ACL for a group":             {"dir /usr/bin 0775 0 0\nacl /usr/bin user::rwx group::r-x group:60:rwx mask::rwx other::r-x\n", rules.Failed, "/usr/bin", "writable by alice"},
		"above it":                       {"dir /usr/bin 0755 0 0\ndir /usr/local 0777 0 0\n", rules.Failed, "/usr/local", "everyone"},
		"a directory of a link":          {"dir /usr/bin 0755 0 0\nlink /lib opt/lib\ndir /opt 0777 0 0\ndir /opt/lib 0755 0 0\n", rules.Failed, "/opt", "everyone"},
		"accounts that do not matter":    {"dir /usr/bin 0755 0 0\npartial accounts\n", rules.Passed, "", ""},
		"accounts that matter":           {"dir /usr/bin 0775 0 70\npartial accounts\n", rules.NotEvaluated, "ho can write to /usr/bin is not known", ""},
		"files not seen in full":         {"dir /usr/bin 0755 0 0\npartial files\n", rules.NotEvaluated, "was not looked at", ""},
		"bad, and not seen in full":      {"dir /usr/bin 0777 0 0\npartial files\n", rules.Failed, "/usr/bin", "everyone"},
		"out of reach":                   {"dir /usr/bin 0755 0 0\ndir /boot 0700 0 0\n", rules.Passed, "", ""},
		"others only, but not the group": {"dir /usr/bin 0707 0 50\n", rules.Failed, "/usr/bin", "writable by everyone (alice)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, "system debian 12\n"+accounts+tree+c.host)
			r := evaluate(t, systemDirectories, s, nil)
			want(t, r, c.verdict, c.reason)
			if c.found != "" && !strings.Contains(r.Evidence[0].Found, c.found) {
				t.Errorf("found %q", r.Evidence[0].Found)
			}
			withoutSensors(t, s, systemDirectories)
		})
	}
}

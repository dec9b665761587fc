package practices

import (
	"context"
	"fmt"
	"slices"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/sshd"
)

// rootLogin is about logins as root: by a password, by a key, or not at all.
var rootLogin = check{
	rule: rules.Rule{
		ID: "root-login-over-ssh", Title: "Disable root login over SSH", Severity: inspector.Medium,
		Description: "A login as root leaves no trace of who it was, and its password or key opens everything. " +
			"It is safer that people log in as themselves and gain privileges with sudo.",
		Recommendation: "Set \"PermitRootLogin no\" in /etc/ssh/sshd_config, before any Include or other line about it and in no Match block otherwise, " +
			"make sure that someone can log in and use sudo, and reload sshd. See sshd_config(5).",
	},
	evaluate: func(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
		return sshRule{judgeRoot, dropbearUnknown, true}.evaluate(h)
	},
}

// rootAccess is how far root gets, worst last.
type rootAccess int

const (
	rootOut rootAccess = iota
	rootKey
	rootPassword
)

func judgeRoot(s *sshServer, c *sshd.Config) rules.Result {
	if s.accounts.complete {
		v, ok := viewRoot(s, c, s.accounts.roots())
		if !ok {
			return tooMany()
		}
		return v.result()
	}
	// Without the accounts only what is true for any of them counts.
	people, ok := anyRoot(c)
	if !ok {
		return tooMany()
	}
	v, ok := viewRoot(s, c, people)
	if !ok {
		return tooMany()
	}
	if v.best != v.worst {
		return notEvaluated("Which accounts are root's, and in which groups, is not known, and sshd's configuration depends on it: "+s.accounts.reason+".", remedyCollect)
	}
	return v.result()
}

// rootView is what the connections of root come to.
type rootView struct {
	best, worst rootAccess
	who         string // whom the worst is about
	evidence    [3][]rules.Evidence
}

func viewRoot(s *sshServer, c *sshd.Config, roots []sshd.Person) (rootView, bool) {
	classes, ok := c.Classes(roots)
	v := rootView{best: rootPassword}
	for i := range classes {
		conn := &classes[i]
		access := c.Access(conn)
		level := rootOut
		switch {
		case len(access.Password) > 0:
			level = rootPassword
		case access.Key:
			level = rootKey
		}
		v.best = min(v.best, level)
		if level > v.worst || i == 0 {
			v.worst, v.who = level, whom(c, conn)
		}
		v.add(s, c, conn, access, level)
	}
	return v, ok
}

// add adds the evidence of one connection.
func (v *rootView) add(s *sshServer, c *sshd.Config, conn *sshd.Connection, access sshd.Access, level rootAccess) {
	value, setting := c.Value(c.Effective(conn), "permitrootlogin")
	list := &v.evidence[level]
	if value == "no" || level != rootOut {
		*list = addEvidence(*list, s.cite(c, sshd.Because{Keyword: "permitrootlogin", Value: value, Setting: setting}, "no"))
	}
	for _, way := range access.Password {
		for _, b := range way.Because {
			*list = addEvidence(*list, s.cite(c, b, ""))
		}
	}
	for _, line := range access.Refused {
		*list = addEvidence(*list, citeLine(line, ""))
	}
	if len(*list) == 0 {
		*list = addEvidence(*list, s.cite(c, sshd.Because{Keyword: "permitrootlogin", Value: value, Setting: setting}, ""))
	}
}

func (v rootView) result() rules.Result {
	r := rules.Result{Verdict: rules.Failed, Evidence: v.evidence[v.worst]}
	switch v.worst {
	case rootPassword:
		r.Title = "Instance <id> is configured to allow users to log in with root credentials over SSH"
		r.Reason = fmt.Sprintf("Root can log in over SSH with a password%s.", v.who)
	case rootKey:
		r.Severity = inspector.Low
		r.Title = "Instance <id> is configured to allow users to log in as root over SSH with a key"
		r.Reason = fmt.Sprintf("Root can log in over SSH with a key, or another means than a password alone%s.", v.who)
	default:
		r.Verdict, r.Reason = rules.Passed, "Nobody can log in as root over SSH."
	}
	r.Attributes = []inspector.Attribute{{Key: "ROOT_LOGIN", Value: [...]string{"no", "key", "password"}[v.worst]}}
	return r
}

// whom describes a connection, where the configuration treats others otherwise.
func whom(c *sshd.Config, conn *sshd.Connection) string {
	if !c.Selective() {
		return ""
	}
	from := conn.Address
	if conn.Host != conn.Address {
		from = conn.Host + " (" + conn.Address + ")"
	}
	return fmt.Sprintf(", for example as %s from %s to port %d", conn.User, from, conn.LocalPort)
}

func tooMany() rules.Result {
	return notEvaluated("The Match blocks of sshd's configuration tell apart more connections than can be gone through.",
		"Simplify the conditions of the Match blocks.")
}

// dropbearUnknown is the result where Dropbear serves SSH: its options stand on
// its command line, which is not collected of processes.
func dropbearUnknown(found []rules.Evidence) rules.Result {
	r := notEvaluated("Dropbear serves SSH on this host, and its options are not known to this rule.",
		"Check that Dropbear is started with -w (no login as root) and -s (no passwords), or use OpenSSH.")
	r.Subject, r.Evidence = "dropbear", found
	return r
}

// dropbearProtocol is the result for the protocol: Dropbear never spoke version 1.
func dropbearProtocol(found []rules.Evidence) rules.Result {
	return rules.Result{Subject: "dropbear", Verdict: rules.NotApplicable, Evidence: slices.Clone(found),
		Reason: "Dropbear speaks only version 2 of the protocol."}
}

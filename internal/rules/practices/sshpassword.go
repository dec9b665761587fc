package practices

import (
	"context"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/sshd"
)

// passwordAuthentication is about logins with nothing but a password.
var passwordAuthentication = check{
	rule: rules.Rule{
		ID: "password-authentication-over-ssh", Title: "Disable password authentication over SSH", Severity: inspector.Medium,
		Description: "A password can be guessed from anywhere, at any time, and is reused elsewhere. Keys can't be guessed. " +
			"sshd asks for passwords in two ways: by PasswordAuthentication, and by KbdInteractiveAuthentication through PAM.",
		Recommendation: "Once everybody who needs it logs in with a key, set \"PasswordAuthentication no\" and \"KbdInteractiveAuthentication no\" " +
			"(\"ChallengeResponseAuthentication no\" before OpenSSH 8.7) in /etc/ssh/sshd_config, before any Include or other line about them and in no Match block otherwise, and reload sshd. " +
			"Where passwords must stay, ask for a key too: \"AuthenticationMethods publickey,password\".",
	},
	evaluate: func(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
		return sshRule{judgePassword, dropbearUnknown, true}.evaluate(h)
	},
}

func judgePassword(s *sshServer, c *sshd.Config) rules.Result {
	known := others(s.accounts.people)
	anyone, ok := c.Anyone(false)
	v, enough := viewPasswords(s, c, append(known, anyone...))
	if !ok || !enough {
		// That some get in can be told from those that are there.
		if v, ok = viewPasswords(s, c, known); ok && len(v.methods) > 0 {
			return v.result()
		}
		return tooMany()
	}
	if len(v.methods) > 0 || s.accounts.complete {
		return v.result()
	}
	// Someone in two groups at once may get where neither group does.
	anyone, ok = c.Anyone(true)
	if v, enough = viewPasswords(s, c, anyone); !ok || !enough {
		return tooMany()
	}
	if len(v.methods) > 0 {
		return notEvaluated("Which accounts there are, and in which groups, is not known, and sshd's configuration depends on it: "+s.accounts.reason+".", remedyCollect)
	}
	return v.result()
}

// passwordView is what the connections of all people come to.
type passwordView struct {
	methods  []string // in which a password alone is enough
	who      string
	open     []rules.Evidence
	shut     []rules.Evidence
	withKeys bool // a password is asked for, but only beside a key
}

func viewPasswords(s *sshServer, c *sshd.Config, people []sshd.Person) (passwordView, bool) {
	var v passwordView
	classes, ok := c.Classes(people)
	for i := range classes {
		conn := &classes[i]
		access := c.Access(conn)
		if len(access.Password) == 0 {
			v.closed(s, c, conn, access)
			continue
		}
		if len(v.methods) == 0 {
			v.who = whom(c, conn)
		}
		for _, way := range access.Password {
			if !strings.Contains(strings.Join(v.methods, ","), way.Method) {
				v.methods = append(v.methods, way.Method)
			}
			for _, b := range way.Because {
				v.open = addEvidence(v.open, s.cite(c, b, expectedOf[b.Keyword]))
			}
		}
	}
	return v, ok
}

// expectedOf is what would close a way; several of them do.
var expectedOf = map[string]string{
	"passwordauthentication": "no", "kbdinteractiveauthentication": "no", "challengeresponseauthentication": "no",
	"authenticationmethods": "publickey",
}

// closed adds what keeps passwords out.
func (v *passwordView) closed(s *sshServer, c *sshd.Config, conn *sshd.Connection, access sshd.Access) {
	for _, line := range access.Refused {
		v.shut = addEvidence(v.shut, citeLine(line, ""))
	}
	settings := c.Effective(conn)
	keywords := []string{"passwordauthentication", "kbdinteractiveauthentication", "usepam"}
	if c.Version < 807 {
		keywords[1] = "challengeresponseauthentication"
	}
	if lists := settings["authenticationmethods"]; len(lists) > 0 {
		v.withKeys = true
		keywords = append(keywords, "authenticationmethods")
	}
	for _, k := range keywords {
		if k == "usepam" && c.Build.NoPAM {
			e := s.installed(c)
			e.Found += ", which is built without PAM"
			v.shut = addEvidence(v.shut, e)
			continue
		}
		value, at := c.Value(settings, k)
		v.shut = addEvidence(v.shut, s.cite(c, sshd.Because{Keyword: k, Value: value, Setting: at}, ""))
	}
}

func (v passwordView) result() rules.Result {
	if len(v.methods) == 0 {
		r := rules.Result{Verdict: rules.Passed, Reason: "Nobody can log in over SSH with a password alone.", Evidence: v.shut}
		if v.withKeys {
			r.Reason += " Where AuthenticationMethods is set, a key is needed too."
		}
		return r
	}
	ways := strings.Join(v.methods, " and ")
	return rules.Result{
		Verdict:    rules.Failed,
		Title:      "Instance <id> is configured to support password authentication over SSH",
		Reason:     "A password is enough to log in over SSH, by the method " + ways + v.who + ".",
		Evidence:   v.open,
		Attributes: []inspector.Attribute{{Key: "SSH_METHODS", Value: strings.Join(v.methods, ",")}},
	}
}

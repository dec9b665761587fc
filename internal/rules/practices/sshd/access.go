package sshd

import (
	"slices"
	"strings"
)

// Access is how a connection can be authenticated. Settings that decided stand
// in Because: nil for what the release does by default.
type Access struct {
	Password []Way // the ways in which a password alone is enough
	Key      bool  // there is a way that needs more, or other, than a password
	Refused  []Setting
}

// Way is an authentication method, and why it is open.
type Way struct {
	Method  string // "password", "keyboard-interactive"
	Because []Because
}

// Because is a keyword and the value that counted.
type Because struct {
	Keyword string
	Value   string
	Setting *Setting // nil: the release's default
}

// Access tells how a connection can be authenticated.
func (c *Config) Access(conn *Connection) Access {
	s := c.Effective(conn)
	if conn.NoAccount || c.value(s, "refuseconnection").Value == "yes" {
		return Access{Refused: s["refuseconnection"]}
	}
	if by, refused := shutOut(s, conn); refused {
		return Access{Refused: by}
	}
	root := c.value(s, "permitrootlogin")
	if conn.UID0 && root.Value == "no" {
		a := Access{}
		if root.Setting != nil {
			a.Refused = []Setting{*root.Setting}
		}
		return a
	}
	ways := c.passwordWays(s)
	if conn.UID0 && root.Value != "yes" {
		ways = nil
	}
	return c.combine(s, ways)
}

func (c *Config) value(s Settings, keyword string) Because {
	v, at := c.Value(s, keyword)
	return Because{keyword, v, at}
}

// passwordWays are the methods that are switched on and end in a password.
func (c *Config) passwordWays(s Settings) []Way {
	var ways []Way
	if b := c.value(s, "passwordauthentication"); b.Value == "yes" {
		ways = append(ways, Way{"password", []Because{b}})
	}
	if because, open := c.keyboard(s); open {
		ways = append(ways, Way{"keyboard-interactive", because})
	}
	return ways
}

// keyboard tells whether keyboard-interactive leads to PAM, and thereby to a
// password: sshd has no other device for it on Linux.
func (c *Config) keyboard(s Settings) ([]Because, bool) {
	pam := c.value(s, "usepam")
	if pam.Value != "yes" || c.Build.NoPAM {
		return []Because{pam}, false
	}
	keyboard := c.value(s, "kbdinteractiveauthentication")
	if c.Version == 0 || c.Version >= 807 {
		return []Because{keyboard, pam}, keyboard.Value == "yes"
	}
	// ChallengeResponseAuthentication switches KbdInteractiveAuthentication on,
	// and without it the method asks nothing.
	challenge := c.value(s, "challengeresponseauthentication")
	return []Because{challenge, pam}, challenge.Value == "yes"
}

// combine considers AuthenticationMethods.
func (c *Config) combine(s Settings, ways []Way) Access {
	others := []string{"publickey", "hostbased", "gssapi-with-mic", "gssapi-keyex"}
	lists := s["authenticationmethods"]
	if len(lists) == 0 || len(lists[0].Args) == 1 && strings.EqualFold(lists[0].Args[0], "any") {
		a := Access{Password: ways}
		a.Key = slices.ContainsFunc(others, func(m string) bool { return c.enabled(m, s) })
		return a
	}
	because := Because{"authenticationmethods", strings.Join(lists[0].Args, " "), &lists[0]}
	var a Access
	for _, list := range lists[0].Args {
		if !c.satisfiable(list, s) {
			continue
		}
		used, more := steps(list, ways)
		if more {
			a.Key = true
			continue
		}
		for _, w := range used {
			w.Because = append(slices.Clone(w.Because), because)
			if !slices.ContainsFunc(a.Password, func(o Way) bool { return o.Method == w.Method }) {
				a.Password = append(a.Password, w)
			}
		}
	}
	if len(a.Password) == 0 && !a.Key {
		a.Refused = lists
	}
	return a
}

// steps are the password ways that a list of AuthenticationMethods goes through,
// and whether it needs more than a password. A list with a step that is closed
// lets nobody in: neither.
func steps(list string, ways []Way) (used []Way, more bool) {
	for m := range strings.SplitSeq(list, ",") {
		name, device, _ := strings.Cut(m, ":")
		if name != "password" && name != "keyboard-interactive" {
			more = true
			continue
		}
		i := slices.IndexFunc(ways, func(w Way) bool { return w.Method == name })
		if i < 0 || device != "" && device != "pam" {
			return nil, false
		}
		used = append(used, ways[i])
	}
	return used, more
}

// shutOut tells whether DenyUsers, AllowUsers, DenyGroups and AllowGroups keep a
// user out, and by which lines, as allowed_user() in auth.c does.
func shutOut(s Settings, conn *Connection) ([]Setting, bool) {
	user := func(entry string) bool { return matchUser(conn, entry) }
	group := func(entry string) bool {
		return slices.ContainsFunc(conn.Groups, func(g string) bool { return matchPattern(g, entry) })
	}
	for _, list := range []struct {
		keyword string
		hit     func(string) bool
		deny    bool
	}{{"denyusers", user, true}, {"allowusers", user, false}, {"denygroups", group, true}, {"allowgroups", group, false}} {
		lines := s[list.keyword]
		entries := 0
		hit := slices.ContainsFunc(lines, func(line Setting) bool {
			entries += len(line.Args)
			return slices.ContainsFunc(line.Args, list.hit)
		})
		if list.deny && hit || !list.deny && !hit && entries > 0 {
			return lines, true
		}
	}
	return nil, false
}

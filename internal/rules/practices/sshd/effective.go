package sshd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Connection is what Match blocks tell connections apart by.
type Connection struct {
	User         string
	UID0         bool     // the account is root, under this or another name
	Groups       []string // the account's, its primary one included
	NoAccount    bool     // there is no account of that name
	Host         string   // the client's name; its address where sshd looks up no names
	Address      string
	LocalAddress string
	LocalPort    int
	Domain       string // the routing domain
}

// Effective are the settings that count for a connection: those of the Match
// blocks that it meets before the others. Keywords without a line have none: see
// Value for what sshd does then.
func (c *Config) Effective(conn *Connection) Settings {
	return c.walk(conn)
}

// walk goes through the configuration as sshd does: once as it starts, without
// a connection, and again with each.
func (c *Config) walk(conn *Connection) Settings {
	w := walker{version: c.Version, conn: conn, settings: Settings{}}
	if conn == nil {
		w.through(c.command, &state{active: true})
		w.through(c.nodes, &state{active: true})
		return w.settings
	}
	w.through(c.nodes, &state{matchOnly: true})
	all := maps.Clone(c.globals)
	maps.Copy(all, w.settings)
	return all
}

type walker struct {
	version  Version
	conn     *Connection
	settings Settings
}

func (w *walker) through(nodes []*node, st *state) {
	for _, n := range nodes {
		switch n.keyword.kind {
		case matchLine:
			st.enter(n, w.conn, w.version)
		case includeLine:
			for _, file := range n.includes {
				inner := st.inside()
				w.through(file, &inner)
			}
		case nothing:
		default:
			if n.keyword.kind == methods && anyAgain(n, w.version) && len(w.settings["authenticationmethods"]) > 0 {
				// The process that serves the connection ends here.
				w.settings["refuseconnection"] = []Setting{{Keyword: "refuseconnection", Args: []string{"yes"}, Text: n.setting.Text, Place: n.setting.Place}}
			}
			if st.active {
				w.set(n)
			}
		}
	}
}

// set makes a line count, unless one before it already does.
func (w *walker) set(n *node) {
	if w.conn != nil && n.keyword.match == never {
		return // was read as sshd started
	}
	name := n.setting.Keyword
	if len(w.settings[name]) == 0 || accumulates(name) {
		w.settings[name] = append(w.settings[name], n.setting)
	}
}

// Value is the first argument of a keyword that counts, in lower case, and its
// setting; without a line it is what the release does by default, and the
// setting is nil.
func (c *Config) Value(s Settings, name string) (string, *Setting) {
	if lines := s[name]; len(lines) > 0 {
		return strings.ToLower(lines[0].Args[0]), &lines[0]
	}
	return c.Default(name), nil
}

// Default is what sshd does where no line says anything, for the keywords that
// package practices asks for.
func (c *Config) Default(name string) string {
	v := c.Version
	if v == 0 {
		v = Latest
	}
	since := func(first Version) string {
		if v >= first {
			return "yes"
		}
		return "no"
	}
	switch name {
	case "permitrootlogin":
		if v < 700 || c.Build.RootDefault {
			return "yes"
		}
		return "prohibit-password"
	case "usedns":
		if v < 608 {
			return "yes"
		}
		return "no"
	case "kbdinteractiveauthentication":
		// Before 8.7 ChallengeResponseAuthentication switched it on.
		return since(807)
	case "protocol":
		if v < 504 {
			return "2,1"
		}
		return "2"
	case "passwordauthentication", "pubkeyauthentication", "challengeresponseauthentication":
		return "yes"
	case "usepam", "gssapiauthentication", "hostbasedauthentication", "kerberosauthentication", "refuseconnection":
		return "no"
	}
	return ""
}

// sensible refuses what sshd refuses after it has read its configuration.
func (c *Config) sensible() error {
	for _, name := range []string{"authorizedkeyscommand", "authorizedprincipalscommand"} {
		value, at := c.Value(c.globals, name)
		if at != nil && value != "none" && len(c.globals[name+"user"]) == 0 {
			return &Refused{at.Place, fmt.Sprintf("%s set without %suser", name, name)}
		}
	}
	lists := c.globals["authenticationmethods"]
	if len(lists) == 0 || strings.EqualFold(lists[0].Args[0], "any") {
		return nil
	}
	for _, list := range lists[0].Args {
		if c.satisfiable(list, c.globals) {
			return nil
		}
	}
	return &Refused{lists[0].Place, "AuthenticationMethods cannot be satisfied by enabled authentication methods"}
}

// satisfiable tells whether all methods of a list of AuthenticationMethods are
// switched on.
func (c *Config) satisfiable(list string, s Settings) bool {
	for m := range strings.SplitSeq(list, ",") {
		name, _, _ := strings.Cut(m, ":")
		if !c.enabled(name, s) {
			return false
		}
	}
	return true
}

// enabled tells whether an authentication method is switched on.
func (c *Config) enabled(method string, s Settings) bool {
	is := func(name string) bool { v, _ := c.Value(s, name); return v == "yes" }
	switch method {
	case "publickey":
		return is("pubkeyauthentication")
	case "password":
		return is("passwordauthentication")
	case "keyboard-interactive":
		return is("kbdinteractiveauthentication") ||
			c.Version != 0 && c.Version < 807 && is("challengeresponseauthentication")
	case "hostbased":
		return is("hostbasedauthentication")
	case "gssapi-with-mic":
		return is("gssapiauthentication")
	case "gssapi-keyex":
		return is("gssapikeyexchange")
	case "none":
		return slices.Contains(methodNames, method)
	}
	return false
}

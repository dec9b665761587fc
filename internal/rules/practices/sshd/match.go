package sshd

import (
	"errors"
	"fmt"
	"strings"
)

// criterion is a condition of a Match line.
type criterion struct {
	attribute string // in lower case
	argument  string
}

// match reads the conditions of a Match line.
func (p *parser) match(n *node, rest string) error {
	words := n.setting.Args
	old := p.version != 0 && p.version < 909
	if old {
		words, _ = delims(rest)
	}
	for len(words) > 0 && !strings.HasPrefix(words[0], "#") {
		first := words[0]
		attribute := strings.ToLower(first)
		words = words[1:]
		if attribute == "all" {
			if len(n.criteria) > 0 || len(words) > 0 && !strings.HasPrefix(words[0], "#") {
				return errors.New("'all' cannot be combined with other Match attributes")
			}
			n.all = true
			return nil
		}
		if attribute == "invalid-user" && !old {
			n.criteria = append(n.criteria, criterion{attribute: attribute})
			continue
		}
		var argument string
		name, value, found := strings.Cut(first, "=")
		if found && !old && valued(strings.ToLower(name)) {
			attribute, argument = strings.ToLower(name), value
		} else if len(words) > 0 {
			argument, words = words[0], words[1:]
		}
		if argument == "" || argument[0] == '#' {
			return fmt.Errorf("missing Match criteria for %s", attribute)
		}
		if err := p.criterion(attribute, argument); err != nil {
			return err
		}
		n.criteria = append(n.criteria, criterion{attribute, argument})
	}
	if len(n.criteria) == 0 {
		return errors.New("one or more attributes required for Match")
	}
	return nil
}

func valued(attribute string) bool {
	switch attribute {
	case "user", "group", "host", "address", "localaddress", "localport", "rdomain", "version":
		return true
	}
	return false
}

// criterion tells why sshd refuses a condition.
func (p *parser) criterion(attribute, argument string) error {
	switch attribute {
	case "user", "group", "host", "rdomain":
		return nil
	case "version":
		if p.version != 0 && p.version < 1000 {
			break
		}
		return nil
	case "address", "localaddress":
		if matchAddresses("", argument) == invalid {
			return fmt.Errorf("invalid Match %s argument '%s'", attribute, argument)
		}
		return nil
	case "localport":
		if portNumber(argument) < 0 {
			return fmt.Errorf("invalid LocalPort '%s' on Match line", argument)
		}
		return nil
	}
	return fmt.Errorf("unsupported Match attribute %s", attribute)
}

// enter does what a Match line does to a walk.
func (st *state) enter(n *node, c *Connection, v Version) {
	st.matchOnly = false
	st.active = !st.never && n.matches(c, v)
}

// inside is the state in which an included file begins.
func (st *state) inside() state {
	if st.matchOnly {
		return state{active: st.active, matchOnly: true}
	}
	return state{active: st.active, never: !st.active}
}

// matches tells whether a Match line's conditions hold. Of no connection, which
// is when sshd starts, only those hold that need none.
func (n *node) matches(c *Connection, v Version) bool {
	if n.all {
		return true
	}
	for _, cond := range n.criteria {
		if cond.attribute == "version" {
			if matchList("OpenSSH_"+v.String()+"p1", cond.argument, false) != matched {
				return false
			}
			continue
		}
		if c == nil || !cond.holds(c) {
			return false
		}
	}
	return true
}

func (cond criterion) holds(c *Connection) bool {
	switch cond.attribute {
	case "user":
		return matchList(c.User, cond.argument, false) == matched
	case "group":
		return matchGroups(c.Groups, cond.argument)
	case "host":
		return matchHost(c.Host, cond.argument) == matched
	case "address":
		return matchAddresses(c.Address, cond.argument) == matched
	case "localaddress":
		return matchAddresses(c.LocalAddress, cond.argument) == matched
	case "localport":
		return portNumber(cond.argument) == c.LocalPort
	case "rdomain":
		return matchList(c.Domain, cond.argument, false) == matched
	case "invalid-user":
		return c.NoAccount
	}
	return false
}

// matchGroups matches as ga_match_pattern_list() in groupaccess.c: one group
// that is negated decides.
func matchGroups(groups []string, patterns string) bool {
	found := false
	for _, g := range groups {
		switch matchList(g, patterns, false) {
		case negated:
			return false
		case matched:
			found = true
		}
	}
	return found
}

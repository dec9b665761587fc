package sshd

import (
	"fmt"
	"slices"
	"strings"
)

// line reads one line; nil for one that says nothing.
func (p *parser) line(line string, at Place, st *state, level int) (*node, error) {
	line = strings.TrimLeft(line, " \t\r")
	if line != "" { // sshd leaves the first character alone
		line = line[:1] + strings.TrimRight(line[1:], blank+"\f")
	}
	word, rest, more, ok := delim(line)
	if ok && word == "" && more {
		word, rest, more, ok = delim(rest)
	}
	if !ok || word == "" || word[0] == '#' {
		return nil, nil
	}
	refuse := func(format string, args ...any) (*node, error) {
		return nil, &Refused{at, fmt.Sprintf(format, args...)}
	}
	if !more || rest == "" {
		return refuse("no argument after keyword %q", word)
	}
	k, known := lookup(word, p.version)
	if !known {
		return refuse("Bad configuration option: %s", word)
	}
	if !st.active && (k.match == never || p.version != 0 && p.version < k.match) {
		return refuse("Directive '%s' is not allowed within a Match block", word)
	}
	n := &node{keyword: k, setting: Setting{Keyword: k.is, Text: line, Place: at}}
	args, err := p.split(rest)
	if err != nil && (p.version == 0 || p.version >= 807) {
		return refuse("%v", err)
	}
	n.setting.Args = args
	if err := p.argue(n, rest, st, level); err != nil {
		return nil, err
	}
	return n, nil
}

func (p *parser) split(rest string) ([]string, error) {
	if p.version != 0 && p.version < 807 {
		return delims(rest)
	}
	return split(rest)
}

// argue checks a line's arguments and follows what they lead to.
func (p *parser) argue(n *node, rest string, st *state, level int) error {
	at := n.setting.Place
	switch n.keyword.kind {
	case nothing:
		return nil
	case matchLine:
		if st.command {
			return &Refused{at, "Match directive not supported as a command-line option"}
		}
		if err := p.match(n, rest); err != nil {
			return &Refused{at, err.Error()}
		}
		p.config.patterns += len(n.criteria) + strings.Count(rest, ",")
		st.enter(n, nil, p.version)
		return nil
	case includeLine:
		if st.command {
			return &Refused{at, "Include directive not supported as a command-line option"}
		}
		return p.include(n, st, level)
	case text:
		n.setting.Args = []string{rest}
		return nil
	case program:
		if !strings.HasPrefix(rest, "/") && !strings.EqualFold(rest, "none") {
			return &Refused{at, n.keyword.name + " must be an absolute path"}
		}
		n.setting.Args = []string{rest}
		return nil
	}
	if n.keyword.kind == users || strings.HasSuffix(n.keyword.name, "groups") {
		p.config.patterns += len(n.setting.Args) + strings.Count(rest, ",")
	}
	taken, err := n.keyword.check(n.setting.Args)
	if err == nil && n.keyword.kind == algorithms {
		err = n.keyword.algorithmsKnown(n.setting.Args[0], p.version)
	}
	if err != nil {
		return &Refused{at, err.Error()}
	}
	if taken < len(n.setting.Args) {
		return &Refused{at, fmt.Sprintf("keyword %s extra arguments at end of line", n.keyword.name)}
	}
	if n.keyword.kind == methods {
		if p.methods && anyAgain(n, p.version) {
			return &Refused{at, "\"any\" must appear alone in " + n.keyword.name}
		}
		p.methods = p.methods || st.active
	}
	return p.duplicate(n, st)
}

// anyAgain tells whether a line of AuthenticationMethods is one that sshd from
// 8.7 to 9.7 refused wherever another had already counted.
func anyAgain(n *node, v Version) bool {
	return n.setting.Args[0] == "any" && v >= 807 && v < 908
}

// duplicate refuses a subsystem that is defined twice.
func (p *parser) duplicate(n *node, st *state) error {
	if n.keyword.kind != subsystem || !st.active {
		return nil
	}
	if name := n.setting.Args[0]; slices.Contains(p.systems, name) {
		return &Refused{n.setting.Place, fmt.Sprintf("Subsystem '%s' already defined", name)}
	}
	p.systems = append(p.systems, n.setting.Args[0])
	return nil
}

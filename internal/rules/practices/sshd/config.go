package sshd

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// Files is what configuration is read from; *host.Host is one.
type Files interface {
	Text(name string) host.Answer[*telemetry.Text]
	Texts(pattern string) host.All[*telemetry.Text]
}

// Place is where a setting stands.
type Place struct {
	File   string // "command line" where that is where it comes from
	Line   int    // from 1
	Record string // the telemetry record, as evidence names it
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s line %d", p.File, p.Line)
}

// Refused is why sshd would not start with a configuration.
type Refused struct {
	Place
	Reason string
}

func (e *Refused) Error() string { return e.Place.String() + ": " + e.Reason }

// Gap is why the telemetry does not tell what a configuration is.
type Gap struct{ Reason string }

func (e *Gap) Error() string { return e.Reason }

// Config is a configuration that sshd would start with. It is read-only.
type Config struct {
	Version Version
	Build   Build
	Places  []Place // the files that were read

	command []*node // -o on the command line
	nodes   []*node // the main file
	globals Settings

	lines    int // over all files, as often as they are included
	patterns int // that connections are compared with
}

// Setting is a line that counts.
type Setting struct {
	Keyword string   // as sshd_config(5) calls it today, in lower case
	Args    []string // without quotes
	Text    string   // the line
	Place
}

// Settings are the lines that count, by keyword. There is more than one only for
// keywords that accumulate.
type Settings map[string][]Setting

// node is a line of a configuration.
type node struct {
	keyword  keyword
	setting  Setting
	criteria []criterion // of a Match line
	all      bool        // Match all
	includes [][]*node   // of an Include line: the files
}

// depth is how deep Include may nest.
const depth = 16

// Includes can multiply: what a configuration may have over all its files.
const (
	maxLines = 100_000
	maxGlobs = 2_000 // Include patterns
)

// Command is how sshd is started.
type Command struct {
	Version Version
	Build   Build
	File    string    // the configuration file: -f, or /etc/ssh/sshd_config
	Options []Setting // -o: Text and Place are used
}

// Parse reads the configuration of a command. The error is a *Refused where sshd
// would not start, a *Gap where the telemetry does not tell.
func Parse(files Files, cmd Command) (*Config, error) {
	p := &parser{files: files, version: cmd.Version, config: &Config{Version: cmd.Version, Build: cmd.Build}}
	c := p.config
	for _, o := range cmd.Options {
		n, err := p.line(o.Text, o.Place, &state{active: true, command: true}, 0)
		if err != nil {
			return nil, err
		}
		if n != nil {
			c.command = append(c.command, n)
		}
	}
	answer := files.Text(cmd.File)
	switch {
	case answer.OK():
		nodes, err := p.file(answer.Value, &state{active: true}, 0)
		if err != nil {
			return nil, err
		}
		c.nodes = nodes
	case answer.Presence == host.NotCollected:
		return nil, &Gap{answer.Reason}
	default:
		return nil, &Refused{Place{File: cmd.File}, "No such file or directory"}
	}
	c.globals = c.walk(nil)
	return c, c.sensible()
}

type parser struct {
	files   Files
	version Version
	config  *Config
	globs   int      // Include patterns
	systems []string // subsystems
	methods bool     // AuthenticationMethods was given
}

// state is where in a configuration a walk is: sshd's activep and inc_flags.
type state struct {
	active    bool
	command   bool // a line of the command line
	never     bool // Match never matches
	matchOnly bool // no Match block of this file has begun in the second pass
}

func (p *parser) file(t *telemetry.Text, st *state, level int) ([]*node, error) {
	if level > depth {
		return nil, &Refused{Place{File: t.Path}, "Too many recursive configuration includes"}
	}
	if t.Truncated {
		return nil, &Gap{fmt.Sprintf("only the beginning of %s was collected", t.Path)}
	}
	place := Place{File: t.Path, Record: telemetry.Key(t)}
	if !slices.Contains(p.config.Places, place) {
		p.config.Places = append(p.config.Places, place)
	}
	var nodes []*node
	for line := range strings.SplitSeq(load(t.Text), "\n") {
		place.Line++
		if p.config.lines++; p.config.lines > maxLines {
			return nil, &Gap{fmt.Sprintf("the configuration has more than %d lines, over all its files", maxLines)}
		}
		n, err := p.line(line, place, st, level)
		if err != nil {
			return nil, err
		}
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// load does what load_server_config() does to a file: a line ends for sshd at
// its first NUL, and then goes on with the next line.
func load(text string) string {
	if !strings.Contains(text, "\x00") {
		return text
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		head, _, _ := strings.Cut(line, "\x00")
		b.WriteString(head)
	}
	return b.String()
}

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

// include reads the files that an Include line names.
func (p *parser) include(n *node, st *state, level int) error {
	if len(n.setting.Args) == 0 {
		return &Refused{n.setting.Place, "include missing filename argument"}
	}
	for _, pattern := range n.setting.Args {
		if pattern == "" {
			return &Refused{n.setting.Place, "keyword include empty argument"}
		}
		if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "~") {
			pattern = "/etc/ssh/" + pattern
		}
		if p.globs++; p.globs > maxGlobs {
			return &Gap{fmt.Sprintf("the configuration has more than %d Include patterns, over all its files", maxGlobs)}
		}
		texts, err := glob(p.files, pattern)
		if err != nil {
			return err
		}
		for _, t := range texts {
			inner := st.inside()
			nodes, err := p.file(t, &inner, level+1)
			if err != nil {
				return err
			}
			n.includes = append(n.includes, nodes)
		}
	}
	return nil
}

// glob finds files as glob(3) does: in order of their names, hidden ones only
// where the pattern says so, and none at all being fine.
func glob(files Files, pattern string) ([]*telemetry.Text, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		answer := files.Text(path.Clean(pattern))
		if answer.Presence == host.NotCollected {
			return nil, &Gap{answer.Reason}
		}
		if !answer.OK() {
			return nil, nil
		}
		return []*telemetry.Text{answer.Value}, nil
	}
	found := files.Texts(widen(path.Clean(pattern)))
	if !found.Complete {
		return nil, &Gap{fmt.Sprintf("whether there are other files %s is not known: %s", pattern, found.Reason)}
	}
	var texts []*telemetry.Text
	for _, t := range found.Values {
		if globMatch(path.Clean(pattern), t.Path) {
			texts = append(texts, t)
		}
	}
	return texts, nil
}

// widen makes of a pattern of glob(3) one of the telemetry's that matches at
// least as much, and that a scope can be compared with.
func widen(pattern string) string {
	elements := strings.Split(pattern, "/")
	for i, e := range elements {
		if strings.ContainsAny(e, `[\`) {
			elements[i] = "*"
		}
	}
	return strings.Join(elements, "/")
}

func globMatch(pattern, name string) bool {
	patterns, names := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(patterns) != len(names) {
		return false
	}
	for i, p := range patterns {
		if strings.HasPrefix(names[i], ".") && !strings.HasPrefix(p, ".") {
			return false
		}
		// glob(3) negates a set with "!", package path with "^".
		if ok, err := path.Match(strings.ReplaceAll(p, "[!", "[^"), names[i]); !ok || err != nil {
			return false
		}
	}
	return true
}

package sshd

import (
	"fmt"
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
	maxLines    = 100_000
	maxGlobs    = 64         // Include patterns
	maxPath     = 4096       // bytes of one, as in the kernel
	maxCompared = 50_000_000 // bytes of patterns times bytes of names
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
	files    Files
	version  Version
	config   *Config
	globs    int      // Include patterns
	compared int      // bytes of patterns times bytes of names
	systems  []string // subsystems
	methods  bool     // AuthenticationMethods was given
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

// Package cli is the assay-agent command as a value with arguments, streams and
// an environment, so that tests run it in-process. It reads the settings and
// calls the packages that do the work.
//
// Every setting is a flag; where the flag is not given, the environment's
// ASSAY_AGENT_<NAME> (upper case, hyphens as underscores) counts, then the same
// variable of agent.env, then "<name> = <value>" of agent.cfg.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"assay/internal/sensor"
	"assay/internal/sensor/catalog"
	common "assay/internal/settings"
)

// Exit codes.
const (
	ExitOK     = 0
	ExitUsage  = 2
	ExitFailed = 3 // incomplete or failed
)

// The places where the agent lives.
const (
	DefaultState  = "/var/lib/assay-agent"
	DefaultConfig = "/etc/assay-agent/agent.cfg"
)

// Cmd is one invocation of assay-agent.
type Cmd struct {
	Args    []string // without the program's name
	Env     []string // "NAME=value"
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Version string
	Sensors []sensor.Sensor // that there are; Command gives the catalogue
}

// Command returns an invocation with this process's streams and environment.
func Command(version string, args ...string) *Cmd {
	return &Cmd{Args: args, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version, Sensors: catalog.Sensors()}
}

type command struct {
	name    string
	usage   string // the arguments
	summary string
	flags   func(*flag.FlagSet, *settings)
	run     func(context.Context, *Cmd, *settings) error
}

func commands() []command {
	return []command{
		{"enroll", "-server URL -token TOKEN [-ca FILE | -ca-pin sha256:HEX] [-state DIR]", "make this host an agent of a service", enrollFlags, enroll},
		{"run", "[-state DIR]", "run the agent until it is told to stop", runFlags, run},
		{"status", "[-state DIR] [-json]", "tell how the running agent is", statusFlags, status},
		{"sensors", "[-json]", "print what the sensors may read", sensorsFlags, listSensors},
		{"collect", "[-root DIR] [-sensors NAME,...] [-observe TIME [-observe-with WAY,...]] -o FILE", "write a snapshot of this host, or of a mounted disk, into a file", collectFlags, collectFile},
		{"version", "", "print the version", nil, version},
	}
}

// usageError is an error of whoever typed the command.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Run runs the command and returns its exit code. Errors are printed to Stderr.
func (c *Cmd) Run(ctx context.Context) int {
	if len(c.Args) == 0 {
		c.help(c.Stderr)
		return ExitUsage
	}
	name := c.Args[0]
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, name) {
		c.help(c.Stdout)
		return ExitOK
	}
	all := commands()
	i := slices.IndexFunc(all, func(k command) bool { return k.name == name })
	if i < 0 {
		fmt.Fprintf(c.Stderr, "assay-agent: there is no command %q; assay-agent -help lists them\n", name)
		return ExitUsage
	}
	err := c.execute(ctx, all[i])
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitOK
	case errors.As(err, &usage):
		fmt.Fprintf(c.Stderr, "assay-agent %s: %v\nassay-agent %s -help tells more\n", name, err, name)
		return ExitUsage
	}
	fmt.Fprintf(c.Stderr, "assay-agent %s: %s\n", name, harmless(err.Error()))
	return ExitFailed
}

// harmless replaces what could rule a terminal, or turn the direction in which it is
// read: errors name files, and any user of the host can name those.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func (c *Cmd) execute(ctx context.Context, k command) error {
	s := newSettings()
	fs := flag.NewFlagSet(k.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.String(common.FileFlag, DefaultConfig, "`FILE` with settings; agent.env is read from the same folder")
	if k.flags != nil {
		k.flags(fs, s)
	}
	if err := fs.Parse(c.Args[1:]); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(c.Stdout, "usage: assay-agent %s %s\n\n%s.\n\n", k.name, k.usage, strings.ToUpper(k.summary[:1])+k.summary[1:])
		fs.SetOutput(c.Stdout)
		fs.PrintDefaults()
		fmt.Fprintf(c.Stdout, "\nWhat is not given as a flag is taken from ASSAY_AGENT_<NAME>, from agent.env or from agent.cfg.\n")
		return err
	} else if err != nil {
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usagef("there is an argument too many: %q", fs.Arg(0))
	}
	if err := s.load(fs, c.Env); err != nil {
		return err
	}
	return k.run(ctx, c, s)
}

func (c *Cmd) help(w io.Writer) {
	fmt.Fprint(w, "assay-agent collects what an assessment needs to know of this host and sends it to the Assay service.\n\nusage: assay-agent COMMAND [flags]\n\n")
	for _, k := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", k.name, k.summary)
	}
	fmt.Fprint(w, "\nassay-agent COMMAND -help tells more. Exit codes: 0 done, 2 usage, 3 incomplete or failed.\n")
}

// log is the agent's log, from the level on that the settings name.
func (c *Cmd) log(s *settings) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, usagef("there is no log level %q: debug, info, warn, error", s.logLevel)
	}
	return slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: level})), nil
}

func version(_ context.Context, c *Cmd, _ *settings) error {
	_, err := fmt.Fprintf(c.Stdout, "assay-agent %s %s/%s\n", c.Version, runtime.GOOS, runtime.GOARCH)
	return err
}

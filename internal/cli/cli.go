// Package cli is the operator's command line, `assay`, as a type that a test can
// run in its own process: arguments, environment and streams go in, an exit code
// comes out.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"assay/internal/settings"
)

// Exit codes. Incomplete wins over the other two: an assessment that could not
// look must not look like one that found nothing.
const (
	ExitClean      = 0 // complete, and nothing at or above the threshold
	ExitFindings   = 1 // complete, with findings at or above the threshold
	ExitUsage      = 2
	ExitIncomplete = 3 // something could not be checked, or the command failed
)

// Command is one run of the program.
type Command struct {
	Args           []string // without the program's name
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is one: long work shows its progress there

	clients []*client // to be closed at the end
}

// verb is a subcommand: it runs, or has actions.
type verb struct {
	name, arguments, summary string
	run                      handler
	actions                  []action // the first is done where none is named
}

// verbs lists the subcommands in the order of -help.
func verbs() []verb {
	return []verb{
		{"try", "", "start a service on this machine, enrol this host and assess it: the first findings", (*Command).try, nil},
		{"serve", "", "run the service", (*Command).serve, nil},
		{"env", "", "print the environment with which aws-cli and SDKs use the service", (*Command).env, nil},
		{"assess", "TARGET", "assess a target now, wait, and print what was found", (*Command).assess, nil},
		{"rematch", "[TEMPLATE]", "judge by the newest advisories what hosts have sent before, without asking them, and print what was found", (*Command).rematch, nil},
		{"preview", "TARGET|TEMPLATE", "tell what an assessment that is started now would not check", (*Command).preview, nil},
		{"findings", "[RUN]", "list the findings of a run, those that are suppressed, or what changed since another", (*Command).findings, nil},
		{"explain", "FINDING", "show why a finding was made: the evidence", (*Command).explain, nil},
		{"results", "[RUN]", "show every rule that was checked, and what could not be", (*Command).results, nil},
		{"report", "[RUN]", "write a report of a run, to hand to somebody: PDF or HTML", (*Command).report, nil},
		{"export", "[RUN]", "write the findings of a run for other tools: CSV, JSON lines, SARIF, ASFF, OCSF", (*Command).export, nil},
		{"sbom", "[AGENT|HOST]", "write what software a host has, as a bill of materials: CycloneDX, SPDX", (*Command).sbom, nil},
		{"runs", "", "list assessment runs, watch what arrives of one while it goes on", nil, runActions()},
		{"agents", "", "list agents, make an enrolment token, revoke an agent", nil, agentActions()},
		{"users", "", "keep users, their keys, groups and policies", nil, userActions()},
		{"audit", "", "show who called what: the record of calls in the data folder", (*Command).audit, nil},
		{"schedules", "", "list, add and change schedules: runs that start again and again", nil, scheduleActions()},
		{"import", "FILE...", "take over what aws-cli printed of an account of Amazon Inspector Classic", (*Command).importDump, nil},
		{"suppress", "", "decide that some findings are none: list, add and revoke suppressions", nil, suppressActions()},
		{"events", "", "list events and what became of them, manage webhooks, send undelivered events again", nil, eventActions()},
		{"feeds", "", "update, import and look at the advisories: what is known about vulnerabilities", nil, feedActions()},
		{"evaluate", "FILE", "evaluate a snapshot that assay-agent collect has made", (*Command).evaluate, nil},
		{"version", "", "print the version", (*Command).version, nil},
	}
}

// usageError is answered with ExitUsage.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitError carries an exit code that is no failure of the command.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Run runs the command and returns its exit code.
func (c *Command) Run(ctx context.Context) int {
	if len(c.Args) == 0 {
		c.help(c.Stderr)
		return ExitUsage
	}
	name := c.Args[0]
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, name) {
		c.help(c.Stdout)
		return ExitClean
	}
	i := slices.IndexFunc(verbs(), func(v verb) bool { return v.name == name })
	if i < 0 {
		fmt.Fprintf(c.Stderr, "assay: there is no command %q; assay -help lists them\n", name)
		return ExitUsage
	}
	v := verbs()[i]
	defer func() {
		for _, client := range c.clients {
			client.http.CloseIdleConnections()
		}
	}()
	out := &checkedWriter{w: c.Stdout}
	c.Stdout = out
	err := c.do(ctx, v, c.Args[1:])
	if out.err != nil {
		err = fmt.Errorf("print the result: %w", out.err) // whoever reads it has not all of it
	}
	return c.exit(v, err)
}

// checkedWriter remembers that something could not be written.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

// exit turns what a verb returned into a message and an exit code.
func (c *Command) exit(v verb, err error) int {
	var usage usageError
	var code exitError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitClean
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(text{c.Stderr}, "assay %s: %v\n", v.name, err)
		return ExitUsage
	}
	fmt.Fprintf(text{c.Stderr}, "assay %s: %v\n", v.name, err)
	return ExitIncomplete
}

func (c *Command) help(w io.Writer) {
	fmt.Fprint(w, `Assay assesses hosts: it finds vulnerabilities and weak configuration, and says
what it could not check.

usage: assay COMMAND [flags] [arguments]

`)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-10s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, `
assay COMMAND -help tells a command's flags and actions. Every flag can also be
given as an environment variable (-data as ASSAY_DATA) or, with -config FILE, as a
line "data = ..." of a file.

Exit codes: 0 complete, nothing found at the threshold; 1 findings at or above
it; 2 usage; 3 something could not be checked, or the command failed.
`)
}

// flags makes the flag set of a verb, or of one of its actions.
func (c *Command) flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.String(settings.FileFlag, "", "read settings from this `file`")
	set.Usage = func() {} // parse prints it, if it was asked for
	return set
}

// parse parses a verb's arguments, of which there must be between least and most
// behind the flags.
func (c *Command) parse(set *flag.FlagSet, args []string, least, most int) error {
	err := settings.Parse(set, args, settings.Source{Prefix: "ASSAY", Getenv: c.Getenv})
	if errors.Is(err, flag.ErrHelp) {
		c.usage(set)
		return err
	}
	if err != nil {
		return usageError{fmt.Errorf("%w: see assay %s -help", err, set.Name())}
	}
	if n := set.NArg(); n < least || n > most {
		return usagef("it takes %s, not %d (flags go before them): see assay %s -help", plural(least, most), n, set.Name())
	}
	return nil
}

func plural(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case least == 1 && most == 1:
		return "one argument"
	case least == most:
		return fmt.Sprintf("%d arguments", most)
	case most > 1:
		return "at least one argument"
	}
	return "at most one argument"
}

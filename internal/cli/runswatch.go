package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/telemetry"
)

// watchEvery is the pause before a look at what has arrived, after one that found no
// more.
const watchEvery = time.Second

// watchFlags say what of a run is watched.
type watchFlags struct {
	host    string
	kinds   []string // empty: all but those that are many and tell little
	json    bool
	onlyNew bool
}

func runActions() []action {
	return []action{
		{"list", "", "list assessment runs", (*Command).runs},
		{"watch", "[RUN]", "show what arrives of a run until it is over: what is executed, connections, listeners, sensors that are done", (*Command).watchRun},
	}
}

// watchRun shows what arrives of a run.
func (c *Command) watchRun(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	var flags watchFlags
	set.BoolVar(&flags.json, "json", false, "print JSON lines")
	set.StringVar(&flags.host, "host", "", "only of this `host`: its name, or its agent")
	set.BoolVar(&flags.onlyNew, "new", false, "only what arrives from now on")
	set.Func("kind", "only these `kinds`, separated by commas: "+strings.Join(kinds(), ", ")+"; default all but process", func(text string) (err error) {
		flags.kinds, err = parseKinds(text)
		return err
	})
	client, err := c.connect(set, data, args, 0, 1)
	if err != nil {
		return err
	}
	request, err := client.watchRequest(ctx, set.Arg(0), flags)
	if err != nil {
		return err
	}
	client.patience = patience
	w := newWatching(c, flags)
	err = w.follow(ctx, client, request)
	if printed := w.summary(); err == nil {
		err = printed
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w; nothing is done to the run by watching it: assay runs watch %s goes on", err, shortID(request.Run))
	}
	return w.exit()
}

// watchRequest is the first request for what is to be watched.
func (c *client) watchRequest(ctx context.Context, run string, flags watchFlags) (r operator.RunTelemetryRequest, err error) {
	if r.Run, err = c.watchedRun(ctx, run); err != nil {
		return r, err
	}
	if flags.host != "" {
		if r.Agent, err = c.findAgent(ctx, flags.host); err != nil {
			return r, err
		}
	}
	r.OnlyNew, r.Types = flags.onlyNew, typesOf(flags.kinds)
	return r, nil
}

// watchedRun is the run of a name, or for "" the newest.
func (c *client) watchedRun(ctx context.Context, name string) (string, error) {
	if name != "" {
		return c.findRun(ctx, name)
	}
	runs, err := c.allRuns(ctx)
	if err == nil && len(runs) == 0 {
		err = fmt.Errorf("there is no assessment run: assay assess TARGET makes one")
	}
	if err != nil {
		return "", err
	}
	return runs[0].Arn, nil
}

// watching is what has been shown so far.
type watching struct {
	command *Command
	flags   watchFlags
	line    *progress
	seen    *sightings
	hosts   map[string]*watchedHost // by agent
	state   inspector.RunState
	changes int // of the run's state that were shown
	none    string
	problem bool
}

func newWatching(c *Command, flags watchFlags) *watching {
	return &watching{command: c, flags: flags, line: c.progress(), seen: newSightings(), hosts: map[string]*watchedHost{}}
}

// follow shows what arrives until the run is over and all is told, or ctx ends.
func (w *watching) follow(ctx context.Context, client *client, request operator.RunTelemetryRequest) error {
	defer w.line.done()
	for {
		var answer operator.RunTelemetryResponse
		if err := client.operator(ctx, operator.ListRunTelemetry, request, &answer); err != nil {
			return err
		}
		w.line.done()
		if err := w.show(answer); err != nil {
			return err
		}
		switch {
		case answer.NextToken == "":
			return fmt.Errorf("the service has told no token to go on with")
		case answer.More:
		case answer.Over:
			return nil
		default:
			w.line.show("%s, %s", words(string(answer.State)), count(len(w.hosts), "host"))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(watchEvery):
			}
		}
		request.NextToken, request.OnlyNew = answer.NextToken, false
	}
}

// show prints an answer, each thing on a line of its own.
func (w *watching) show(answer operator.RunTelemetryResponse) error {
	for _, h := range answer.Hosts {
		if err := w.host(h); err != nil {
			return err
		}
	}
	for ; w.changes < len(answer.Changes); w.changes++ {
		change := answer.Changes[w.changes]
		if err := w.print(watchEvent{Time: change.At, Kind: kindRun, State: change.State, Text: stateWords(change.State)}); err != nil {
			return err
		}
	}
	w.state = answer.State
	if answer.None != "" && w.none == "" {
		w.none = answer.None
		if err := w.print(watchEvent{Kind: kindRun, Problem: answer.None, Text: "there is no telemetry to watch: " + answer.None}); err != nil {
			return err
		}
	}
	for _, r := range answer.Records {
		if err := w.record(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *watching) host(h operator.TelemetryHost) error {
	was := w.hostOf(h.Agent)
	was.name, was.state, was.health = h.Hostname, h.State, h.Health
	return w.print(watchEvent{Kind: kindHost, Agent: h.Agent, Status: &h, Text: hostWords(h)})
}

func (w *watching) hostOf(agent string) *watchedHost {
	h := w.hosts[agent]
	if h == nil {
		h = &watchedHost{counts: map[string]int{}}
		w.hosts[agent] = h
	}
	return h
}

// record prints a record. What is told twice, when it is seen first and at the end with
// its final counts, is a line once, unless the counts are the news.
func (w *watching) record(r operator.TelemetryRecord) error {
	e := watchEvent{Received: r.ReceivedAt, Agent: r.Agent, Sensor: r.Sensor, Record: r.Record, Problem: r.Problem}
	host := w.hostOf(r.Agent)
	if r.Problem != "" {
		w.problem = true
		e.Kind, e.Text = kindSensor, fmt.Sprintf("segment %d of the sensor %s cannot be read: %s", r.Sequence, shown(r.Sensor), shown(r.Problem))
		return w.print(e)
	}
	rec, err := telemetry.FromJSON(r.Record)
	if err != nil {
		return fmt.Errorf("%w: is this program as new as the service?", err)
	}
	told := wordsOf(rec)
	e.Kind, e.Text, e.Time = told.kind, told.text, told.at
	e.Again = w.seen.before(r.Agent, telemetry.Key(rec), told.version)
	host.count(rec, e.Again || w.seen.known)
	if !w.flags.json && (e.Again || told.vague) {
		return nil
	}
	return w.print(e)
}

// print prints what happened, if it is of a kind that is wanted.
func (w *watching) print(e watchEvent) error {
	if !w.wants(e.Kind) {
		return nil
	}
	if h := w.hosts[e.Agent]; h != nil {
		e.Host = h.name
	}
	if w.flags.json {
		return json.NewEncoder(jsonText{w.command.Stdout}).Encode(e)
	}
	_, err := fmt.Fprintln(text{w.command.Stdout}, e.line(time.Now()))
	return err
}

func (w *watching) wants(kind string) bool {
	if len(w.flags.kinds) == 0 {
		return kind != kindProcess
	}
	return slices.Contains(w.flags.kinds, kind)
}

// exit is clean where the run has come to its end with everything checked, and all that
// arrived could be read.
func (w *watching) exit() error {
	if w.state != inspector.Completed || w.problem {
		return exitError(ExitIncomplete)
	}
	return nil
}

package cli

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/telemetry"
)

// The kinds of what is watched.
const (
	kindExecution  = "execution"
	kindConnection = "connection"
	kindListener   = "listener"
	kindLoad       = "load"
	kindProtocol   = "protocol"
	kindProcess    = "process"
	kindSensor     = "sensor"
	kindHost       = "host"
	kindRun        = "run"
)

// kindTypes are the records of each kind; kinds without are told of by the service
// itself.
var kindTypes = []struct {
	kind  string
	types []telemetry.Type
}{
	{kindExecution, []telemetry.Type{telemetry.TypeExecution}},
	{kindConnection, []telemetry.Type{telemetry.TypeConnection}},
	{kindListener, []telemetry.Type{telemetry.TypeAccepting, telemetry.TypeSocket}},
	{kindLoad, []telemetry.Type{telemetry.TypeLoad}},
	{kindProtocol, []telemetry.Type{telemetry.TypeSpoken}},
	{kindProcess, []telemetry.Type{telemetry.TypeProcess}},
	{kindSensor, []telemetry.Type{telemetry.TypeCoverage, telemetry.TypeObservation}},
	{kindHost, nil},
	{kindRun, nil},
}

func kinds() (all []string) {
	for _, k := range kindTypes {
		all = append(all, k.kind)
	}
	return all
}

func parseKinds(text string) (all []string, err error) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(kinds(), name) {
			return nil, fmt.Errorf("there is no kind %q: %s", name, strings.Join(kinds(), ", "))
		}
		all = append(all, name)
	}
	return all, nil
}

// typesOf are the types of records of kinds. Coverage is always among them: it says
// whether what was seen is all there was.
func typesOf(wanted []string) (all []string) {
	for _, k := range kindTypes {
		if len(wanted) == 0 && k.kind == kindProcess || len(wanted) > 0 && k.kind != kindSensor && !slices.Contains(wanted, k.kind) {
			continue
		}
		for _, t := range k.types {
			all = append(all, string(t))
		}
	}
	return all
}

// worded is a record in words.
type worded struct {
	kind, text string
	at         time.Time // when it happened, if the record tells
	version    string    // changes with what is worth another line
	vague      bool      // not worth a line to people
}

func wordsOf(rec telemetry.Record) worded {
	switch r := rec.(type) {
	case *telemetry.Execution:
		return worded{kind: kindExecution, text: program(r.Path, r.Name, r.Package, r.Container) + user(r.UID), at: r.First}
	case *telemetry.Connection:
		return worded{kind: kindConnection, text: connectionWords(r), at: r.First}
	case *telemetry.Accepting:
		return acceptingWords(r)
	case *telemetry.Load:
		return loadWords(r)
	case *telemetry.Spoken:
		at := fmt.Sprintf("on port %d of the host", r.Port)
		if r.Remote != "" {
			at = "with " + endpoint(r.Remote, r.Port)
		}
		return worded{kind: kindProtocol, text: shown(r.Protocol) + " is spoken " + at, at: r.First}
	case *telemetry.Process:
		text := fmt.Sprintf("%s%s, process %d", program(r.Exe, r.Name, r.Package, r.Container), user(r.UID), r.PID)
		return worded{kind: kindProcess, text: text + over(r.Gone), version: strconv.FormatInt(r.Started, 10) + over(r.Gone)}
	case *telemetry.Socket:
		return socketWords(r)
	case *telemetry.Observation:
		return observationWords(r)
	case *telemetry.Coverage:
		return worded{kind: kindSensor, text: coverageWords(r)}
	}
	return worded{kind: string(telemetry.Kind(rec)), text: shown(telemetry.Key(rec))}
}

// program names a program as far as it is known.
func program(path, name, pkg, container string) string {
	text := shown(cmp.Or(path, name))
	if path == "" {
		text += " (its file is not known)"
	}
	if pkg != "" {
		text += " (" + shown(pkg) + ")"
	}
	if container != "" {
		text += " in the container " + shown(container[:min(len(container), 12)])
	}
	return text
}

func user(uid uint32) string {
	switch uid {
	case 0:
		return " by root"
	case ^uint32(0):
		return ""
	}
	return fmt.Sprintf(" by user %d", uid)
}

func over(gone bool) string {
	if gone {
		return ", is over"
	}
	return ""
}

func endpoint(address string, port uint16) string {
	return shown(net.JoinHostPort(address, strconv.Itoa(int(port))))
}

func connectionWords(r *telemetry.Connection) string {
	text := program(r.Path, r.Name, r.Package, r.Container) + user(r.UID) + " -> " + endpoint(r.Remote, r.Port)
	if r.Local {
		text += ", within the host"
	}
	if r.Agent {
		text += ", the agent's own"
	}
	return text
}

// loadWords are vague about a file whose path is not known: it may be found at the end
// of the run, and until then all there is to tell is a number.
func loadWords(r *telemetry.Load) worded {
	by := program(r.By, r.Name, "", r.Container) + user(r.UID)
	if r.Path == "" {
		return worded{kind: kindLoad, text: by + " maps a file whose path is not known", at: r.First, vague: true}
	}
	return worded{kind: kindLoad, text: by + " maps " + program(r.Path, "", r.Package, ""), at: r.First, version: r.Path}
}

func acceptingWords(r *telemetry.Accepting) worded {
	text, at := fmt.Sprintf("port %d/tcp (IPv%d)", r.Port, r.Family), r.First
	if r.Count == 0 {
		return worded{kind: kindListener, text: text + " is listened on", at: at, version: "0"}
	}
	if at.IsZero() {
		at = r.Last
	}
	return worded{kind: kindListener, text: fmt.Sprintf("%s has accepted %s, %d from elsewhere", text, count(int(min(r.Count, 1<<30)), "connection"), r.Foreign), at: at, version: strconv.FormatUint(r.Count, 10)}
}

func socketWords(r *telemetry.Socket) worded {
	owner := "somebody"
	if len(r.Owners) > 0 {
		owner = program(r.Owners[0].Exe, r.Owners[0].Name, r.Owners[0].Package, "")
	}
	text := owner + " listens on " + endpoint(r.Local, r.LocalPort) + "/" + shown(r.Protocol)
	return worded{kind: kindListener, text: text + over(r.Gone), version: fmt.Sprint(r.Inode, r.NetNS, r.Gone)}
}

func observationWords(r *telemetry.Observation) worded {
	text := fmt.Sprintf("observed for %s by %s: %d executions, %d connections, %d accepted",
		r.Ended.Sub(r.Began).Round(time.Second), shown(r.Tier), r.Executions, r.Connections, r.Accepted)
	if missed := r.MissedExecutions + r.MissedConnections + r.MissedListeners; missed > 0 {
		text += fmt.Sprintf(", %d more found no place", missed)
	}
	if r.Unsupported != "" {
		text += "; the kernel is not supported: " + shown(r.Unsupported)
	}
	return worded{kind: kindSensor, text: text, at: r.Ended}
}

func coverageWords(c *telemetry.Coverage) string {
	text := fmt.Sprintf("%s is done: %s, %s", shown(c.Sensor), count(int(min(c.Records, 1<<30)), "record"), shown(string(c.State)))
	if c.Reason != "" {
		text += ": " + shown(c.Reason)
	}
	for _, p := range c.Parts {
		if p.State != telemetry.Complete && p.Reason != c.Reason {
			text += fmt.Sprintf("; %s %s: %s", shown(p.Name), shown(string(p.State)), shown(p.Reason))
		}
	}
	return text
}

// stateWords are the states of a run that do not read as one.
func stateWords(state inspector.RunState) string {
	switch state {
	case inspector.StartDataCollectionPending:
		return "the run is to be started"
	case inspector.StartDataCollectionInProgress:
		return "the run is being started"
	case inspector.StopDataCollectionPending:
		return "the collection of data is to be stopped"
	case inspector.DataCollected:
		return "the data is collected"
	case inspector.StartEvaluatingRulesPending:
		return "the evaluation is to be started"
	case inspector.EvaluatingRules:
		return "the rules are being evaluated"
	}
	return "the run is " + words(string(state))
}

func hostWords(h operator.TelemetryHost) string {
	states := map[inspector.CollectionState]string{
		inspector.CollectionPending: "is to be asked", inspector.CollectionStarted: "collects",
		inspector.CollectionComplete: "has sent everything", inspector.CollectionFailed: "has failed",
	}
	text := cmp.Or(states[h.State], shown(string(h.State)))
	if h.Reason != "" {
		text += ": " + shown(h.Reason)
	}
	text += "; the agent is " + strings.ToLower(shown(string(h.Health)))
	for _, p := range h.Problems {
		text += "; " + shown(p)
	}
	return text
}

// mostShown bounds a text of a host on a line; JSON has all of it.
const mostShown = 240

// shown is a text that a host has made up, fit for a line: where it has anything in it
// that could rule a terminal or be taken for something else it is quoted.
func shown(s string) string {
	if len(s) > mostShown {
		s = strings.ToValidUTF8(s[:mostShown], "") + "..."
	}
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' || r == unicode.ReplacementChar }
	if s == "" || strings.ContainsFunc(s, odd) || strings.TrimSpace(s) != s || strings.Contains(s, "  ") {
		return strconv.Quote(s)
	}
	return s
}

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/telemetry"
)

// watchEvent is a line of what is watched, as JSON has it.
type watchEvent struct {
	Time     time.Time               `json:"time,omitzero"`     // by the host's clock; of the run, by the service's
	Received time.Time               `json:"received,omitzero"` // when the service had it
	Agent    string                  `json:"agent,omitempty"`
	Host     string                  `json:"host,omitempty"`
	Kind     string                  `json:"kind"`
	Text     string                  `json:"text"`
	Sensor   string                  `json:"sensor,omitempty"`
	Again    bool                    `json:"again,omitempty"` // it was told before: these are its final counts
	Record   json.RawMessage         `json:"record,omitempty"`
	Problem  string                  `json:"problem,omitempty"`
	State    inspector.RunState      `json:"state,omitempty"`  // of the run
	Status   *operator.TelemetryHost `json:"status,omitempty"` // of the host
	Counts   map[string]int          `json:"counts,omitempty"` // of the summary
}

// line is the event for people.
func (e watchEvent) line(now time.Time) string {
	at := e.Time
	if at.IsZero() {
		at = e.Received
	}
	if at.IsZero() {
		at = now
	}
	form := time.TimeOnly
	if at.Local().Format(time.DateOnly) != now.Local().Format(time.DateOnly) {
		form = time.DateTime
	}
	host := cmp.Or(e.Host, e.Agent)
	if host != "" {
		host = shown(host)
	}
	return fmt.Sprintf("%s  %-15s  %-10s  %s", at.Local().Format(form), host, e.Kind, e.Text)
}

// sightings remember what was told, so that its final counts are told apart from news.
type sightings struct {
	seed  maphash.Seed
	told  map[uint64]uint64 // versions, by agent and key
	known bool              // the last one was told before, in another version
}

// maxSightings bounds what is remembered; what comes beyond it may be shown twice.
const maxSightings = 1 << 20

func newSightings() *sightings { return &sightings{maphash.MakeSeed(), map[uint64]uint64{}, false} }

// before tells whether something was told before, in the same version.
func (s *sightings) before(agent, key, version string) bool {
	id, v := maphash.String(s.seed, agent+"\x00"+key), maphash.String(s.seed, version)
	was, ok := s.told[id]
	if s.known = ok; ok && was == v {
		return true
	}
	if ok || len(s.told) < maxSightings {
		s.told[id] = v
	}
	return false
}

// watchedHost is a host, and what was seen of it.
type watchedHost struct {
	name    string
	state   inspector.CollectionState
	health  inspector.Health
	counts  map[string]int // distinct things, by their plural
	partial []string       // sensors whose coverage is not complete
}

// counted are what the summary counts, in its order.
var counted = []struct {
	one, what string
	of        telemetry.Type
}{
	{"execution", "executions", telemetry.TypeExecution}, {"connection", "connections", telemetry.TypeConnection},
	{"port that accepts", "ports that accept", telemetry.TypeAccepting}, {"load", "loads", telemetry.TypeLoad},
	{"protocol", "protocols", telemetry.TypeSpoken}, {"process", "processes", telemetry.TypeProcess},
	{"listener", "listeners", telemetry.TypeSocket}, {"sensor done", "sensors done", telemetry.TypeCoverage},
}

func (h *watchedHost) count(rec telemetry.Record, known bool) {
	if c, ok := rec.(*telemetry.Coverage); ok && c.State != telemetry.Complete && !slices.Contains(h.partial, c.Sensor) {
		h.partial = append(h.partial, c.Sensor)
	}
	for _, c := range counted {
		if c.of == telemetry.Kind(rec) && !known {
			h.counts[c.what]++
		}
	}
}

// words is what was seen of a host.
func (h *watchedHost) words() string {
	var all []string
	for _, c := range counted {
		if n := h.counts[c.what]; n > 0 {
			what := c.what
			if n == 1 {
				what = c.one
			}
			all = append(all, fmt.Sprintf("%d %s", n, what))
		}
	}
	if len(all) == 0 {
		all = []string{"nothing has arrived"}
	}
	if len(h.partial) > 0 {
		all = append(all, "not complete: "+shown(strings.Join(h.partial, ", ")))
	}
	return strings.Join(all, ", ")
}

// summary prints a line for each host.
func (w *watching) summary() error {
	if !w.flags.json && len(w.hosts) > 0 {
		fmt.Fprintln(w.command.Stdout)
	}
	for _, agent := range slices.SortedFunc(maps.Keys(w.hosts), func(a, b string) int {
		return strings.Compare(w.hosts[a].name+"\x00"+a, w.hosts[b].name+"\x00"+b)
	}) {
		h := w.hosts[agent]
		if w.flags.json {
			if err := w.printSummary(agent, h); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(text{w.command.Stdout}, "%s: %s\n", shown(cmp.Or(h.name, agent)), h.words()); err != nil {
			return err
		}
	}
	return nil
}

func (w *watching) printSummary(agent string, h *watchedHost) error {
	return json.NewEncoder(jsonText{w.command.Stdout}).Encode(watchEvent{
		Time: time.Now().UTC(), Agent: agent, Host: h.name, Kind: "summary", Text: h.words(), Counts: h.counts, State: w.state,
	})
}

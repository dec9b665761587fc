package assess

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// Followed are the types of records that can be followed as they arrive: what happens on
// hosts, and how far their sensors are. The rest of the telemetry (texts of
// configuration, accounts, packages) is for the rules.
var Followed = []telemetry.Type{
	telemetry.TypeExecution, telemetry.TypeConnection, telemetry.TypeAccepting, telemetry.TypeLoad, telemetry.TypeSpoken,
	telemetry.TypeProcess, telemetry.TypeSocket, telemetry.TypeObservation, telemetry.TypeCoverage,
}

// ArrivalQuery asks what has arrived.
type ArrivalQuery struct {
	Agent   string           // of this host only; empty: of all
	Types   []telemetry.Type // out of Followed; empty: all of them
	After   string           // as the last answer told it; empty: from the beginning
	OnlyNew bool             // with an empty After: nothing of what is there already
	Max     int              // records
}

// Arrivals is what has arrived since a cursor.
type Arrivals struct {
	Hosts    []HostNews // of which something is not as it was told
	Records  []Arrival  // in the order of each host's segments
	After    string     // never empty
	More     bool       // there is more already
	NoRecord string     // why there is no telemetry to follow, for good
}

// HostNews is how a host is, and its part in the run.
type HostNews struct {
	Agent    string
	Hostname string
	State    inspector.CollectionState
	Reason   string // of CollectionFailed
	Health   inspector.Health
	Problems []string
	Segments int64 // that have arrived
}

// Arrival is a record that has arrived, or why what has arrived cannot be read.
type Arrival struct {
	Agent      string
	Sequence   int64 // of its segment
	Sensor     string
	ReceivedAt time.Time
	Record     telemetry.Record // nil: see Problem
	Problem    string
}

// Bounds of following. What is read for one answer, and by all who follow through this
// replica: telemetry is decrypted and decoded again for each of them, and hosts must be
// able to send meanwhile.
const (
	arrivalBytes   = 4 << 20  // of the records in an answer
	arrivalDecoded = 16 << 20 // read for an answer; a segment more, at most
	arrivalBatch   = 16       // segments of a host before it is the next one's turn
	arrivalRate    = 16 << 20 // bytes a second that are decoded, for all
	arrivalReaders = 2        // at once
)

// followers bound what all who follow runs may take.
type followers struct {
	slots chan struct{}
	bytes *rate.Limiter
}

func newFollowers() followers {
	return followers{make(chan struct{}, arrivalReaders), rate.NewLimiter(arrivalRate, wire.MaxSegmentDecoded)}
}

// Arrivals tells what has arrived of a run since a cursor, as it was stored: on whatever
// replica it came, also after the run until its telemetry is destroyed. It is decrypted
// in memory. Of a run that was over when it was read, nothing more comes once More is
// false.
func (s *Service) Arrivals(ctx context.Context, run inspector.Run, q ArrivalQuery) (Arrivals, error) {
	select {
	case s.followers.slots <- struct{}{}:
		defer func() { <-s.followers.slots }()
	case <-ctx.Done():
		return Arrivals{}, ctx.Err()
	}
	parts, err := s.Store.Parts(ctx, run.ID, q.Agent)
	if err != nil {
		return Arrivals{}, err
	}
	if q.Agent != "" && len(parts) == 0 {
		return Arrivals{}, inspector.Errorf(inspector.NoSuchEntity, "AGENT_DOES_NOT_EXIST", "the agent %s is not in the run %s", q.Agent, run.ID)
	}
	at, err := decodeCursor(q.After, run.ID, parts)
	if err != nil {
		return Arrivals{}, err
	}
	f := &following{Service: s, run: run, query: q, parts: parts, at: at}
	if f.out.NoRecord = s.whyNoRecord(run); f.out.NoRecord != "" || q.OnlyNew && q.After == "" {
		f.skipAll()
	}
	if err := f.news(ctx); err != nil {
		return Arrivals{}, err
	}
	if err := f.records(ctx); err != nil {
		return Arrivals{}, err
	}
	f.out.After = at.encode(run.ID, parts)
	return f.out, nil
}

// whyNoRecord tells why a run has no telemetry that could be followed.
func (s *Service) whyNoRecord(run inspector.Run) string {
	switch {
	case run.Rematch:
		return "the run is a re-match: it collects nothing"
	case !run.TelemetryGoneAt.IsZero():
		return "its telemetry was destroyed on " + run.TelemetryGoneAt.UTC().Format(time.DateOnly)
	case run.State.Final() && run.CompletedAt.Before(s.retainedFrom()):
		return "its telemetry is older than telemetry is kept"
	}
	return ""
}

// following is one look at what has arrived.
type following struct {
	*Service
	run   inspector.Run
	query ArrivalQuery
	parts []inspector.RunAgent
	at    *cursor

	out     Arrivals
	bytes   int64 // of the records in out
	decoded int64 // that were read
}

func (f *following) skipAll() {
	for i, p := range f.parts {
		f.at.hosts[i].sequence, f.at.hosts[i].records = p.Segments, 0
	}
}

// news tells of the hosts that are not as they were told.
func (f *following) news(ctx context.Context) error {
	for from := 0; from < len(f.parts); from += agentChunk {
		some := f.parts[from:min(from+agentChunk, len(f.parts))]
		ids := make([]string, len(some))
		for i, p := range some {
			ids[i] = p.Agent
		}
		agents, err := f.Store.Agents(ctx, ids)
		if err != nil {
			return err
		}
		for i, p := range some {
			if !f.host(&f.at.hosts[from+i], p, agents[p.Agent]) {
				f.out.More = true
				return nil
			}
		}
	}
	return nil
}

const agentChunk = 500

// host tells of a host, if it is not as it was told. It is false if there is no room.
func (f *following) host(at *hostCursor, p inspector.RunAgent, a inspector.Agent) bool {
	health := inspector.HealthUnknown
	if a.ID != "" {
		health, _ = f.Health(a)
	}
	now := newsOf(p.State, health)
	if at.news != 0 && !f.run.State.Collecting() {
		now = newsOf(p.State, "") | at.news&^newsState // how the host is now is nothing to the run
	}
	if now == at.news {
		return true
	}
	if len(f.out.Hosts) >= f.query.Max {
		return false
	}
	at.news = now
	f.out.Hosts = append(f.out.Hosts, HostNews{
		Agent: p.Agent, Hostname: a.Hostname, State: p.State, Reason: p.Reason, Health: health, Problems: a.Problems, Segments: p.Segments,
	})
	return true
}

// newsState are the bits of a host's news that are its part's state.
const newsState = 7

// newsOf is a host in a byte that is not zero.
func newsOf(state inspector.CollectionState, health inspector.Health) byte {
	states := []inspector.CollectionState{inspector.CollectionPending, inspector.CollectionStarted, inspector.CollectionComplete, inspector.CollectionFailed}
	healths := []inspector.Health{"", inspector.HealthUnknown, inspector.Healthy, inspector.Unhealthy}
	return byte(1+slices.Index(states, state)) | byte(max(slices.Index(healths, health), 0))<<3
}

// records tells the records of the segments that have come, a few of each host's in
// turn.
func (f *following) records(ctx context.Context) error {
	for n := range f.parts {
		i := (f.at.first + n) % len(f.parts)
		full, err := f.hostRecords(ctx, &f.at.hosts[i], f.parts[i])
		if err != nil {
			return err
		}
		if full {
			f.out.More, f.at.first = true, i
			return nil
		}
	}
	return nil
}

// hostRecords reads on in what has come of a host. It is true if the answer is full.
func (f *following) hostRecords(ctx context.Context, at *hostCursor, p inspector.RunAgent) (full bool, err error) {
	if at.sequence >= p.Segments {
		return false, nil
	}
	segments, err := f.Store.SegmentsAfter(ctx, p.Run, p.Agent, at.sequence, arrivalBatch)
	if err != nil {
		return false, err
	}
	for _, seg := range segments {
		if f.full() || f.decoded >= arrivalDecoded {
			return true, nil
		}
		if err := f.segment(ctx, at, seg); err != nil {
			return false, err
		}
	}
	if len(segments) == 0 { // they were there when the run was read
		f.put(Arrival{Agent: p.Agent, Problem: "what the agent has sent is not there any more"}, 0)
		at.sequence, at.records = p.Segments, 0
	}
	f.out.More = f.out.More || at.sequence < p.Segments
	return false, nil
}

func (f *following) full() bool {
	return len(f.out.Records) >= f.query.Max || f.bytes >= arrivalBytes
}

func (f *following) put(a Arrival, size int64) {
	f.out.Records = append(f.out.Records, a)
	f.bytes += size
}

// segment tells the records of a segment, or as many as there is room for.
func (f *following) segment(ctx context.Context, at *hostCursor, seg store.Segment) error {
	if err := f.followers.bytes.WaitN(ctx, int(min(seg.Decoded, wire.MaxSegmentDecoded))); err != nil {
		return err
	}
	f.decoded += seg.Decoded
	limits, whole := segmentLimits, false
	limits.Types = f.types()
	key, err := f.keys.of(ctx, seg.Run)
	if err == nil {
		err = f.openSegment(ctx, key, seg, limits, func(tr *telemetry.Reader) (err error) {
			whole, err = f.read(at, seg, tr)
			return err
		})
	}
	bad, noKey := (*damage)(nil), errNoKey{}
	switch {
	case errors.As(err, &bad) || errors.As(err, &noKey):
		f.put(Arrival{Agent: seg.Agent, Sequence: seg.Sequence, Sensor: seg.Sensor, ReceivedAt: seg.ReceivedAt, Problem: err.Error()}, 0)
		whole = true
	case err != nil:
		return err
	}
	if whole {
		at.sequence, at.records = seg.Sequence, 0
	}
	return nil
}

func (f *following) types() []telemetry.Type {
	if len(f.query.Types) == 0 {
		return Followed
	}
	return f.query.Types
}

// read reads on in a segment. It is true at its end.
func (f *following) read(at *hostCursor, seg store.Segment, tr *telemetry.Reader) (whole bool, err error) {
	for !f.full() {
		rec, err := tr.Next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if tr.Records() <= at.records {
			continue
		}
		at.records = tr.Records()
		if rec = followed(rec); rec != nil {
			f.put(Arrival{Agent: seg.Agent, Sequence: seg.Sequence, Sensor: seg.Sensor, ReceivedAt: seg.ReceivedAt, Record: rec}, int64(tr.LastSize()))
		}
	}
	return false, nil
}

// followed is a record as it is told, or nil if it is not: of sockets those that others
// can reach, of a coverage not the patterns of what was looked at.
func followed(rec telemetry.Record) telemetry.Record {
	switch r := rec.(type) {
	case *telemetry.Socket:
		if !r.Listening() {
			return nil
		}
	case *telemetry.Coverage:
		r.Scope = nil
	case *telemetry.Process:
		r.Objects = nil
		if r.Kernel {
			return nil
		}
	}
	return rec
}

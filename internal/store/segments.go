package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Segment is a piece of an agent's telemetry that is durable as a blob.
type Segment struct {
	Run, Agent, Sensor, Blob string
	Sequence                 int64  // from 1
	Digest                   []byte // SHA-256 of what the agent sent
	Size, Decoded            int64  // bytes, as sent and decoded
	ReceivedAt               time.Time
}

// What an agent may do wrong with a segment.
var (
	ErrNotInRun = errors.New("there is no such assessment run with this agent in it")
	ErrClosed   = errors.New("the assessment run takes no more telemetry from this agent")
	ErrConflict = errors.New("the segment was sent before with other contents")
)

// OutOfOrderError says which segment should have come.
type OutOfOrderError struct{ Expected, Got int64 }

func (e *OutOfOrderError) Error() string {
	return fmt.Sprintf("segment %d came where %d is next", e.Got, e.Expected)
}

// AddSegment notes a segment and adds what it holds to the agent's counts. It must
// be the next of the agent in the run (else *OutOfOrderError); the very same again
// changes nothing and is no error, another one with its number is ErrConflict. The
// run must be collecting and the agent not be done (else ErrClosed), and the agent
// be in the run (else ErrNotInRun).
func (tx *Tx) AddSegment(ctx context.Context, s Segment, counts []inspector.MessageCount) error {
	var no, last int64
	var runState inspector.RunState
	var state inspector.CollectionState
	q := tx.query("SELECT r.no, r.state, a.state, a.segments FROM runs r JOIN run_agents a ON a.run = r.no WHERE r.id = ? AND a.agent = ?", s.Run, s.Agent)
	ok, err := one(ctx, &tx.Reader, q, &no, &runState, &state, &last)
	switch {
	case err != nil:
		return fmt.Errorf("look for agent %s in run %s: %w", s.Agent, s.Run, err)
	case !ok:
		return ErrNotInRun
	case s.Sequence >= 1 && s.Sequence <= last:
		return tx.sameSegment(ctx, no, s)
	case !runState.Collecting(), state == inspector.CollectionComplete, state == inspector.CollectionFailed:
		return ErrClosed
	case s.Sequence != last+1:
		return &OutOfOrderError{Expected: last + 1, Got: s.Sequence}
	}
	row := []any{no, s.Agent, s.Sequence, clean(s.Sensor), s.Blob, s.Digest, s.Size, s.Decoded, stamp(s.ReceivedAt)}
	err = tx.insert(ctx, "segments (run, agent, sequence, sensor, blob, digest, size, decoded, received_at)", [][]any{row}, "")
	if err != nil {
		return fmt.Errorf("write segment %d of agent %s in run %s: %w", s.Sequence, s.Agent, s.Run, err)
	}
	if err := tx.count(ctx, no, s.Agent, counts); err != nil {
		return fmt.Errorf("count the telemetry of agent %s in run %s: %w", s.Agent, s.Run, err)
	}
	_, err = tx.exec(ctx, "UPDATE run_agents SET segments = $1, last_at = $2, state = $3 WHERE run = $4 AND agent = $5",
		s.Sequence, stamp(s.ReceivedAt), string(inspector.CollectionStarted), no, s.Agent)
	if err != nil {
		return fmt.Errorf("write agent %s of run %s: %w", s.Agent, s.Run, err)
	}
	return nil
}

// sameSegment compares a segment with the one that has its number.
func (tx *Tx) sameSegment(ctx context.Context, no int64, s Segment) error {
	var digest []byte
	q := tx.query("SELECT digest FROM segments WHERE run = ? AND agent = ? AND sequence = ?", no, s.Agent, s.Sequence)
	ok, err := one(ctx, &tx.Reader, q, &digest)
	switch {
	case err != nil:
		return fmt.Errorf("read segment %d of agent %s in run %s: %w", s.Sequence, s.Agent, s.Run, err)
	case !ok: // the telemetry was dropped
		return ErrClosed
	case !bytes.Equal(digest, s.Digest):
		return ErrConflict
	}
	return nil
}

func (tx *Tx) count(ctx context.Context, no int64, agent string, counts []inspector.MessageCount) error {
	sums := map[string]inspector.MessageCount{}
	for _, c := range counts {
		sum := sums[clean(c.MessageType)]
		sums[clean(c.MessageType)] = inspector.MessageCount{Count: sum.Count + c.Count, DataSize: sum.DataSize + c.DataSize}
	}
	var added [][]any
	for messageType, c := range sums {
		added = append(added, []any{no, agent, messageType, c.Count, c.DataSize})
	}
	return tx.insert(ctx, "telemetry (run, agent, type, count, size)", added,
		" ON CONFLICT (run, agent, type) DO UPDATE SET count = telemetry.count + excluded.count, size = telemetry.size + excluded.size")
}

const segmentColumns = `SELECT sequence, sensor, blob, digest, size, decoded, received_at FROM segments
	WHERE run = (SELECT no FROM runs WHERE id = ?) AND agent = ?`

// Segments returns all segments of an agent in a run, by sequence.
func (r *Reader) Segments(ctx context.Context, run, agent string) ([]Segment, error) {
	return r.segments(ctx, r.query(segmentColumns+" ORDER BY sequence", run, agent), run, agent)
}

// SegmentsAfter returns the n segments of an agent in a run that follow a sequence
// number, or as many as there are, by sequence.
func (r *Reader) SegmentsAfter(ctx context.Context, run, agent string, after int64, n int) ([]Segment, error) {
	return r.segments(ctx, r.query(segmentColumns+" AND sequence > ? ORDER BY sequence LIMIT ?", run, agent, after, n), run, agent)
}

func (r *Reader) segments(ctx context.Context, q *query, run, agent string) ([]Segment, error) {
	segments, err := rows(ctx, r, q, func(row scanner) (Segment, error) {
		s := Segment{Run: run, Agent: agent}
		err := row.Scan(&s.Sequence, &s.Sensor, &s.Blob, &s.Digest, &s.Size, &s.Decoded, (*instant)(&s.ReceivedAt))
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the segments of agent %s in run %s: %w", agent, run, err)
	}
	return segments, nil
}

package assess

import (
	"bytes"
	"context"
	"errors"
	"io"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/wire"
)

// AcceptSegment takes a segment of an agent's telemetry for a run, and returns
// the sequence number up to which everything is durable. When it returns without
// an error, the agent may forget the segment: it was checked, sealed and written,
// and its row committed, in this order. The very same segment sent again is
// acknowledged again and kept once. The body is read to its end at most, and no
// further than wire.MaxSegment.
func (s *Service) AcceptSegment(ctx context.Context, agent, run string, sequence int64, body io.Reader) (last int64, err error) {
	if err := s.Admit(ctx, agent); err != nil {
		return 0, err
	}
	r, part, err := s.part(ctx, &s.Store.Reader, run, agent)
	if err != nil {
		return 0, err
	}
	if err := takes(r, part, sequence); err != nil {
		return 0, err
	}
	if sequence <= part.Segments {
		return s.again(ctx, part, sequence, body)
	}
	if err := s.fits(part, 0, nil); err != nil {
		return 0, err
	}
	want := segmentID{run: run, agent: agent, sequence: sequence, sensors: sensorsOf(s.planOf(r.Packages).packages)}
	segment, counts, err := s.receive(ctx, want, body)
	if err != nil {
		return 0, err
	}
	return s.record(ctx, segment, counts)
}

// takes tells whether a run takes a segment of an agent.
func takes(r inspector.Run, part inspector.RunAgent, sequence int64) error {
	repeated := sequence <= part.Segments
	switch {
	case sequence < 1:
		return refuse(CodeMalformed, "segments are numbered from 1")
	case !r.State.Collecting():
		return refuse(CodeRunOver, "the run %s takes no more telemetry: its collection is over", r.ID)
	case part.State == inspector.CollectionFailed:
		return refuse(CodeRunOver, "the run %s takes no more telemetry of this agent: %s", r.ID, part.Reason)
	case part.State == inspector.CollectionComplete && !repeated:
		return refuse(CodeRunOver, "the agent has said that its telemetry for the run %s is complete with %d segments", r.ID, part.Expected)
	case sequence > part.Segments+1:
		return outOfOrder(part.Segments + 1)
	}
	return nil
}

// maxSegments bounds the segments of an agent in a run. Each costs an object and a
// row, however little is in it; a day's run of an honest agent has some hundreds.
const maxSegments = 10_000

// maxRecords bounds the records of an agent in a run: in memory a record is several
// times as large as its shortest line, which HostBytes says nothing of. A server
// has ten to a hundred thousand.
const maxRecords = 1_000_000

// fits tells whether a run takes a segment with so many bytes and these records
// more of an agent. Without a bound, one agent could fill the disk, or the memory
// of the evaluation.
func (s *Service) fits(part inspector.RunAgent, decoded int64, more []inspector.MessageCount) error {
	if part.Segments >= maxSegments {
		return refuse(CodeTooLarge, "the agent has sent %d segments for the run %s, as many as there may be", part.Segments, part.Run)
	}
	var records int64
	for _, c := range part.Telemetry {
		decoded += c.DataSize
		records += c.Count
	}
	for _, c := range more {
		records += c.Count
	}
	if decoded > s.HostBytes {
		return refuse(CodeTooLarge, "the telemetry of the agent for the run %s would have %d bytes, more than %d", part.Run, decoded, s.HostBytes)
	}
	if records > maxRecords {
		return refuse(CodeTooLarge, "the telemetry of the agent for the run %s would have %d records, more than %d", part.Run, records, maxRecords)
	}
	return nil
}

func outOfOrder(expected int64) *wire.Error {
	e := refuse(CodeOutOfOrder, "the segment is out of order: number %d is the next", expected)
	e.Expected = expected
	return e
}

// again acknowledges a segment that is there already, if it is the very same.
func (s *Service) again(ctx context.Context, part inspector.RunAgent, sequence int64, body io.Reader) (int64, error) {
	digest, err := digestOf(body)
	if err != nil {
		return 0, err
	}
	segments, err := s.Store.Segments(ctx, part.Run, part.Agent)
	if err != nil {
		return 0, err
	}
	for _, seg := range segments {
		if seg.Sequence == sequence && bytes.Equal(seg.Digest, digest) {
			return part.Segments, nil
		}
	}
	return 0, refusedSegment(store.ErrConflict)
}

// record writes the row of a segment whose object is durable. An object that is
// certain not to have been recorded is removed at once; where it is not certain,
// because the answer of the database was lost, the retain job finds out.
func (s *Service) record(ctx context.Context, segment store.Segment, counts []inspector.MessageCount) (last int64, err error) {
	var unused bool
	err = s.update(ctx, func(tx *store.Tx) error {
		r, part, err := s.part(ctx, &tx.Reader, segment.Run, segment.Agent)
		if err != nil {
			return err
		}
		if err := takes(r, part, segment.Sequence); err != nil {
			return err
		}
		unused = segment.Sequence <= part.Segments // another upload of the same was faster
		if !unused {
			if err := s.fits(part, segment.Decoded, counts); err != nil {
				return err
			}
		}
		last = max(part.Segments, segment.Sequence)
		if err := tx.AddSegment(ctx, segment, counts); err != nil {
			return refusedSegment(err)
		}
		if part.State != inspector.CollectionPending {
			return nil
		}
		begin(&part)
		return tx.SaveRunAgent(ctx, part)
	})
	var refused *wire.Error
	if unused && err == nil || errors.As(err, &refused) {
		if err := s.Blobs.Delete(context.WithoutCancel(ctx), segment.Blob); err != nil {
			s.Log.Warn("an object that is not needed could not be removed; the retain job will", "object", segment.Blob, "error", err)
		}
	}
	if err != nil {
		return 0, err
	}
	return last, nil
}

// refusedSegment translates what the store says about a segment.
func refusedSegment(err error) error {
	var order *store.OutOfOrderError
	switch {
	case errors.As(err, &order):
		return outOfOrder(order.Expected)
	case errors.Is(err, store.ErrConflict):
		return refuse(CodeOutOfOrder, "a segment with this number and other contents was acknowledged before")
	case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrNotInRun):
		return refuse(CodeRunOver, "%s", err)
	}
	return err
}

// part reads an agent's part in a run, or tells the agent that it has none.
func (s *Service) part(ctx context.Context, r *store.Reader, run, agent string) (inspector.Run, inspector.RunAgent, error) {
	runs, err := r.Runs(ctx, []string{run})
	if err != nil {
		return inspector.Run{}, inspector.RunAgent{}, err
	}
	if _, ok := runs[run]; !ok {
		return inspector.Run{}, inspector.RunAgent{}, refuse(CodeUnknownRun, "there is no run %s; it may have been deleted", run)
	}
	part, ok, err := r.RunAgent(ctx, run, agent)
	if err == nil && !ok {
		err = refuse(CodeNotYours, "the agent %s has no part in the run %s", agent, run)
	}
	return runs[run], part, err
}

package assess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/vault"
)

// damage says that a host's telemetry cannot be used, and that trying again will
// not help.
type damage struct {
	kind   inspector.ExclusionKind
	reason string
}

func (d *damage) Error() string { return d.reason }

func damaged(format string, args ...any) error {
	return &damage{inspector.HostEvaluationError, fmt.Sprintf(format, args...)}
}

// readHost reads a host back from the segments of the wanted sensors, and of others
// also, that it has sent for its part in a run, and tells which those are. One segment that cannot be
// used spoils the host: what else it would be judged by is not what it sent. Absent
// is why a sensor may have sent nothing, where the collection did not fail.
func (s *Service) readHost(ctx context.Context, part inspector.RunAgent, wanted, also []string, absent string) (*host.Host, []SegmentRef, error) {
	segments, err := s.Store.Segments(ctx, part.Run, part.Agent)
	if err != nil {
		return nil, nil, err
	}
	if int64(len(segments)) != part.Segments {
		return nil, nil, damaged("%d of the %d segments that the agent has sent are there", len(segments), part.Segments)
	}
	key, err := s.keys.of(ctx, part.Run)
	var noKey errNoKey
	if errors.As(err, &noKey) {
		return nil, nil, damaged("%s", noKey)
	}
	if err != nil {
		return nil, nil, err
	}
	h := host.New(part.Agent)
	var read []SegmentRef
	for _, seg := range segments {
		if !slices.Contains(wanted, seg.Sensor) && !slices.Contains(also, seg.Sensor) {
			continue
		}
		if err := s.readSegment(ctx, key, seg, h); err != nil {
			return nil, nil, err
		}
		read = append(read, SegmentRef{seg.Sequence, seg.Sensor, seg.Digest, seg.ReceivedAt})
	}
	cover(h, part, wanted, absent)
	h.Seal()
	return h, read, nil
}

// readSegment opens a segment in memory and adds its records.
func (s *Service) readSegment(ctx context.Context, key vault.DataKey, seg store.Segment, h *host.Host) error {
	return s.openSegment(ctx, key, seg, segmentLimits, h.Read)
}

// openSegment opens a segment in memory, for a function that reads it. The error is
// *damage where the segment cannot be used.
func (s *Service) openSegment(ctx context.Context, key vault.DataKey, seg store.Segment, limits telemetry.Limits, read func(*telemetry.Reader) error) (err error) {
	object, err := s.Blobs.Get(ctx, seg.Blob)
	if errors.Is(err, fs.ErrNotExist) {
		return damaged("the object of segment %d is not there", seg.Sequence)
	}
	if err != nil {
		return err
	}
	defer object.Close()
	defer func() {
		if recover() != nil {
			err = damaged("reading segment %d crashed the reader", seg.Sequence)
		}
	}()
	source := &sourceReader{r: object}
	err = decodeSegment(source, key, seg, limits, read)
	if source.err != nil {
		return fmt.Errorf("read the object of segment %d: %w", seg.Sequence, source.err)
	}
	if err != nil {
		return damaged("segment %d cannot be used: %s", seg.Sequence, err)
	}
	return nil
}

func decodeSegment(r io.Reader, key vault.DataKey, seg store.Segment, limits telemetry.Limits, read func(*telemetry.Reader) error) error {
	opened, err := key.Open(r, segmentData(seg.Run, seg.Agent, seg.Sensor, seg.Sequence))
	if err != nil {
		return err
	}
	tr, err := telemetry.NewReader(opened, limits)
	if err != nil {
		return err
	}
	defer tr.Close()
	want := segmentID{run: seg.Run, agent: seg.Agent, sequence: seg.Sequence, sensors: []string{seg.Sensor}}
	if _, err := checkHeader(tr.Header(), want); err != nil {
		return err
	}
	return read(tr)
}

// sourceReader remembers why an object could not be read, to tell that from an
// object that is not what it should be.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// cover says of the sensors that were asked for and sent nothing why that is so.
func cover(h *host.Host, part inspector.RunAgent, wanted []string, absent string) {
	reason := absent
	if part.State == inspector.CollectionFailed {
		reason = "the collection ended before: " + part.Reason
	}
	came := h.Sensors()
	for _, sensor := range wanted {
		if slices.Contains(came, sensor) {
			continue
		}
		c := &telemetry.Coverage{State: telemetry.NotCollected, Reason: reason}
		c.Sensor = sensor
		h.Add(c)
	}
}

package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"assay/internal/agent/spool"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// A segment is closed once it is this large: far below what the protocol
// allows, so that one more record of the longest kind still fits, and small
// enough to be sent again without regret.
const (
	segmentBytes   = 2 << 20 // decoded
	segmentRecords = 50_000
)

// segments cuts one sensor's records into segments of a stage.
type segments struct {
	ctx    context.Context
	stage  *spool.Stage
	header telemetry.Header
	room   room

	records int64 // in the segments that are closed
	file    *spool.Segment
	writer  *telemetry.Writer
}

// room says how long to wait for room, and whom to tell.
type room struct {
	wait    time.Duration
	freed   func() <-chan struct{}
	waiting func(error) // with nil once there is room again; may be nil
}

func (s *segments) put(r telemetry.Record) error {
	if s.writer == nil {
		if err := s.open(false); err != nil {
			return err
		}
	}
	if err := s.writer.Write(s.header.OneSensor, r); err != nil {
		return err
	}
	if s.writer.Bytes() >= segmentBytes || s.writer.Records() >= segmentRecords {
		return s.close()
	}
	return nil
}

func (s *segments) open(last bool) error {
	file, err := s.stage.Create(last)
	if err != nil {
		return err
	}
	h := s.header
	h.Sequence = file.Sequence
	w := patient{s, file}
	if last {
		w.owner = nil
	}
	writer, err := telemetry.NewWriter(w, h)
	if err != nil {
		return errors.Join(err, file.Discard())
	}
	s.file, s.writer = file, writer
	return nil
}

// close ends the open segment. If that fails its records are lost, and not
// counted.
func (s *segments) close() error {
	file, writer := s.file, s.writer
	s.file, s.writer = nil, nil
	if err := writer.Close(); err != nil {
		return errors.Join(err, file.Discard())
	}
	if file.Size() > wire.MaxSegment {
		return errors.Join(fmt.Errorf("a segment came out with %d bytes, more than the %d that can be sent", file.Size(), wire.MaxSegment), file.Discard())
	}
	if err := file.Close(); err != nil {
		return err
	}
	s.records += writer.Records()
	return nil
}

// commit ends the stage. What others have observed may be in the spool by now, with the
// numbers that it began with.
func (s *segments) commit() error {
	err := s.stage.Renumber(func(to *spool.Segment, from io.Reader) error {
		return telemetry.Renumber(patient{s, to}, from, to.Sequence)
	})
	if err != nil {
		return errors.Join(err, s.stage.Abort())
	}
	return s.stage.Commit()
}

func (s *segments) discard() error {
	if s.writer == nil {
		return nil
	}
	file := s.file
	s.file, s.writer = nil, nil
	return file.Discard()
}

// patient waits for room instead of losing a segment that has begun.
type patient struct {
	owner *segments // nil: does not wait
	file  *spool.Segment
}

func (p patient) Write(b []byte) (int, error) {
	written := 0
	var deadline <-chan time.Time
	for {
		n, err := p.file.Write(b[written:])
		written += n
		if err == nil || p.owner == nil || !noRoom(err) || p.owner.stage.Alone() && errors.Is(err, spool.ErrFull) {
			if err == nil && deadline != nil {
				p.owner.room.tell(nil)
			}
			return written, err
		}
		if deadline == nil {
			deadline = time.After(p.owner.room.wait)
			p.owner.room.tell(err)
		}
		if !p.owner.room.pause(p.owner.ctx, deadline) {
			return written, err
		}
	}
}

// pause waits until there may be room. It is false once waiting is over.
func (r room) pause(ctx context.Context, deadline <-chan time.Time) bool {
	// Nobody tells when other programs make room on the disk.
	look := time.NewTimer(2 * time.Second)
	defer look.Stop()
	select {
	case <-r.freed():
	case <-look.C:
	case <-deadline:
		return false
	case <-ctx.Done():
		return false
	}
	return true
}

func (r room) tell(err error) {
	if r.waiting != nil {
		r.waiting(err)
	}
}

func noRoom(err error) bool {
	return errors.Is(err, spool.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

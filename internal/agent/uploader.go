package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"assay/internal/agent/spool"
	"assay/internal/agent/uplink"
	"assay/internal/wire"
)

// uploads is the part of the service that takes telemetry.
type uploads interface {
	PutSegment(ctx context.Context, run string, sequence, size int64, open func() (io.ReadCloser, error)) (int64, error)
	Complete(ctx context.Context, run string, req wire.CompleteRequest) error
}

// uploader sends what is in the spool, each run's segments in order.
type uploader struct {
	spool    *spool.Spool
	service  uploads
	troubles *troubles
	log      *slog.Logger
	wake     chan struct{}
}

// uploadPace is what retries of uploads are paced by, as heartbeats are by their
// interval.
const uploadPace = 30 * time.Second

// poke says that there may be something to send.
func (u *uploader) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *uploader) loop(ctx context.Context) {
	fails := 0
	for {
		err := u.all(ctx)
		if ctx.Err() != nil {
			return
		}
		u.troubles.set("upload", err)
		if err != nil {
			fails++
			if !sleep(ctx, pace(uploadPace, fails, err)) {
				return
			}
			continue
		}
		fails = 0
		select {
		case <-u.wake:
		case <-ctx.Done():
			return
		}
	}
}

// all sends everything there is, or returns why that has to wait.
func (u *uploader) all(ctx context.Context) error {
	for _, r := range u.spool.Runs() {
		if r.State != spool.Open {
			continue
		}
		err := u.run(ctx, r)
		if final := asFinal(err); final != nil {
			u.giveUp(r.ID, final)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errFinal is in errors that trying again would not mend.
var errFinal = errors.New("the run is given up")

// asFinal returns err if it ends the run, and nil if it is to be tried again.
func asFinal(err error) error {
	var status *uplink.StatusError
	if errors.Is(err, errFinal) || errors.Is(err, fs.ErrNotExist) || errors.As(err, &status) && status.Final() {
		return err
	}
	return nil
}

func (u *uploader) giveUp(run string, why error) {
	u.log.Warn("a run is given up", "run", run, "error", why)
	u.troubles.set("runs", u.spool.Finish(run, spool.GivenUp, why.Error()))
}

// run sends a run's segments, and its end if it has come.
func (u *uploader) run(ctx context.Context, r spool.Run) error {
	for {
		sequence, size, ok := u.spool.Next(r.ID)
		if !ok {
			break
		}
		acked, err := u.segment(ctx, r.ID, sequence, size)
		if err != nil {
			return err
		}
		u.log.Debug("a segment is acknowledged", "run", r.ID, "sequence", acked)
		if err := u.spool.Ack(r.ID, acked); err != nil {
			return fmt.Errorf("remove what the service has: %w", err)
		}
		u.troubles.set("spool", nil)
	}
	// The spool is read again: the collection may have ended meanwhile. What
	// was committed between the two reads has woken the uploader.
	now, ok := u.spool.Run(r.ID)
	p := u.spool.Progress(r.ID)
	if !ok || now.State != spool.Open || p.Acked < p.Last || !collected(now, p) {
		return nil
	}
	req := wire.CompleteRequest{Protocol: wire.Version, Segments: p.Last, Failed: now.Failed, Reason: now.Reason}
	err := u.service.Complete(ctx, r.ID, req)
	var status *uplink.StatusError
	if errors.As(err, &status) && (status.Status == http.StatusGone || status.Status == http.StatusNotFound) {
		// All segments were acknowledged, and the service waits for nothing
		// more: it may have heard this before and not been heard.
		u.log.Info("the service has ended the run already", "run", r.ID, "answer", status.Error())
		err = nil
	}
	if err != nil {
		return fmt.Errorf("complete the run %s: %w", r.ID, err)
	}
	u.log.Info("a run is complete", "run", r.ID, "segments", p.Last)
	u.troubles.set("runs", u.spool.Finish(r.ID, spool.Complete, now.Reason))
	return nil
}

// segment sends one segment and returns up to where the service has all.
func (u *uploader) segment(ctx context.Context, run string, sequence, size int64) (int64, error) {
	acked, err := u.service.PutSegment(ctx, run, sequence, size, func() (io.ReadCloser, error) {
		return u.spool.OpenSegment(run, sequence)
	})
	var status *uplink.StatusError
	if errors.As(err, &status) && status.Status == http.StatusConflict && status.Expected > 0 {
		return u.resynchronise(run, sequence, status)
	}
	if err != nil {
		return 0, fmt.Errorf("send segment %d of the run %s: %w", sequence, run, err)
	}
	last := u.spool.Progress(run).Last
	if acked < sequence || acked > last {
		return 0, fmt.Errorf("send segment %d of the run %s: the service acknowledged segment %d, of %d that there are", sequence, run, acked, last)
	}
	return acked, nil
}

// resynchronise decides what a service that wants another segment than the next
// one has already. It can have more, if its acknowledgement was lost. It cannot
// have less: what it acknowledged is gone here.
func (u *uploader) resynchronise(run string, sequence int64, status *uplink.StatusError) (int64, error) {
	if last := u.spool.Progress(run).Last; status.Expected > sequence && status.Expected <= last+1 {
		u.log.Info("the service has more than it acknowledged", "run", run, "sent", sequence, "expected", status.Expected)
		return status.Expected - 1, nil
	}
	return 0, fmt.Errorf("the service wants segment %d of the run %s, the next one here is %d: %w: %w", status.Expected, run, sequence, errFinal, status)
}

package assess

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"assay/internal/blob"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/vault"
)

const (
	jobReport = "report" // Payload: the report's id

	// reportObjects is where the documents are among the objects.
	reportObjects = "reports/"

	// reportAttempts is how often a report is tried before somebody is told that it
	// failed. A later call tries again.
	reportAttempts = 3

	// maxReporting is how many reports may wait at once: they are made one at a
	// time, and each that waits is a job that looks every second.
	maxReporting = 50
)

// RequestReport has a report of a run made, unless it is there or being made, and
// tells how far it is. That it failed is told once: the call after it begins anew.
func (s *Service) RequestReport(ctx context.Context, run string, kind inspector.ReportType, format inspector.ReportFormat) (inspector.Report, error) {
	found, ok, err := s.Store.ReportOf(ctx, run, kind, format)
	if err != nil || ok && (found.Status == inspector.ReportInProgress || s.current(found)) {
		return found, err
	}
	fresh, wrapped, err := s.newReport(ctx, run, kind, format)
	if err != nil {
		return found, err
	}
	err = s.update(ctx, func(tx *store.Tx) error {
		if err := mayReport(ctx, tx, run); err != nil {
			return err
		}
		if found, ok, err = tx.ReportOf(ctx, run, kind, format); err != nil || ok && (found.Status == inspector.ReportInProgress || s.current(found)) {
			return err
		}
		if ok {
			if err := tx.DeleteReport(ctx, found.ID); err != nil {
				return err
			}
			if found.Status == inspector.ReportFailed {
				return nil
			}
		}
		if n, err := tx.ReportsInProgress(ctx); err != nil {
			return err
		} else if n >= maxReporting {
			e := inspector.Errorf(inspector.Unavailable, "", "%d reports are being made already: ask for this one again when some of them are there", n)
			e.Retry = true
			return e
		}
		found = fresh
		if err := tx.CreateReport(ctx, fresh, wrapped); err != nil {
			return err
		}
		return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobReport, Key: fresh.ID, Payload: []byte(fresh.ID), RunAt: s.Now()})
	})
	return found, err
}

// current tells whether a report can be read.
func (s *Service) current(p inspector.Report) bool {
	return p.Status == inspector.ReportCompleted && s.Now().Sub(p.DoneAt) < s.ReportLife
}

// newReport makes a report that is not stored yet, with the wrapped key of its
// document.
func (s *Service) newReport(ctx context.Context, run string, kind inspector.ReportType, format inspector.ReportFormat) (inspector.Report, []byte, error) {
	var random [16]byte
	rand.Read(random[:])
	id := hex.EncodeToString(random[:])
	p := inspector.Report{ID: id, Run: run, Type: kind, Format: format, Status: inspector.ReportInProgress, Blob: reportObjects + id, RequestedAt: s.Now()}
	key, err := vault.NewDataKey()
	if err != nil {
		return p, nil, err
	}
	wrapped, err := key.Wrap(ctx, s.Keys, reportKeyData(id))
	return p, wrapped, err
}

// reportKeyData is the associated data of the key of a report, and of its document.
func reportKeyData(id string) []byte { return []byte("report " + id) }

// mayReport refuses runs of which there is no report: those that go on, and those
// that were ended without an evaluation, of which nothing is known. The model has
// UnsupportedFeatureException for runs of which AWS could not make any.
func mayReport(ctx context.Context, tx *store.Tx, run string) error {
	r, ok, err := runIn(ctx, tx, run)
	switch {
	case err != nil:
		return err
	case !ok:
		return noSuch("ASSESSMENT_RUN_DOES_NOT_EXIST", "assessment run", run)
	case !r.State.Final():
		e := inspector.Errorf(inspector.RunInProgress, "", "the assessment run %s is in progress: there is a report once it is over", run)
		e.Runs = []string{tx.RunARN(r)}
		return e
	case r.State != inspector.Completed && r.State != inspector.CompletedWithErrors:
		return inspector.Errorf(inspector.UnsupportedFeature, "", "the assessment run %s ended as %s, without an evaluation: there is nothing to report", run, r.State)
	}
	return nil
}

// writeReport is the job that makes a report. The document is an object before the
// report is complete; written twice, it is the same.
func (s *Service) writeReport(ctx context.Context, job jobs.Job) error {
	id := string(job.Payload)
	p, wrapped, ok, err := s.Store.Report(ctx, id)
	if err != nil || !ok || p.Status != inspector.ReportInProgress {
		return err
	}
	if job.Attempt > reportAttempts {
		return s.finishReport(ctx, p, 0, errors.New("it was begun too often and never ended"))
	}
	select {
	case s.reporting <- struct{}{}: // one at a time: evaluations need the workers, too
		defer func() { <-s.reporting }()
	default:
		return jobs.ErrLater(time.Second)
	}
	size, err := s.makeReport(ctx, p, wrapped)
	if err != nil && (ctx.Err() != nil || job.Attempt < reportAttempts) {
		return fmt.Errorf("make the %s report of the run %s: %w", p.Type, p.Run, err)
	}
	return s.finishReport(ctx, p, size, err)
}

// finishReport writes what became of a report. The object of one that was deleted
// meanwhile is deleted too.
func (s *Service) finishReport(ctx context.Context, p inspector.Report, size int64, cause error) error {
	status := inspector.ReportCompleted
	if cause != nil {
		status = inspector.ReportFailed
		s.Log.Error("a report could not be made", "run", p.Run, "type", p.Type, "format", p.Format, "error", cause)
	}
	wanted := false
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		wanted, err = tx.FinishReport(ctx, p.ID, status, size, s.Now())
		return err
	})
	if err != nil || wanted {
		return err
	}
	if _, _, there, err := s.Store.Report(ctx, p.ID); err != nil || there {
		return err // another replica was faster
	}
	return s.Blobs.Delete(ctx, p.Blob)
}

// makeReport writes the document, sealed, into its object, as a stream.
func (s *Service) makeReport(ctx context.Context, p inspector.Report, wrapped []byte) (size int64, err error) {
	key, err := vault.UnwrapDataKey(ctx, s.Keys, wrapped, reportKeyData(p.ID))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, to := io.Pipe()
	written := make(chan int64, 1)
	go func() {
		n, err := s.sealReport(ctx, p, key, to)
		to.CloseWithError(err)
		written <- n
	}()
	err = s.Blobs.Put(ctx, p.Blob, from)
	cancel()
	from.CloseWithError(errors.Join(err, context.Canceled))
	return <-written, err
}

func (s *Service) sealReport(ctx context.Context, p inspector.Report, key vault.DataKey, to io.Writer) (int64, error) {
	r, err := s.reportOf(ctx, p)
	if err != nil {
		return 0, err
	}
	sealed, err := key.Seal(to, reportKeyData(p.ID))
	if err != nil {
		return 0, err
	}
	counted := &counter{w: sealed}
	if err := report.Write(counted, r, p.Format); err != nil {
		return 0, err
	}
	return counted.n, sealed.Close()
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(data []byte) (int, error) {
	n, err := c.w.Write(data)
	c.n += int64(n)
	return n, err
}

// OpenReport opens the document of a report. The error of one that cannot be read,
// because there is none of that id, or none yet, or none any more, is
// fs.ErrNotExist. A document that was tampered with ends with another error.
func (s *Service) OpenReport(ctx context.Context, id string) (inspector.Report, io.ReadCloser, error) {
	p, wrapped, ok, err := s.Store.Report(ctx, id)
	if err == nil && (!ok || !s.current(p)) {
		err = fmt.Errorf("there is no report %s: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return p, nil, err
	}
	key, err := vault.UnwrapDataKey(ctx, s.Keys, wrapped, reportKeyData(id))
	if err != nil {
		return p, nil, err
	}
	object, err := s.Blobs.Get(ctx, p.Blob)
	if err != nil {
		return p, nil, err
	}
	document, err := key.Open(object, reportKeyData(id))
	if err != nil {
		object.Close()
		return p, nil, fmt.Errorf("open the report %s: %w", id, err)
	}
	return p, struct {
		io.Reader
		io.Closer
	}{document, object}, nil
}

// dropReports deletes reports that are older than ReportLife, and objects of
// reports that were deleted while they were made.
func (s *Service) dropReports(ctx context.Context) error {
	before := s.Now().Add(-s.ReportLife)
	if due, err := s.Store.ReportsDue(ctx, before); err != nil {
		return err
	} else if due {
		if err := s.update(ctx, func(tx *store.Tx) error { return tx.DeleteReportsBefore(ctx, before) }); err != nil {
			return err
		}
	}
	old := s.Now().Add(-orphanAge)
	return s.Blobs.List(ctx, reportObjects, func(e blob.Entry) error {
		if !e.Modified.Before(old) {
			return nil
		}
		if used, err := s.Store.ReportBlob(ctx, e.Name); err != nil || used {
			return err
		}
		return s.Blobs.Delete(ctx, e.Name)
	})
}

package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// jobRematch starts the re-match that new advisories are worth. It has no payload.
const jobRematch = "rematch"

const (
	// rematchAgain is when a re-match is tried again that is refused, such as for
	// want of room for another run.
	rematchAgain = time.Hour

	// rematchBusy is when to look again while the one before goes on.
	rematchBusy = time.Minute

	// maxMatched is how many sets are remembered that had their re-match. One that
	// comes again after so many others is as good as new.
	maxMatched = 200
)

// matched is a setting: which sets of advisories, by their hashes, wait for the
// re-match of all hosts, and which have had it.
type matched struct {
	Waiting []string `json:"waiting,omitempty"`
	Done    []string `json:"done,omitempty"` // the newest last
}

const matchedSetting = "rematch-advisories"

// RematchFor has all hosts with stored telemetry matched again, because the service
// has got a set of advisories with this hash. However many replicas say so, however
// often and whatever is cut off, a set has one re-match; those that come within
// Config.Settle have one together. It is started by a job, of the standing template.
func (s *Service) RematchFor(ctx context.Context, hash string) error {
	if hash == "" || len(hash) > 128 {
		return fmt.Errorf("%.150q is not the hash of a set of advisories", hash)
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		m, err := readMatched(ctx, tx)
		if err != nil || slices.Contains(m.Waiting, hash) || slices.Contains(m.Done, hash) {
			return err
		}
		m.Waiting = append(m.Waiting, hash)
		if err := writeMatched(ctx, tx, m); err != nil {
			return err
		}
		return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobRematch, Key: standing, RunAt: s.Now().Add(s.Settle)})
	})
	if err != nil {
		return fmt.Errorf("ask for a re-match for the advisories %.16s: %w", hash, err)
	}
	return nil
}

func readMatched(ctx context.Context, tx *store.Tx) (m matched, err error) {
	value, ok, err := tx.Setting(ctx, matchedSetting)
	if err == nil && ok {
		err = json.Unmarshal(value, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read which advisories had their re-match: %w", err)
	}
	return m, nil
}

func writeMatched(ctx context.Context, tx *store.Tx, m matched) error {
	m.Done = m.Done[max(0, len(m.Done)-maxMatched):]
	value, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write which advisories had their re-match: %w", err)
	}
	return tx.SetSetting(ctx, matchedSetting, value)
}

// rematchWaiting is the job that starts the re-match of the sets that wait.
func (s *Service) rematchWaiting(ctx context.Context, _ jobs.Job) error {
	run, busy, err := s.startWaiting(ctx)
	switch {
	case isTold(err):
		s.Log.Warn("the re-match for new advisories could not be started", "again", rematchAgain, "error", err)
		return jobs.ErrLater(rematchAgain)
	case err != nil:
		return fmt.Errorf("start the re-match for new advisories: %w", err)
	case busy:
		return jobs.ErrLater(rematchBusy)
	case run.ID != "":
		s.Log.Info("a re-match was started for new advisories", "run", run.ID)
	}
	return nil
}

// startWaiting starts the re-match of the sets that wait, if there are any, and in
// the same transaction writes down that they have had it; busy tells that the one
// before goes on.
func (s *Service) startWaiting(ctx context.Context) (run inspector.Run, busy bool, err error) {
	err = s.withNewRun(ctx, func(tx *store.Tx, id string, wrapped []byte) error {
		run, busy = inspector.Run{}, false
		m, err := readMatched(ctx, tx)
		if err != nil || len(m.Waiting) == 0 {
			return err
		}
		template, err := s.standingTemplate(ctx, tx)
		if err != nil {
			return err
		}
		if busy, err = s.rematchGoesOn(ctx, tx, template); err != nil || busy {
			return err
		}
		if run, err = s.rematchIfStored(ctx, tx, id, template, wrapped); err != nil {
			return err
		}
		m.Done, m.Waiting = append(m.Done, m.Waiting...), nil
		return writeMatched(ctx, tx, m)
	})
	return run, busy, err
}

// rematchGoesOn tells whether the last run of a template is a re-match that is not
// over: with another beside it, hosts would be judged twice by the same advisories.
func (s *Service) rematchGoesOn(ctx context.Context, tx *store.Tx, template string) (bool, error) {
	templates, err := tx.Templates(ctx, []string{template})
	if err != nil {
		return false, err
	}
	run, ok, err := runIn(ctx, tx, templates[template].LastRun)
	return ok && run.Rematch && !run.State.Final(), err
}

// rematchIfStored starts a re-match unless there is nothing at all to judge: a
// service without hosts would have a run with each update that says so.
func (s *Service) rematchIfStored(ctx context.Context, tx *store.Tx, id, template string, wrapped []byte) (inspector.Run, error) {
	p, err := s.planRematch(ctx, tx, id, template)
	if err != nil || !slices.ContainsFunc(p.parts, func(part inspector.RunAgent) bool { return part.Source != "" }) {
		return inspector.Run{}, err
	}
	return s.begin(ctx, tx, p.run, wrapped, p.parts, p.known)
}

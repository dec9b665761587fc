package service

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"assay/internal/advisory/feeds"
)

// keeperOf holds the set of advisories, once it is opened.
func keeperOf(c Config) *feeds.Keeper {
	return &feeds.Keeper{Folder: feeds.At(cmp.Or(c.Advisories, Folder(c.Data).Advisories())), Log: c.Log}
}

// openAdvisories opens the set of advisories, and makes one of what comes with the program
// where there is none. A service whose advisories cannot be had still serves: what needs
// them says that they are missing.
func (s *Service) openAdvisories(ctx context.Context) {
	s.advisories.Open(ctx)
	s.feeds = newFeedMetrics(s.metrics.registry, s.advisories)
}

// firstUpdate is how soon after its start a service fetches feeds, if they are older than
// its interval; and the least time between two tries.
const firstUpdate = time.Minute

// updateFeeds fetches the feeds that are followed, again and again, until ctx ends. What
// fails is told, and tried again at the next time.
func (s *Service) updateFeeds(ctx context.Context) error {
	wait := s.untilUpdate()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		s.updateOnce(ctx)
		wait = jitter(s.config.FeedsUpdate)
	}
}

// untilUpdate is how long the first update waits: not at all longer than usual because
// the service was started again.
func (s *Service) untilUpdate() time.Duration {
	entries, err := s.advisories.Folder.Entries()
	if err != nil || len(entries) == 0 {
		return firstUpdate
	}
	var last time.Time
	for _, e := range entries {
		if e.Checked.After(last) {
			last = e.Checked
		}
	}
	return max(jitter(s.config.FeedsUpdate)-time.Since(last), firstUpdate)
}

// jitter keeps a fleet of services from asking all at once: a tenth less or more.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

func (s *Service) updateOnce(ctx context.Context) {
	result, err := s.advisories.Folder.Update(ctx, feeds.Options{Client: s.config.Feeds})
	log := s.config.Log
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, feeds.ErrNoFeeds):
		log.Warn("feeds are to be updated, but none is followed: assay feeds add")
		return
	case errors.Is(err, feeds.ErrBusy):
		log.Info("feeds are being updated by another process")
		return
	case err != nil:
		log.Error("the advisories could not be updated; those from before are used", "error", err)
	}
	for _, f := range result.Failed() {
		log.Error("a feed could not be updated; its copy from before is used, if there is one", "feed", f.Name, "error", f.Error)
	}
	s.feeds.updated(result, err)
	s.advisories.Look(ctx)
}

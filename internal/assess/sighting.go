package assess

import (
	"context"
	"errors"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
)

// sighting is a host as an evaluation sees it, with what that rests on.
type sighting struct {
	host      *host.Host
	segments  []SegmentRef
	collected time.Time    // when the last of it came
	origin    rules.Origin // of a re-match
}

// Why a sensor that was wanted may have sent nothing.
const (
	noSuchSensor = "the agent has no such sensor: update it"
	notThen      = "the run that collected the telemetry had no use for this sensor, or its agent did not have it: assess the host again"
)

// read reads the telemetry of a host's part in a run; for a re-match that of its
// source, wholly or not at all. Also are sensors that are read if they have sent
// something, and not missed.
func (s *Service) read(ctx context.Context, part inspector.RunAgent, wanted []string, also ...string) (sighting, error) {
	if part.Source == "" {
		h, segments, err := s.readHost(ctx, part, wanted, also, noSuchSensor)
		return sighting{host: h, segments: segments, collected: part.LastAt}, err
	}
	run, source, err := s.sourceOf(ctx, part)
	if err != nil {
		return sighting{}, err
	}
	h, segments, err := s.readHost(ctx, source, wanted, also, notThen)
	var broken *damage
	if errors.As(err, &broken) {
		// It may have been destroyed while it was read, which is no damage.
		if _, _, gone := s.sourceOf(ctx, part); gone != nil {
			err = gone
		}
	}
	return sighting{h, segments, part.LastAt, rules.Origin{Run: s.runARN(run), Collected: part.LastAt}}, err
}

// sourceOf reads the run, and the host's part in it, to whose telemetry a part in a
// re-match refers. That it is gone is a *damage.
func (s *Service) sourceOf(ctx context.Context, part inspector.RunAgent) (inspector.Run, inspector.RunAgent, error) {
	gone := func(what string) error {
		return &damage{inspector.NoTelemetry, what + " between the start of the re-match and its evaluation"}
	}
	runs, err := s.Store.Runs(ctx, []string{part.Source})
	if err != nil {
		return inspector.Run{}, inspector.RunAgent{}, err
	}
	run, ok := runs[part.Source]
	switch {
	case !ok:
		return run, part, gone("the run that had collected its telemetry was deleted")
	case !run.TelemetryGoneAt.IsZero() || run.State.Final() && run.CompletedAt.Before(s.retainedFrom()):
		return run, part, gone("the time for which its telemetry is kept ended")
	}
	source, ok, err := s.Store.RunAgent(ctx, part.Source, part.Agent)
	if err == nil && !ok {
		err = gone("the run that had collected its telemetry was deleted")
	}
	return run, source, err
}

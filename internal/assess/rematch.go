package assess

import (
	"context"
	"slices"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// A re-match is a run that asks no host for anything: it judges by newer data, such
// as advisories, what its hosts have sent in earlier runs. It differs from another
// run in its start, which is here, and in what its evaluations read (see sighting);
// it goes through the same states, at once.

// StartRematch starts a re-match of a template: of those of its rules packages that
// judge by data that changes without the hosts, over the agents that its target's
// tags select now. Without a template it is the standing one: see standing.go. A
// host without telemetry that can be judged is an exclusion.
func (s *Service) StartRematch(ctx context.Context, template string) (run inspector.Run, err error) {
	err = s.withNewRun(ctx, func(tx *store.Tx, id string, wrapped []byte) (err error) {
		of := template
		if of == "" {
			if of, err = s.standingTemplate(ctx, tx); err != nil {
				return err
			}
		}
		run, err = s.rematch(ctx, tx, id, of, wrapped)
		return err
	})
	if err != nil {
		return inspector.Run{}, err
	}
	return run, nil
}

// rematch starts a re-match in a transaction.
func (s *Service) rematch(ctx context.Context, tx *store.Tx, id, template string, wrapped []byte) (inspector.Run, error) {
	p, err := s.planRematch(ctx, tx, id, template)
	if err != nil {
		return inspector.Run{}, err
	}
	return s.begin(ctx, tx, p.run, wrapped, p.parts, p.known)
}

// planned is a re-match that is to be started.
type planned struct {
	run   inspector.Run
	parts []inspector.RunAgent
	known []inspector.Exclusion // at the start
}

func (s *Service) planRematch(ctx context.Context, tx *store.Tx, id, template string) (p planned, err error) {
	templates, err := tx.Templates(ctx, []string{template})
	if err != nil {
		return p, err
	}
	name, err := timedName(ctx, tx, "Re-match", templates[template], s.Now())
	if err != nil {
		return p, err
	}
	run, agents, err := s.newRun(ctx, tx, id, template, name)
	if err != nil {
		return p, err
	}
	run.Rematch = true
	if run.Packages = s.rematchable(run.Packages); len(run.Packages) == 0 {
		return p, nothingToRematch()
	}
	stored, err := s.newestTelemetry(ctx, &tx.Reader, idsOf(agents), s.needs(run.Packages))
	if err != nil {
		return p, err
	}
	p.run = run
	p.parts, p.known = s.storedParts(run, agents, stored)
	return p, nil
}

func nothingToRematch() error {
	return inspector.Errorf(inspector.InvalidInput, "NOTHING_TO_REMATCH",
		"no rules package of the assessment template judges by data that changes without its hosts: a re-match could tell nothing new")
}

// rematchable are those of the packages that a re-match evaluates.
func (s *Service) rematchable(arns []string) []string {
	var some []string
	for _, p := range s.planOf(arns).packages {
		if d := p.Describe(); d.Rematch && !d.Observe {
			some = append(some, p.arn)
		}
	}
	return some
}

// needs are the sensors without which stored telemetry is not judged: all that any
// of the packages needs, since each host is judged by one run's telemetry.
func (s *Service) needs(arns []string) []string {
	var names []string
	for _, p := range s.planOf(arns).packages {
		names = append(names, p.Describe().Needs...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// storedParts are the agents' parts in a re-match, and its exclusions that are known
// at the start. Whether a host is there now does not matter.
func (s *Service) storedParts(run inspector.Run, agents []inspector.Agent, stored map[string]store.Stored) (parts []inspector.RunAgent, known []inspector.Exclusion) {
	if len(agents) == 0 {
		known = append(known, exclusion(inspector.NoHosts, run, "", "", ""))
	}
	for _, a := range agents {
		part := inspector.RunAgent{Run: run.ID, Agent: a.ID, State: inspector.CollectionComplete}
		part.Health, part.HealthCode = s.Health(a)
		known = append(known, unsupported(run, a, s.planOf(run.Packages))...)
		reason := s.noRules(run, a)
		if found := stored[a.ID]; reason == "" && found.Usable == store.Usable {
			part.Source, part.LastAt = found.Run.ID, found.At
			part.Details = "Judged by its telemetry of " + day(found.At) + ", which the run " + s.runARN(found.Run) + " has collected."
		} else if reason == "" {
			reason = unusable(found)
			known = append(known, exclusion(inspector.NoTelemetry, run, a.ID, "", reason))
		}
		if reason != "" {
			part.State, part.Reason, part.Details = inspector.CollectionFailed, reason, sentence(reason)
		}
		parts = append(parts, part)
	}
	return parts, known
}

// runARN is the ARN of a run of which no more is known than where it is.
func (s *Service) runARN(r inspector.Run) string {
	return s.Store.Scope.Run(r.Target, r.Template, r.ID).String()
}

// day is a time in a sentence.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// unusable says why a host has no telemetry that can be judged.
func unusable(s store.Stored) string {
	switch s.Usable {
	case store.Destroyed:
		return "its last telemetry, of " + day(s.At) + ", is destroyed: telemetry is kept for a limited time"
	case store.Lacking:
		return "its telemetry, the newest of " + day(s.At) + ", was collected without a sensor that is needed"
	}
	return "no assessment has collected its telemetry yet"
}

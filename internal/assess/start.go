package assess

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
	"assay/internal/vault"
)

// StartRun starts a run of a template over the agents that its target's tags
// select now. Without a name it is called "Run N for" the template, as Inspector
// did. The run, its part of every agent, what is known already not to be
// checkable, the run's data key and the job that moves it on are written in one
// transaction.
func (s *Service) StartRun(ctx context.Context, template, name string) (inspector.Run, error) {
	id := inspector.NewID()
	key, err := vault.NewDataKey()
	if err != nil {
		return inspector.Run{}, err
	}
	// Wrapping may mean a call to a key management service: not inside the
	// transaction.
	wrapped, err := key.Wrap(ctx, s.Keys, runKeyData(id))
	if err != nil {
		return inspector.Run{}, err
	}
	if err := s.Flush(ctx); err != nil {
		return inspector.Run{}, err // who was heard of just now counts as heard of
	}
	var run inspector.Run
	err = s.update(ctx, func(tx *store.Tx) error {
		run, err = s.start(ctx, tx, id, template, name, wrapped)
		return err
	})
	if err != nil {
		return inspector.Run{}, err
	}
	s.inForce.forget()
	return run, nil
}

func (s *Service) start(ctx context.Context, tx *store.Tx, id, template, name string, wrapped []byte) (inspector.Run, error) {
	run, target, err := s.newRun(ctx, tx, id, template, name)
	if err != nil {
		return run, err
	}
	agents, err := agentsOf(ctx, tx, target)
	if err != nil {
		return run, err
	}
	if err := tx.CreateRun(ctx, run, wrapped, idsOf(agents), s.Limits); err != nil {
		return run, err
	}
	if err := tx.AddExclusions(ctx, id, s.knownAtStart(run, agents)); err != nil {
		return run, err
	}
	for _, a := range agents {
		if err := tx.SaveRunAgent(ctx, s.partOf(run, a)); err != nil {
			return run, err
		}
	}
	if err := s.changeState(ctx, tx, run, inspector.StartDataCollectionPending); err != nil {
		return run, err
	}
	if err := s.enqueueAdvance(ctx, tx, id); err != nil {
		return run, err
	}
	runs, err := tx.Runs(ctx, []string{id})
	return runs[id], err
}

func (s *Service) enqueueAdvance(ctx context.Context, tx *store.Tx, run string) error {
	return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobAdvance, Key: run, Payload: []byte(run), RunAt: s.Now()})
}

// newRun makes a run of a template.
func (s *Service) newRun(ctx context.Context, tx *store.Tx, id, template, name string) (inspector.Run, inspector.Target, error) {
	var target inspector.Target
	templates, err := tx.Templates(ctx, []string{template})
	if err != nil {
		return inspector.Run{}, target, err
	}
	t, ok := templates[template]
	if !ok {
		return inspector.Run{}, target, noSuch("ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", "assessment template", template)
	}
	targets, err := tx.Targets(ctx, []string{t.Target})
	if err != nil {
		return inspector.Run{}, target, err
	}
	if target, ok = targets[t.Target]; !ok {
		return inspector.Run{}, target, noSuch("ASSESSMENT_TARGET_DOES_NOT_EXIST", "assessment target", t.Target)
	}
	if name == "" {
		if name, err = runName(ctx, tx, t); err != nil {
			return inspector.Run{}, target, err
		}
	}
	now := s.Now()
	return inspector.Run{
		ID: id, Target: t.Target, Template: t.ID, Name: name,
		State: inspector.Created, Duration: t.Duration, Packages: t.Packages, Attributes: t.Attributes,
		CreatedAt: now, StateChangedAt: now,
		Changes: []inspector.StateChange{{State: inspector.Created, At: now}},
	}, target, nil
}

// runName finds the first free "Run N for ..." from the number of runs on.
func runName(ctx context.Context, tx *store.Tx, t inspector.Template) (string, error) {
	for n := t.Runs + 1; ; n++ {
		name := fmt.Sprintf("Run %d for %s", n, t.Name)
		same, _, err := tx.ListRuns(ctx, inspector.RunFilter{Templates: []string{t.ID}, NamePattern: name}, inspector.Page{Limit: 1})
		if err != nil || len(same) == 0 {
			return name, err
		}
	}
}

// agentsOf lists all agents of a target.
func agentsOf(ctx context.Context, tx *store.Tx, target inspector.Target) ([]inspector.Agent, error) {
	var all []inspector.Agent
	page := inspector.Page{Limit: pageSize}
	for {
		agents, next, err := tx.AgentsOf(ctx, target, page)
		if err != nil {
			return nil, err
		}
		all = append(all, agents...)
		if next == "" {
			return all, nil
		}
		page.After = next
	}
}

const pageSize = 500

func idsOf(agents []inspector.Agent) []string {
	ids := make([]string, len(agents))
	for i, a := range agents {
		ids[i] = a.ID
	}
	return ids
}

// knownAtStart are the exclusions that need no telemetry.
func (s *Service) knownAtStart(run inspector.Run, agents []inspector.Agent) []inspector.Exclusion {
	var all []inspector.Exclusion
	p := s.planOf(run.Packages)
	for _, arn := range p.missing {
		all = append(all, causeNoPackage.about(run, "", arn, ""))
	}
	if len(agents) == 0 {
		return append(all, causeNoHosts.wholeRun(run))
	}
	for _, a := range agents {
		_, not := p.on(a.Platform)
		for _, pkg := range not {
			all = append(all, causeUnsupported.about(run, a.ID, pkg.arn, fmt.Sprintf("The host %s runs %s.", a.ID, a.OS)))
		}
		if c, reason, gone := s.gone(a, s.Unhealthy); gone {
			all = append(all, c.about(run, a.ID, "", reason))
		}
	}
	return all
}

// partOf is an agent's part in a new run. An agent that is plainly gone, or for
// whose system no package has rules, fails at once: nobody is to wait for it.
func (s *Service) partOf(run inspector.Run, a inspector.Agent) inspector.RunAgent {
	part := inspector.RunAgent{
		Run: run.ID, Agent: a.ID, State: inspector.CollectionPending,
		Health: inspector.Healthy, HealthCode: inspector.CodeIdle,
	}
	if c, reason, gone := s.gone(a, s.Unhealthy); gone {
		fail(&part, c, reason)
		return part
	}
	p := s.planOf(run.Packages)
	if packages, not := p.on(a.Platform); len(packages) == 0 && len(not) > 0 {
		part.State, part.Reason = inspector.CollectionFailed, "no rules package of the run is for "+a.OS
		part.Details = sentence(part.Reason)
	}
	return part
}

// gone tells whether an agent was not heard of for longer than patience, and
// which exclusion that makes. Silence while this service did not run proves
// nothing.
func (s *Service) gone(a inspector.Agent, patience time.Duration) (c cause, reason string, gone bool) {
	last := latest(a.SeenAt, a.EnrolledAt, s.started)
	if s.Now().Sub(last) <= patience {
		return cause{}, "", false
	}
	if a.SeenAt.IsZero() {
		return causeNotFound, "the agent has never sent a heartbeat since it was enrolled at " + a.EnrolledAt.UTC().Format(time.RFC3339), true
	}
	return causeUnhealthy, "the agent's last heartbeat came at " + a.SeenAt.UTC().Format(time.RFC3339), true
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// fail ends an agent's part in a run.
func fail(part *inspector.RunAgent, c cause, reason string) {
	part.State, part.Reason = inspector.CollectionFailed, reason
	part.Health, part.HealthCode = inspector.Unhealthy, inspector.CodeUnhealthy
	if c.name == causeNotFound.name {
		part.Health, part.HealthCode = inspector.HealthUnknown, inspector.CodeUnknown
	}
	part.Details = sentence(reason)
}

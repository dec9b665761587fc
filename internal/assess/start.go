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
func (s *Service) StartRun(ctx context.Context, template, name string) (run inspector.Run, err error) {
	err = s.withNewRun(ctx, func(tx *store.Tx, id string, wrapped []byte) error {
		run, err = s.start(ctx, tx, id, template, name, wrapped)
		return err
	})
	if err != nil {
		return inspector.Run{}, err
	}
	return run, nil
}

// withNewRun makes the id and the wrapped data key of a run and calls fn in a
// transaction, to start the run in it or not.
func (s *Service) withNewRun(ctx context.Context, fn func(tx *store.Tx, id string, wrapped []byte) error) error {
	id := inspector.NewID()
	key, err := vault.NewDataKey()
	if err != nil {
		return err
	}
	// Wrapping may mean a call to a key management service: not inside the
	// transaction.
	wrapped, err := key.Wrap(ctx, s.Keys, runKeyData(id))
	if err != nil {
		return err
	}
	if err := s.Flush(ctx); err != nil {
		return err // who was heard of just now counts as heard of
	}
	if err := s.update(ctx, func(tx *store.Tx) error { return fn(tx, id, wrapped) }); err != nil {
		return err
	}
	s.inForce.forget()
	return nil
}

func (s *Service) start(ctx context.Context, tx *store.Tx, id, template, name string, wrapped []byte) (inspector.Run, error) {
	run, agents, err := s.newRun(ctx, tx, id, template, name)
	if err != nil {
		return run, err
	}
	parts := make([]inspector.RunAgent, len(agents))
	for i, a := range agents {
		parts[i] = s.partOf(run, a)
	}
	return s.begin(ctx, tx, run, wrapped, parts, s.knownAtStart(run, agents))
}

// begin writes down a run that begins, with the parts of its agents and what it is
// known not to check, and the job that moves it on.
func (s *Service) begin(ctx context.Context, tx *store.Tx, run inspector.Run, wrapped []byte, parts []inspector.RunAgent, known []inspector.Exclusion) (inspector.Run, error) {
	ids := make([]string, len(parts))
	for i, part := range parts {
		ids[i] = part.Agent
	}
	if err := tx.CreateRun(ctx, run, wrapped, ids, s.Limits); err != nil {
		return run, err
	}
	if err := tx.AddExclusions(ctx, run.ID, known); err != nil {
		return run, err
	}
	for _, part := range parts {
		if err := tx.SaveRunAgent(ctx, part); err != nil {
			return run, err
		}
		if part.Source == "" {
			continue
		}
		if err := tx.SetSource(ctx, run.ID, part.Agent, part.Source, part.LastAt); err != nil {
			return run, err
		}
	}
	if err := s.changeState(ctx, tx, run, inspector.StartDataCollectionPending); err != nil {
		return run, err
	}
	if err := s.enqueueAdvance(ctx, tx, run.ID); err != nil {
		return run, err
	}
	runs, err := tx.Runs(ctx, []string{run.ID})
	return runs[run.ID], err
}

func (s *Service) enqueueAdvance(ctx context.Context, tx *store.Tx, run string) error {
	return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobAdvance, Key: run, Payload: []byte(run), RunAt: s.Now()})
}

// newRun makes a run of a template, and the agents that it is over.
func (s *Service) newRun(ctx context.Context, tx *store.Tx, id, template, name string) (run inspector.Run, agents []inspector.Agent, err error) {
	templates, err := tx.Templates(ctx, []string{template})
	if err != nil {
		return run, nil, err
	}
	t, ok := templates[template]
	if !ok {
		return run, nil, noSuch("ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", "assessment template", template)
	}
	if err := mayRun(t); err != nil {
		return run, nil, err
	}
	targets, err := tx.Targets(ctx, []string{t.Target})
	if err != nil {
		return run, nil, err
	}
	target, ok := targets[t.Target]
	if !ok {
		return run, nil, noSuch("ASSESSMENT_TARGET_DOES_NOT_EXIST", "assessment target", t.Target)
	}
	if name == "" {
		if name, err = runName(ctx, tx, t); err != nil {
			return run, nil, err
		}
	}
	now := s.Now()
	run = inspector.Run{
		ID: id, Target: t.Target, Template: t.ID, Name: name,
		State: inspector.Created, Duration: t.Duration, Packages: t.Packages, Attributes: t.Attributes,
		CreatedAt: now, StateChangedAt: now,
		Changes: []inspector.StateChange{{State: inspector.Created, At: now}},
	}
	agents, err = agentsOf(ctx, tx, target)
	return run, agents, err
}

// mayRun refuses a template without rules packages. A template may have none in
// AWS's model, a run may not: it would end well without anything having been
// checked.
func mayRun(t inspector.Template) error {
	if len(t.Packages) > 0 {
		return nil
	}
	return inspector.Errorf(inspector.InvalidInput, "INVALID_NUMBER_OF_RULES_PACKAGE_ARNS",
		"the assessment template has no rules package, so that a run would check nothing")
}

// runName finds the first free "Run N for ..." from the number of runs on, of no
// more characters than a run's name may have.
func runName(ctx context.Context, tx *store.Tx, t inspector.Template) (string, error) {
	const most = 140
	for n := t.Runs + 1; ; n++ {
		name := []rune(fmt.Sprintf("Run %d for %s", n, t.Name))
		name = name[:min(len(name), most)]
		taken, err := tx.HasRun(ctx, t.ID, string(name))
		if err != nil || !taken {
			return string(name), err
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

// partOf is an agent's part in a new run. An agent that is plainly gone, or for
// which no package of the run has rules, fails at once: nobody is to wait for it.
func (s *Service) partOf(run inspector.Run, a inspector.Agent) inspector.RunAgent {
	part := inspector.RunAgent{
		Run: run.ID, Agent: a.ID, State: inspector.CollectionPending,
		Health: inspector.Healthy, HealthCode: inspector.CodeIdle,
	}
	if kind, reason, gone := s.gone(a, s.Unhealthy); gone {
		fail(&part, kind, reason)
		return part
	}
	if reason := s.noRules(run, a); reason != "" {
		part.State, part.Reason, part.Details = inspector.CollectionFailed, reason, sentence(reason)
	}
	return part
}

// noRules says why no rules package of a run can judge an agent's host; it is empty
// where one can.
func (s *Service) noRules(run inspector.Run, a inspector.Agent) string {
	packages, not := s.planOf(run.Packages).on(a.Platform)
	switch {
	case len(packages) > 0:
		return ""
	case len(not) > 0:
		return "no rules package of the run is for " + a.OS
	}
	return "this service has no rules package of the run"
}

// gone tells whether an agent was not heard of for longer than patience, and
// which exclusion that makes. Silence while this service did not run proves
// nothing.
func (s *Service) gone(a inspector.Agent, patience time.Duration) (kind inspector.ExclusionKind, reason string, gone bool) {
	last := latest(a.SeenAt, a.EnrolledAt, s.started)
	if s.Now().Sub(last) <= patience {
		return "", "", false
	}
	if a.SeenAt.IsZero() {
		return inspector.AgentNotFound, "the agent has never sent a heartbeat since it was enrolled at " + a.EnrolledAt.UTC().Format(time.RFC3339), true
	}
	return inspector.AgentUnhealthy, "the agent's last heartbeat came at " + a.SeenAt.UTC().Format(time.RFC3339), true
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
func fail(part *inspector.RunAgent, kind inspector.ExclusionKind, reason string) {
	part.State, part.Reason = inspector.CollectionFailed, reason
	part.Health, part.HealthCode = inspector.Unhealthy, inspector.CodeUnhealthy
	if kind == inspector.AgentNotFound {
		part.Health, part.HealthCode = inspector.HealthUnknown, inspector.CodeUnknown
	}
	part.Details = sentence(reason)
}

package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/ledger"
	"assay/internal/rules"
	"assay/internal/store"
)

// evaluateAttempts is how often an evaluation is tried before the host is given
// up, when something beside the telemetry stands in its way.
const evaluateAttempts = 5

// evaluate is the job that evaluates one host of a run. What it finds is written
// in one transaction with the fact that it was done, so that a job that runs
// twice finds everything once.
func (s *Service) evaluate(ctx context.Context, job jobs.Job) error {
	run, agent, ok := strings.Cut(string(job.Payload), "/")
	if !ok {
		return fmt.Errorf("the evaluation job %q names no host of a run", job.Payload)
	}
	r, part, err := s.part(ctx, &s.Store.Reader, run, agent)
	if refused := isRefusal(err); refused || err == nil && !toEvaluate(r, part) {
		return nil // the run was deleted or canceled, or the host is done
	}
	if err != nil {
		return err
	}
	out, err := s.outcome(ctx, r, part)
	var broken *damage
	switch {
	case err == nil:
	case errors.As(err, &broken) || job.Attempt >= evaluateAttempts && ctx.Err() == nil:
		s.Log.Error("a host could not be evaluated", "run", run, "agent", agent, "error", err)
		out = notEvaluated(r, agent, err)
	default:
		return fmt.Errorf("evaluate the host %s in the run %s: %w", agent, run, err)
	}
	return s.save(ctx, r, agent, out)
}

func toEvaluate(r inspector.Run, part inspector.RunAgent) bool {
	return r.State == inspector.EvaluatingRules && !part.Evaluated
}

// outcome is what an evaluation has to write.
type outcome struct {
	packages   []packageOutcome
	exclusions []inspector.Exclusion // of the host as a whole, or the whole run
}

type packageOutcome struct {
	id         inspector.PackageID
	results    []byte
	findings   []inspector.Finding
	exclusions []inspector.Exclusion
	life       ledger.Evaluation
}

// notEvaluated is the outcome for a host that could not be evaluated.
func notEvaluated(r inspector.Run, agent string, cause error) outcome {
	kind := inspector.HostEvaluationError
	var broken *damage
	if errors.As(cause, &broken) {
		kind = broken.kind
	}
	return outcome{exclusions: []inspector.Exclusion{exclusion(kind, r, agent, "", cause.Error())}}
}

// save writes an outcome, marks the host as evaluated and moves the run on.
func (s *Service) save(ctx context.Context, r inspector.Run, agent string, out outcome) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		now, part, err := s.part(ctx, &tx.Reader, r.ID, agent)
		if isRefusal(err) || err == nil && !toEvaluate(now, part) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, p := range out.packages {
			if err := tx.SaveResults(ctx, r.ID, agent, p.id, p.results, p.findings, p.exclusions); err != nil {
				return err
			}
			anew, err := tx.RecordLife(ctx, agent, p.id, p.life)
			if err != nil {
				return err
			}
			if anew {
				s.Log.Error("when findings were seen first and last is lost: the ledger was damaged, and begins anew", "agent", agent, "package", p.id)
			}
		}
		if err := tx.AddExclusions(ctx, r.ID, out.exclusions); err != nil {
			return err
		}
		if err := tx.MarkEvaluated(ctx, r.ID, agent); err != nil {
			return err
		}
		_, err = s.step(ctx, tx, r.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the results of the host %s in the run %s: %w", agent, r.ID, err)
	}
	return nil
}

// outcome evaluates a host: its telemetry, by every rules package of the run that
// is for its system.
func (s *Service) outcome(ctx context.Context, r inspector.Run, part inspector.RunAgent) (outcome, error) {
	agents, err := s.Store.Agents(ctx, []string{part.Agent})
	if err != nil {
		return outcome{}, err
	}
	agent := agents[part.Agent]
	agent.ID = part.Agent
	p := s.planOf(r.Packages)
	packages, _ := p.on(agent.Platform)
	seen, err := s.read(ctx, part, sensorsOf(packages), alsoOf(packages)...)
	if err != nil {
		return outcome{}, err
	}
	if p.observe() {
		s.noteShort(seen.host, r)
	}
	suppressions, err := s.Store.SuppressionsInForce(ctx, s.Now())
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	for _, p := range packages {
		one, err := s.evaluateOne(ctx, r, agent, p, seen, suppressions)
		if err != nil {
			return outcome{}, err
		}
		// What is about the whole run is nobody's: each host says it again.
		for _, e := range one.exclusions {
			if e.WholeRun() {
				out.exclusions = append(out.exclusions, e)
			}
		}
		one.exclusions = slices.DeleteFunc(one.exclusions, inspector.Exclusion.WholeRun)
		out.packages = append(out.packages, one)
	}
	return out, nil
}

func (s *Service) evaluateOne(ctx context.Context, r inspector.Run, agent inspector.Agent, p plannedPackage, seen sighting, suppressions []inspector.Suppression) (packageOutcome, error) {
	results, err := s.judge(ctx, p, seen.host, seen.collected)
	if err != nil {
		return packageOutcome{}, err
	}
	d, subject := p.Describe(), s.subject(r, agent, p.arn)
	subject.Origin = seen.origin
	results = rules.Suppress(d, subject, results, suppressions)
	findings, exclusions := rules.Derive(d, subject, results)
	kept, err := encodeResults(HostResults{
		Package: d.ID, Version: d.Version, EvaluatedAt: subject.Now, Collected: seen.collected, Source: seen.origin.Run,
		Telemetry: seen.segments, Coverage: NotSeen(seen.host), Results: results,
	})
	return packageOutcome{d.ID, kept, findings, exclusions, lifeOf(r, seen.segments, rules.Observe(d, subject, results))}, err
}

// subject is what results are about: a host in a run, now.
func (s *Service) subject(r inspector.Run, agent inspector.Agent, packageARN string) rules.Subject {
	return rules.Subject{
		Run: r, PackageARN: packageARN, Key: derive(s.secret, "finding ids"), Now: s.Now(), Attributes: r.Attributes,
		Agent: inspector.Asset{Agent: agent.ID, Hostname: agent.Hostname, IPv4Addresses: agent.Addresses, Tags: agent.Tags},
	}
}

// lifeOf is what the ledger of findings is told of an evaluation. It is of the time
// when its telemetry came: an evaluation of older telemetry tells of an older state.
func lifeOf(r inspector.Run, telemetry []SegmentRef, o rules.Observation) ledger.Evaluation {
	e := ledger.Evaluation{Run: r.ID, At: r.CreatedAt, Made: r.CreatedAt, Checked: o.Checked}
	for i, segment := range telemetry {
		if i == 0 || segment.ReceivedAt.After(e.At) {
			e.At = segment.ReceivedAt
		}
	}
	for _, f := range o.Failed {
		e.Found = append(e.Found, ledger.Found{ID: f.ID, Rule: f.Result.Rule, Suppressed: f.Result.Suppressed != nil})
	}
	for id, h := range o.Hidden {
		e.Found = append(e.Found, ledger.Found{ID: id, Rule: h.Rule, Suppressed: true})
	}
	return e
}

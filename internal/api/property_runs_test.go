package api

import (
	"fmt"
	"slices"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// aliases are other ARNs of the rules package practices: AWS's of another region,
// and the service's own.
var aliases = []string{"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ", ownARN(inspector.PackagePractices)}

func ownARN(id inspector.PackageID) string {
	arns := scope.PackageARNs(id)
	return arns[len(arns)-1]
}

// enrol makes the hosts of a case.
func (p *property) enrol() {
	p.agents = nil
	for i, tags := range [][]inspector.Tag{{{Key: "env", Value: "prod"}, {Key: "tier", Value: "prod"}}, {{Key: "env", Value: "test"}}, {{Key: "Env", Value: ""}}, nil} {
		a := inspector.Agent{
			ID: fmt.Sprintf("i-%017x", i), Hostname: fmt.Sprintf("host%d", i), OS: "Debian GNU/Linux 12 (bookworm)", Platform: "linux", Kernel: "6.1.0",
			Version: "1.0.0", Addresses: []string{"127.0.0.1/8", "192.0.2.1/24"}, Tags: tags, EnrolledAt: p.now, SeenAt: p.now,
		}
		if i == 3 {
			a.SeenAt = time.Time{} // enrolled, and never heard of
		}
		p.agents = append(p.agents, a)
	}
	p.hear()
}

// hear has all agents but the last one beat.
func (p *property) hear() {
	p.inStore(func(tx *store.Tx) error {
		for i := range p.agents {
			if i < 3 {
				p.agents[i].SeenAt = p.now
			}
			if err := tx.SaveAgent(p.world.t.Context(), p.agents[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *property) inStore(change func(*store.Tx) error) {
	if err := p.world.store.Update(p.world.t.Context(), change); err != nil {
		p.Fatal(err)
	}
}

// gone tells whether an agent was not heard of for three heartbeats.
func (p *property) gone(a inspector.Agent) bool {
	last := p.started
	for _, at := range []time.Time{a.SeenAt, a.EnrolledAt} {
		if at.After(last) {
			last = at
		}
	}
	return p.now.Sub(last) > 90*time.Second
}

func (p *property) health(a inspector.Agent) string {
	switch {
	case a.SeenAt.IsZero():
		return "UNKNOWN"
	case p.gone(a):
		return "UNHEALTHY"
	}
	return "HEALTHY"
}

func (p *property) startRun() {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	in, t := object{"assessmentTemplateArn": arn}, p.templates[arn]
	r := &modelRun{template: arn, of: t, name: draw(p, "name", "", "web", "Run 2 for web")}
	if r.name != "" {
		in["assessmentRunName"] = r.name
	}
	if t == nil {
		p.create("StartAssessmentRun", "assessmentRunArn", "", in, "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
		return
	}
	if r.name == "" {
		r.name = p.runName(t)
	}
	hosts := p.hosts(p.targets[t.target])
	if len(t.packages) == 0 {
		p.create("StartAssessmentRun", "assessmentRunArn", "", in, "InvalidInputException INVALID_NUMBER_OF_RULES_PACKAGE_ARNS")
		return
	}
	outcome, busy := p.mayStart(r, hosts)
	if len(busy) > 0 {
		out, e := p.call("StartAssessmentRun", in)
		p.same("StartAssessmentRun", in, object{"e": e, "agents": out["agents"], "truncated": out["agentsTruncated"]},
			object{"e": outcome, "agents": busy, "truncated": false})
		return
	}
	if r.arn = p.create("StartAssessmentRun", "assessmentRunArn", arn+"/run/0-", in, outcome); r.arn != "" {
		p.start(r, hosts)
	}
}

func (p *property) runName(t *modelTemplate) string {
	runs := p.runsOf(t.arn)
	for n := len(runs) + 1; ; n++ {
		name := []rune(fmt.Sprintf("Run %d for %s", n, t.name))
		name = name[:min(len(name), 140)]
		if !slices.ContainsFunc(runs, func(r *modelRun) bool { return r.name == string(name) }) {
			return string(name)
		}
	}
}

func (p *property) mayStart(r *modelRun, hosts []inspector.Agent) (outcome string, busy []any) {
	running := 0
	for _, other := range p.runs {
		if other.template == r.template && other.name == r.name {
			outcome = "InvalidInputException ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN"
		}
		if !other.final() {
			running += len(other.parts)
		}
	}
	if len(p.runs) >= propertyLimits.Runs {
		outcome = "LimitExceededException ASSESSMENT_RUN_LIMIT_EXCEEDED"
	}
	if outcome != "" {
		return outcome, nil
	}
	for _, host := range hosts {
		if other := p.busy(host); other != nil {
			busy = append(busy, object{"agentId": host.ID, "assessmentRunArn": other.arn})
		}
	}
	switch {
	case len(busy) > 0:
		return "AgentsAlreadyRunningAssessmentException", busy
	case running+len(hosts) > propertyLimits.RunningHosts:
		return "LimitExceededException ASSESSMENT_RUN_LIMIT_EXCEEDED", nil
	}
	return "", nil
}

// start is what a run is like when it was started.
func (p *property) start(r *modelRun, hosts []inspector.Agent) {
	r.become(p.now, inspector.Created)
	p.advance(r, inspector.StartDataCollectionPending)
	for _, host := range hosts {
		part := &modelPart{host.ID, "HEALTHY", "IDLE", true}
		if p.gone(host) {
			*part = modelPart{host.ID, "UNHEALTHY", "UNHEALTHY", false}
			if host.SeenAt.IsZero() {
				part.health, part.code = "UNKNOWN", "UNKNOWN"
			}
		}
		r.parts = append(r.parts, part)
	}
	p.runs = append(p.runs, r)
	p.learnExclusions(r, len(p.excluded(hosts)))
}

// learnExclusions reads the ids of a run's exclusions, which nobody can know before.
func (p *property) learnExclusions(r *modelRun, want int) {
	arns, e := p.pages("ListExclusions", "exclusionArns", object{"assessmentRunArn": r.arn}, nil)
	if e != "" || len(arns) != want {
		p.Fatalf("the run %s has the exclusions %v (%s), want %d", r.arn, arns, e, want)
	}
	r.exclusions = nil
	for _, arn := range arns {
		r.exclusions = append(r.exclusions, arn.(string))
	}
}

func (p *property) stopRun() {
	arn := p.arn("run", inspector.KindRun, p.runARNs())
	in, action := object{"assessmentRunArn": arn}, draw(p, "action", "SKIP_EVALUATION", "", "START_EVALUATION")
	if action != "" {
		in["stopAction"] = action
	}
	r := p.run(arn)
	if r == nil {
		p.expect("StopAssessmentRun", in, "NoSuchEntityException ASSESSMENT_RUN_DOES_NOT_EXIST", nil)
		return
	}
	p.expect("StopAssessmentRun", in, "", nil)
	switch {
	case r.final():
	case action == "SKIP_EVALUATION":
		p.advance(r, inspector.Canceled)
	default:
		p.stop(r)
	}
	p.lookAtRun(r)
}

// stop ends a collection early: the run goes on to its end at once, since no host
// has asked what to collect, and who has not is not waited for.
func (p *property) stop(r *modelRun) {
	waiting := slices.DeleteFunc(slices.Clone(r.parts), func(part *modelPart) bool { return !part.waiting })
	if r.state != inspector.StopDataCollectionPending {
		p.advance(r, r.ahead(inspector.StopDataCollectionPending)...)
	}
	for _, part := range waiting {
		part.health, part.code, part.waiting = "UNHEALTHY", "UNHEALTHY", false
	}
	p.advance(r, append(r.ahead(inspector.EvaluatingRules), inspector.CompletedWithErrors)...)
	p.learnExclusions(r, len(r.exclusions)+len(waiting))
}

func (p *property) deleteRun() {
	p.delete("DeleteAssessmentRun", "assessmentRunArn", p.arn("run", inspector.KindRun, p.runARNs()), "ASSESSMENT_RUN_DOES_NOT_EXIST")
}

// conclude takes a run to its end with findings for its hosts: what the evaluation
// would do. Some ends are the service's own, which tells of them.
func (p *property) conclude() {
	going := slices.DeleteFunc(slices.Clone(p.runs), func(r *modelRun) bool { return r.final() })
	if len(going) == 0 {
		return
	}
	r := draw(p, "run", going...)
	end := draw(p, "end", "", "", inspector.Completed, inspector.CompletedWithErrors, inspector.FailedState, inspector.ErrorState)
	found := map[string][]inspector.Finding{}
	for _, part := range r.parts {
		if part.waiting {
			found[part.agent] = p.findings(r, part.agent)
		}
	}
	states, ctx := r.ahead(inspector.EvaluatingRules), p.world.t.Context()
	if end != "" {
		states = append(states, end)
	}
	id := mustParse(r.arn).ID
	p.inStore(func(tx *store.Tx) error {
		for agent, findings := range found {
			if err := tx.SaveResults(ctx, id, agent, inspector.PackagePractices, p.kept, findings, nil); err != nil {
				return err
			}
		}
		if err := tx.SetDataCollected(ctx, id); err != nil {
			return err
		}
		for _, part := range r.parts {
			if err := tx.MarkEvaluated(ctx, id, part.agent); err != nil {
				return err
			}
		}
		for _, state := range states {
			if err := tx.ChangeRunState(ctx, id, state, p.now); err != nil {
				return err
			}
		}
		return nil
	})
	r.become(p.now, states...)
	if r.collected = true; end == "" {
		p.end(r)
	}
}

func mustParse(arn string) inspector.ARN {
	a, err := inspector.ParseARN(arn)
	if err != nil {
		panic(err)
	}
	return a
}

// findings makes some of a host, and tells the model.
func (p *property) findings(r *modelRun, agent string) (found []inspector.Finding) {
	run := mustParse(r.arn)
	for i := range draw(p, "findings", 12, 5, 2, 1, 0) {
		f := &modelFinding{
			arn: run.Finding(idOf(r.arn, agent, i)).String(), agent: agent, group: draw(p, "scaling group", "", "asg", "Asg"), run: r,
			rule: draw(p, "rule", "ssh", "aslr", `"\`), title: fmt.Sprint("Finding ", i), createdAt: p.now, updatedAt: p.now, user: r.of.attributes, severity: draw(p, "severity", inspector.Severities()...),
			attributes: []any{object{"key": "INSTANCE_ID", "value": agent}, object{"key": "port", "value": draw(p, "port", "22", "23", `"`)}},
		}
		r.findings = append(r.findings, f)
		attributes := []inspector.Attribute{}
		for _, a := range f.attributes {
			attributes = append(attributes, inspector.Attribute{Key: a.(object)["key"].(string), Value: a.(object)["value"].(string)})
		}
		found = append(found, inspector.Finding{
			Target: run.Target, Template: run.Template, Run: run.ID, ID: mustParse(f.arn).ID, Agent: agent, Package: inspector.PackagePractices,
			PackageARN: r.of.packages[0], Rule: f.rule, FindingID: f.rule, Title: f.title, Description: "Description.", Recommendation: "Recommendation.",
			Severity: f.severity, Confidence: 10, Attributes: attributes, UserAttributes: attributesIn(r.of.attributes), CreatedAt: p.now, UpdatedAt: p.now,
			Asset: inspector.Asset{Agent: agent, Hostname: "host", AutoScalingGroup: f.group, IPv4Addresses: []string{"192.0.2.1"}},
		})
	}
	return found
}

func attributesIn(list []any) (out []inspector.Attribute) {
	for _, a := range list {
		value, _ := a.(object)["value"].(string)
		out = append(out, inspector.Attribute{Key: a.(object)["key"].(string), Value: value})
	}
	return out
}

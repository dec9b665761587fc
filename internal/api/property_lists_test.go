package api

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
)

// choice is a filter's member: what is sent, and what passes it. nil passes all.
type choice[T any] struct {
	member string
	value  any
	passes func(T) bool
}

// filter draws which members a filter has, and tells what passes all of them.
func filter[T any](p *property, in object, choices ...func() choice[T]) func(T) bool {
	if draw(p, "filter", false, true, true) == false {
		return func(T) bool { return true }
	}
	sent, passing := object{}, []func(T) bool{}
	for _, choose := range choices {
		if draw(p, "member", true, false, false) {
			c := choose()
			sent[c.member] = c.value
			passing = append(passing, c.passes)
		}
	}
	in["filter"] = sent
	return func(item T) bool {
		return !slices.ContainsFunc(passing, func(passes func(T) bool) bool { return !passes(item) })
	}
}

// among is a member with alternatives; none of them is no condition.
func among[T any](p *property, member string, of func(T) string, some ...string) func() choice[T] {
	return func() choice[T] {
		values := append([]string{}, subset(p, member, 3, some...)...)
		return choice[T]{member, values, func(item T) bool { return len(values) == 0 || slices.Contains(values, of(item)) }}
	}
}

func patterned[T any](p *property, of func(T) string) func() choice[T] {
	return func() choice[T] {
		pattern := p.pattern()
		return choice[T]{"namePattern", pattern, func(item T) bool { return glob(pattern, of(item)) }}
	}
}

func lasting[T any](p *property, of func(T) int) func() choice[T] {
	return func() choice[T] {
		value, low, high := object{}, draw(p, "minSeconds", 0, 180, 181, 3600), draw(p, "maxSeconds", 0, 3600, 86399, 86400)
		if low > 0 {
			value["minSeconds"] = low
		}
		if high > 0 {
			value["maxSeconds"] = high
		}
		return choice[T]{"durationRange", value, func(item T) bool { return of(item) >= low && (high == 0 || of(item) <= high) }}
	}
}

// packaged filters by packages under any of their ARNs.
func packaged[T any](p *property, of func(T) []string) func() choice[T] {
	return func() choice[T] {
		others := []string{ownARN(inspector.PackageCVE), scope.RulesPackage("0-xxxxxxxx").String()}
		values := append([]string{}, subset(p, "rulesPackageArns", 2, append(others, practices, aliases[0], aliases[1])...)...)
		all := append([]string{practices}, aliases...)
		return choice[T]{"rulesPackageArns", values, func(item T) bool {
			return len(values) == 0 || len(of(item)) > 0 && slices.ContainsFunc(values, func(v string) bool { return slices.Contains(all, v) })
		}}
	}
}

// timed filters by a range whose ends are times that clients were told.
func timed[T any](p *property, member string, of func(T) time.Time) func() choice[T] {
	return func() choice[T] {
		moments := []float64{0, -1, told(p.started) - 1, told(p.now), told(p.now) + 0.001}
		for _, r := range p.runs {
			for _, c := range r.changes {
				moments = append(moments, told(c.at), told(c.at)-0.001, told(c.at)+0.001)
			}
		}
		value, begin, end := object{}, draw(p, "beginDate", moments...), draw(p, "endDate", moments...)
		if begin > end {
			begin, end = end, begin
		}
		open := draw(p, "open", "", "", "begin", "end")
		if open != "begin" {
			value["beginDate"] = begin
		}
		if open != "end" {
			value["endDate"] = end
		}
		return choice[T]{member, value, func(item T) bool {
			at := of(item)
			return !at.IsZero() && (open == "begin" || told(at) >= begin) && (open == "end" || told(at) <= end)
		}}
	}
}

// having is a member whose values all have to be there.
func having[T any](p *property, member string, of func(T) []any, some ...object) func() choice[T] {
	return func() choice[T] {
		values := append([]object{}, subset(p, member, 2, some...)...)
		return choice[T]{member, values, func(item T) bool {
			return !slices.ContainsFunc(values, func(v object) bool {
				return !slices.ContainsFunc(of(item), func(a any) bool { return maps.Equal(a.(object), v) })
			})
		}}
	}
}

// scoped draws a list of ARNs that narrows a list; of what there is not, it is
// refused.
func (p *property) scoped(in object, member string, kind inspector.Kind, some []string, missing string) (within func(arn string) bool, outcome string) {
	asked := []string{}
	for range draw(p, member, 0, 0, 1, 2) {
		asked = append(asked, p.arn(member, kind, some))
	}
	if len(asked) > 0 {
		in[member] = asked
	}
	if slices.ContainsFunc(asked, func(arn string) bool { return slices.Contains(nothing(kind), arn) }) {
		outcome = "NoSuchEntityException " + missing
	}
	return func(arn string) bool { return len(asked) == 0 || slices.Contains(asked, arn) }, outcome
}

func (p *property) listTemplates() {
	in := object{}
	within, outcome := p.scoped(in, "assessmentTargetArns", inspector.KindTarget, p.targetARNs(), "ASSESSMENT_TARGET_DOES_NOT_EXIST")
	passes := filter(p, in,
		patterned(p, func(t *modelTemplate) string { return t.name }),
		lasting(p, func(t *modelTemplate) int { return t.seconds }),
		packaged(p, func(t *modelTemplate) []string { return t.packages }),
	)
	want := func() (want []any) {
		for _, arn := range byID(p.templates) {
			if t := p.templates[arn]; within(t.target) && passes(t) {
				want = append(want, arn)
			}
		}
		return want
	}
	p.expectPages("ListAssessmentTemplates", "assessmentTemplateArns", in, outcome, want, action{"CreateAssessmentTemplate", (*property).createTemplate})
}

// byID sorts by the last id of ARNs, which is the order of what has no number.
func byID[T any](items map[string]T) []string {
	id := func(arn string) string { return mustParse(arn).ID }
	return slices.SortedFunc(maps.Keys(items), func(a, b string) int {
		if id(a) < id(b) {
			return -1
		}
		return 1
	})
}

func (p *property) listRuns() {
	in := object{}
	within, outcome := p.scoped(in, "assessmentTemplateArns", inspector.KindTemplate, p.templateARNs(), "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
	passes := filter(p, in,
		patterned(p, func(r *modelRun) string { return r.name }),
		among(p, "states", func(r *modelRun) string { return string(r.state) }, "COMPLETED", "CANCELED", "START_DATA_COLLECTION_PENDING", "COMPLETED_WITH_ERRORS", "CREATED"),
		lasting(p, func(r *modelRun) int { return r.of.seconds }),
		packaged(p, func(r *modelRun) []string { return r.of.packages }),
		timed(p, "startTimeRange", func(r *modelRun) time.Time { return r.startedAt }),
		timed(p, "completionTimeRange", func(r *modelRun) time.Time { return r.completedAt() }),
		timed(p, "stateChangeTimeRange", func(r *modelRun) time.Time { return r.changes[len(r.changes)-1].at }),
	)
	want := func() (want []any) {
		for _, r := range p.runs {
			if within(r.template) && passes(r) {
				want = append(want, r.arn)
			}
		}
		return want
	}
	p.expectPages("ListAssessmentRuns", "assessmentRunArns", in, outcome, want, action{"StartAssessmentRun", (*property).startRun})
}

func (p *property) describeRuns() {
	known := map[string]object{}
	for _, r := range p.runs {
		known[r.arn] = r.wire()
	}
	p.describe("DescribeAssessmentRuns", "assessmentRunArns", "assessmentRuns", inspector.KindRun, known, p.runARNs())
}

func (p *property) listRunAgents() {
	arn := p.arn("run", inspector.KindRun, p.runARNs())
	in, want, r := object{"assessmentRunArn": arn}, []any{}, p.run(arn)
	if r == nil {
		p.expect("ListAssessmentRunAgents", in, "NoSuchEntityException ASSESSMENT_RUN_DOES_NOT_EXIST", nil)
		return
	}
	passes := func(*modelPart) bool { return true }
	if draw(p, "filter", true, false) {
		healths := among(p, "agentHealths", func(part *modelPart) string { return part.health }, "HEALTHY", "UNHEALTHY", "UNKNOWN")()
		codes := among(p, "agentHealthCodes", func(part *modelPart) string { return part.code }, "IDLE", "UNHEALTHY", "UNKNOWN", "RUNNING")()
		in["filter"] = object{"agentHealths": healths.value, "agentHealthCodes": codes.value}
		passes = func(part *modelPart) bool { return healths.passes(part) && codes.passes(part) }
	}
	for _, part := range r.parts {
		if passes(part) {
			want = append(want, object{"agentId": part.agent, "assessmentRunArn": arn, "agentHealth": part.health, "agentHealthCode": part.code})
		}
	}
	p.expectParts(in, want)
}

// expectParts compares run agents but for what is told to people of their health.
func (p *property) expectParts(in object, want []any) {
	in["maxResults"] = draw(p, "maxResults", 1, 2, 500)
	got, e := p.pages("ListAssessmentRunAgents", "assessmentRunAgents", in, nil)
	for _, agent := range got {
		if details, _ := agent.(object)["agentHealthDetails"].(string); (details == "") != (agent.(object)["agentHealthCode"] == "IDLE") {
			p.Fatalf("agent health details: %v", agent)
		}
		delete(agent.(object), "agentHealthDetails")
		p.same("ListAssessmentRunAgents", in, object{"t": agent.(object)["telemetryMetadata"]}, object{"t": noTelemetry})
		delete(agent.(object), "telemetryMetadata")
	}
	p.same("ListAssessmentRunAgents", in, object{"e": e, "all": orNone(got)}, object{"e": "", "all": want})
}

// noTelemetry is what is told of it where nothing came.
var noTelemetry = []object{{"messageType": "Total", "count": 0, "dataSize": 0}}

func (p *property) getTelemetry() {
	arn := p.arn("run", inspector.KindRun, p.runARNs())
	outcome := ""
	if p.run(arn) == nil {
		outcome = "NoSuchEntityException ASSESSMENT_RUN_DOES_NOT_EXIST"
	}
	p.expect("GetTelemetryMetadata", object{"assessmentRunArn": arn}, outcome, object{"telemetryMetadata": noTelemetry})
}

func (r *modelRun) completedAt() time.Time {
	if r.final() {
		return r.changes[len(r.changes)-1].at
	}
	return time.Time{}
}

// shownFindings are those of runs whose evaluation is over, in the order of lists.
func (p *property) shownFindings() (all []*modelFinding) {
	for _, r := range p.runs {
		if r.shown {
			all = append(all, slices.SortedFunc(slices.Values(r.findings), func(a, b *modelFinding) int {
				worst := inspector.Severities()
				return cmp.Or(strings.Compare(a.agent, b.agent), cmp.Compare(slices.Index(worst, a.severity), slices.Index(worst, b.severity)),
					strings.Compare(a.rule, b.rule), strings.Compare(a.arn, b.arn))
			})...)
		}
	}
	return all
}

func (p *property) listFindings() {
	in := object{}
	within, outcome := p.scoped(in, "assessmentRunArns", inspector.KindRun, p.runARNs(), "ASSESSMENT_RUN_DOES_NOT_EXIST")
	passes := filter(p, in,
		among(p, "agentIds", func(f *modelFinding) string { return f.agent }, p.agents[0].ID, p.agents[1].ID, p.agents[2].ID, "none"),
		among(p, "autoScalingGroups", func(f *modelFinding) string { return f.group }, "asg", "Asg", "ASG"),
		among(p, "ruleNames", func(f *modelFinding) string { return f.rule }, "ssh", "aslr", `"\`, ""),
		among(p, "severities", func(f *modelFinding) string { return string(f.severity) }, "High", "Medium", "Low", "Informational", "Undefined"),
		packaged(p, func(f *modelFinding) []string { return f.run.of.packages }),
		having(p, "attributes", func(f *modelFinding) []any { return f.attributes },
			object{"key": "INSTANCE_ID", "value": p.agents[0].ID}, object{"key": "port", "value": "22"}, object{"key": "port", "value": `"`}, object{"key": "port"}),
		having(p, "userAttributes", func(f *modelFinding) []any { return f.user },
			object{"key": "team", "value": "blue"}, object{"key": "team"}, object{"key": "ü", "value": `"}`}, object{"key": "Team", "value": "blue"}, object{"key": "cost"}),
		timed(p, "creationTimeRange", func(f *modelFinding) time.Time { return f.createdAt }),
	)
	want := func() (want []any) {
		for _, f := range p.shownFindings() {
			if within(f.run.arn) && passes(f) {
				want = append(want, f.arn)
			}
		}
		return want
	}
	p.expectPages("ListFindings", "findingArns", in, outcome, want, action{"a run ends", (*property).conclude}, action{"StartAssessmentRun", (*property).startRun})
}

func (p *property) describeFindings() {
	known, order := map[string]object{}, []string{}
	for _, r := range p.runs {
		for _, f := range r.findings {
			if order = append(order, f.arn); r.shown {
				known[f.arn] = f.wire()
			}
		}
	}
	p.describe("DescribeFindings", "findingArns", "findings", inspector.KindFinding, known, order)
}

func (p *property) listExclusions() {
	arn := p.arn("run", inspector.KindRun, p.runARNs())
	outcome, want := "NoSuchEntityException ASSESSMENT_RUN_DOES_NOT_EXIST", []any{}
	if r := p.run(arn); r != nil {
		outcome = ""
		for _, e := range r.exclusions {
			want = append(want, e)
		}
	}
	p.expectPages("ListExclusions", "exclusionArns", object{"assessmentRunArn": arn}, outcome, func() []any { return want }, action{"StartAssessmentRun", (*property).startRun})
}

// describeExclusions looks that those are described that there are; their wording
// is another test's.
func (p *property) describeExclusions() {
	all := nothing(inspector.KindExclusion)
	for _, r := range p.runs {
		all = append(all, r.exclusions...)
	}
	asked := append(subset(p, "exclusions", 5, all...), draw(p, "exclusion", all...))
	out, e := p.call("DescribeExclusions", object{"exclusionArns": asked})
	if e != "" {
		p.Fatal(e)
	}
	for _, arn := range asked {
		missing := slices.Contains(nothing(inspector.KindExclusion), arn)
		if described, failed := at(out, "exclusions", arn), at(out, "failedItems", arn); (described == nil) != missing || (failed != nil) != missing || !missing && at(described, "arn") != arn {
			p.Fatalf("%s: %v", arn, out)
		}
	}
}

package api

import (
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
)

// propertyModel is what the service should hold.
type propertyModel struct {
	agents    []inspector.Agent // by id
	groups    map[string]object // as DescribeResourceGroups has them, by ARN
	order     []string          // of the groups
	targets   map[string]*modelTarget
	templates map[string]*modelTemplate
	runs      []*modelRun // as they were started
	role      object      // as DescribeCrossAccountAccessRole has it
	made      []string    // every ARN that was given out
	links     []modelLink
}

type modelTarget struct {
	arn, name, group     string
	createdAt, updatedAt time.Time
}

type modelTemplate struct {
	arn, target, name string
	seconds           int
	packages          []string
	attributes, tags  []any
	createdAt         time.Time
	topics            map[string]map[inspector.Event]time.Time // since when they are subscribed
	previews          []*modelPreview
}

type modelRun struct {
	arn, template, name string
	of                  *modelTemplate
	state               inspector.RunState
	changes             []modelChange
	startedAt           time.Time
	collected           bool
	shown               bool
	parts               []*modelPart
	exclusions          []string // ids
	findings            []*modelFinding
	notes               []*modelNote
	reported            []*modelReported // by topic
	reports             []*modelReport
}

type modelChange struct {
	state inspector.RunState
	at    time.Time
}

// modelPart is a host in a run.
type modelPart struct {
	agent        string
	health, code string
	waiting      bool // its telemetry is awaited
}

type modelFinding struct {
	arn, agent, group, rule, title string
	severity                       inspector.Severity
	attributes, user               []any
	createdAt, updatedAt           time.Time
	run                            *modelRun
}

func (r *modelRun) final() bool { return r.state.Final() }

// become takes a run into its next states.
func (r *modelRun) become(at time.Time, states ...inspector.RunState) {
	for _, s := range states {
		r.state = s
		r.changes = append(r.changes, modelChange{s, at})
		switch s {
		case inspector.CollectingData:
			r.startedAt = at
		case inspector.DataCollected:
			r.collected = true
		case inspector.Completed, inspector.CompletedWithErrors:
			r.shown = true
		}
	}
}

// The states of a run in their order, up to the evaluation.
var onTheWay = []inspector.RunState{
	inspector.Created, inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
	inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
}

// ahead are the states between now and one that is on the way, that one included.
func (r *modelRun) ahead(until inspector.RunState) []inspector.RunState {
	return onTheWay[slices.Index(onTheWay, r.state)+1 : slices.Index(onTheWay, until)+1]
}

// targetARNs and templateARNs are in the order in which they were made: ids are
// random, and a sequence that is tried again has to make the same choices.
func (m *propertyModel) targetARNs() []string   { return existing(m.made, m.targets) }
func (m *propertyModel) templateARNs() []string { return existing(m.made, m.templates) }

func existing[T any](made []string, there map[string]T) (arns []string) {
	for _, arn := range made {
		if _, ok := there[arn]; ok {
			arns = append(arns, arn)
		}
	}
	return arns
}

func (m *propertyModel) runARNs() (arns []string) {
	for _, r := range m.runs {
		arns = append(arns, r.arn)
	}
	return arns
}

func (m *propertyModel) run(arn string) *modelRun {
	for _, r := range m.runs {
		if r.arn == arn {
			return r
		}
	}
	return nil
}

// runsOf are the runs below a target or a template, and a run itself.
func (m *propertyModel) runsOf(arn string) (below []*modelRun) {
	for _, r := range m.runs {
		if r.arn == arn || strings.HasPrefix(r.arn, arn+"/") {
			below = append(below, r)
		}
	}
	return below
}

// remove deletes what an ARN names and all that is below it.
func (m *propertyModel) remove(arn string) {
	gone := func(other string) bool { return other == arn || strings.HasPrefix(other, arn+"/") }
	maps.DeleteFunc(m.targets, func(other string, _ *modelTarget) bool { return gone(other) })
	maps.DeleteFunc(m.templates, func(other string, _ *modelTemplate) bool { return gone(other) })
	m.runs = slices.DeleteFunc(m.runs, func(r *modelRun) bool { return gone(r.arn) })
}

// hosts are the agents of a target: those with any of its group's tags, or all.
func (m *propertyModel) hosts(t *modelTarget) (hosts []inspector.Agent) {
	for _, a := range m.agents {
		if t.group == "" || slices.ContainsFunc(a.Tags, func(tag inspector.Tag) bool { return hasTag(m.groups[t.group]["tags"].([]object), tag) }) {
			hosts = append(hosts, a)
		}
	}
	return hosts
}

func hasTag(tags []object, tag inspector.Tag) bool {
	return slices.ContainsFunc(tags, func(o object) bool {
		return o["key"] == tag.Key && (o["value"] == tag.Value || o["value"] == nil && tag.Value == "")
	})
}

// glob tells whether a name is a pattern's: "*" stands for any characters.
func glob(pattern, name string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for i := 0; ok && i <= len(name); i++ {
		if glob(rest, name[i:]) {
			return true
		}
	}
	return false
}

// The wire's forms.

func (t *modelTarget) wire() object {
	out := object{"arn": t.arn, "name": t.name, "createdAt": told(t.createdAt), "updatedAt": told(t.updatedAt)}
	if t.group != "" {
		out["resourceGroupArn"] = t.group
	}
	return out
}

func (m *propertyModel) wireTemplate(t *modelTemplate) object {
	out := object{
		"arn": t.arn, "name": t.name, "assessmentTargetArn": t.target, "durationInSeconds": t.seconds, "rulesPackageArns": t.packages,
		"userAttributesForFindings": orNone(t.attributes), "createdAt": told(t.createdAt), "assessmentRunCount": 0,
	}
	for _, r := range m.runsOf(t.arn) {
		out["assessmentRunCount"], out["lastAssessmentRunArn"] = out["assessmentRunCount"].(int)+1, r.arn
	}
	return out
}

func (r *modelRun) wire() object {
	changes, last := []any{}, r.changes[len(r.changes)-1].at
	for _, c := range r.changes {
		changes = append(changes, object{"state": c.state, "stateChangedAt": told(c.at)})
	}
	counts := object{"High": 0, "Medium": 0, "Low": 0, "Informational": 0, "Undefined": 0}
	for _, f := range r.findings {
		if r.shown {
			counts[string(f.severity)] = counts[string(f.severity)].(int) + 1
		}
	}
	out := object{
		"arn": r.arn, "name": r.name, "assessmentTemplateArn": r.template, "state": r.state, "durationInSeconds": r.of.seconds,
		"rulesPackageArns": r.of.packages, "userAttributesForFindings": orNone(r.of.attributes), "dataCollected": r.collected,
		"createdAt": told(r.changes[0].at), "stateChangedAt": told(last), "stateChanges": changes, "notifications": r.notifications(), "findingCounts": counts,
	}
	if !r.startedAt.IsZero() {
		out["startedAt"] = told(r.startedAt)
	}
	if r.final() {
		out["completedAt"] = told(last)
	}
	return out
}

func (f *modelFinding) wire() object {
	return object{
		"arn": f.arn, "schemaVersion": 1, "service": "Inspector", "assetType": "ec2-instance", "id": f.rule, "title": f.title,
		"description": "Description.", "recommendation": "Recommendation.", "severity": f.severity, "numericSeverity": f.severity.Numeric(),
		"confidence": 10, "indicatorOfCompromise": false, "attributes": f.attributes, "userAttributes": orNone(f.user),
		"createdAt": told(f.createdAt), "updatedAt": told(f.updatedAt),
		"serviceAttributes": object{"schemaVersion": 1, "assessmentRunArn": f.run.arn, "rulesPackageArn": f.run.of.packages[0]},
		"assetAttributes":   f.asset(),
	}
}

func (f *modelFinding) asset() object {
	out := object{
		"schemaVersion": 1, "agentId": f.agent, "hostname": "host", "ipv4Addresses": []string{"192.0.2.1"},
		"tags": []any{}, "networkInterfaces": []any{},
	}
	if f.group != "" {
		out["autoScalingGroup"] = f.group
	}
	return out
}

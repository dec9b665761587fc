package migrate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// ShapeOf is the shape of a kind's objects; nil for what is none.
func ShapeOf(k Kind) *model.Shape {
	if k == Tags {
		return tagsShape
	}
	name := map[Kind]string{
		ResourceGroups: "ResourceGroup", Targets: "AssessmentTarget", Templates: "AssessmentTemplate",
		Runs: "AssessmentRun", Exclusions: "Exclusion", Findings: "Finding",
	}[k]
	return model.Shapes[name]
}

// tagsOf is what ListTagsForResource answers, with the resource.
type tagsOf struct {
	ResourceArn string
	Tags        []model.Tag
}

var tagsShape = &model.Shape{Name: "TagsOfResource", Kind: model.StructKind, Members: []model.Member{
	{Name: "resourceArn", Shape: model.Shapes["Arn"], Required: true},
	{Name: "tags", Shape: model.Shapes["TagList"], Required: true},
}}

// read reads an object and checks what can be checked without a store.
func read(o Object) (entry, error) {
	switch o.Kind {
	case ResourceGroups:
		return readAs(o, inspector.KindResourceGroup, func(g model.ResourceGroup) string { return g.Arn }, readGroup)
	case Targets:
		return readAs(o, inspector.KindTarget, func(t model.AssessmentTarget) string { return t.Arn }, readTarget)
	case Templates:
		return readAs(o, inspector.KindTemplate, func(t model.AssessmentTemplate) string { return t.Arn }, readTemplate)
	case Tags:
		return readAs(o, inspector.KindTemplate, func(t tagsOf) string { return t.ResourceArn }, readTags)
	case Runs:
		return readAs(o, inspector.KindRun, func(r model.AssessmentRun) string { return r.Arn }, readRun)
	case Exclusions:
		return readAs(o, inspector.KindExclusion, func(e model.Exclusion) string { return e.Arn }, readExclusion)
	case Findings:
		return readAs(o, inspector.KindFinding, func(f model.Finding) string { return f.Arn }, readFinding)
	}
	return entry{}, refusef("%.40q is not a kind of objects that can be imported", string(o.Kind))
}

// readAs reads an object of a type, whose ARN must be of a kind.
func readAs[T any](o Object, kind inspector.Kind, arnOf func(T) string, convert func(T, *entry) error) (e entry, err error) {
	var v T
	if err := decode(o.Object, ShapeOf(o.Kind), &v); err != nil {
		return e, err
	}
	arn, err := inspector.ParseARN(arnOf(v))
	if err != nil || arn.Kind != kind || arn.String() != arnOf(v) || arn.Partition != arn.Scope.Target("").Partition {
		return e, refusef("%.310q is not the ARN of a %s", arnOf(v), kind)
	}
	e.arn = arn
	return e, convert(v, &e)
}

// storable refuses what a database would give back otherwise: a NUL in a text that
// queries look at, and times before there was AWS.
func storable(texts []string, times ...model.Timestamp) error {
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return refusef("%.100q has a NUL character", text)
		}
	}
	for _, t := range times {
		if !t.IsZero() && t.Unix() <= 0 {
			return refusef("its time %s is not after 1970", t.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

func readGroup(g model.ResourceGroup, e *entry) error {
	group := inspector.ResourceGroup{ID: e.arn.ID, CreatedAt: g.CreatedAt.Time}
	for _, t := range g.Tags {
		group.Tags = append(group.Tags, inspector.Tag{Key: t.Key, Value: t.Value})
	}
	e.item = groupItem(group)
	return storable(nil, g.CreatedAt)
}

func readTarget(t model.AssessmentTarget, e *entry) error {
	target := inspector.Target{ID: e.arn.ID, Name: t.Name, CreatedAt: t.CreatedAt.Time, UpdatedAt: t.UpdatedAt.Time}
	if t.ResourceGroupArn != "" {
		group, err := within(t.ResourceGroupArn, inspector.KindResourceGroup, e.arn.Scope)
		if err != nil {
			return err
		}
		target.ResourceGroup = group.ID
	}
	e.item = targetItem{target, t.ResourceGroupArn}
	return storable([]string{t.Name}, t.CreatedAt, t.UpdatedAt)
}

// within parses an ARN that an object has of another: of a kind, in its scope.
func within(text string, kind inspector.Kind, scope inspector.Scope) (inspector.ARN, error) {
	arn, err := inspector.ParseARN(text)
	if err != nil || arn.Kind != kind || arn.Scope != scope {
		return arn, refusef("%.310q is not the ARN of a %s of the same account and region", text, kind)
	}
	return arn, nil
}

// parent checks that an object names its parent by the ARN that its own begins with.
func parent(what, named string, arn inspector.ARN) error {
	if named != arn.String() {
		return refusef("its %s is %.310q, but its ARN is below %s", what, named, arn)
	}
	return nil
}

func readTemplate(t model.AssessmentTemplate, e *entry) error {
	scope := e.arn.Scope
	if err := parent("assessment target", t.AssessmentTargetArn, scope.Target(e.arn.Target)); err != nil {
		return err
	}
	if err := packages(t.RulesPackageArns); err != nil {
		return err
	}
	template := inspector.Template{
		ID: e.arn.ID, Target: e.arn.Target, Name: t.Name, Duration: time.Duration(t.DurationInSeconds) * time.Second,
		Packages: t.RulesPackageArns, Attributes: attributes(t.UserAttributesForFindings), CreatedAt: t.CreatedAt.Time, Runs: t.AssessmentRunCount,
	}
	if t.LastAssessmentRunArn != "" {
		last, err := within(t.LastAssessmentRunArn, inspector.KindRun, scope)
		if err != nil || last.Template != e.arn.ID || last.Target != e.arn.Target {
			return refusef("its last assessment run is %.310q, which is not one of its own", t.LastAssessmentRunArn)
		}
		template.LastRun = last.ID
	}
	if template.Runs < 0 || int64(template.Runs) > mostCounted {
		return refusef("it cannot have had %d runs", template.Runs)
	}
	e.item = templateItem{template, t.AssessmentTargetArn}
	return storable([]string{t.Name}, t.CreatedAt)
}

// packages checks ARNs of rules packages: those that nobody has rules for stay.
func packages(arns []string) error {
	for _, text := range arns {
		if arn, err := inspector.ParseARN(text); err != nil || arn.Kind != inspector.KindRulesPackage {
			return refusef("%.310q is not the ARN of a rules package", text)
		}
	}
	return nil
}

func attributes(in []model.Attribute) []inspector.Attribute {
	out := make([]inspector.Attribute, len(in))
	for i, a := range in {
		out[i] = inspector.Attribute{Key: a.Key, Value: a.Value}
	}
	return out
}

func readTags(t tagsOf, e *entry) error {
	var tags []inspector.Tag
	for _, tag := range t.Tags {
		if slices.ContainsFunc(tags, func(other inspector.Tag) bool { return other.Key == tag.Key }) {
			return refusef("the tag %q is there twice", tag.Key)
		}
		tags = append(tags, inspector.Tag{Key: tag.Key, Value: tag.Value})
	}
	e.item = tagsItem{e.arn, tags}
	return nil
}

func readRun(r model.AssessmentRun, e *entry) error {
	if err := parent("assessment template", r.AssessmentTemplateArn, e.arn.Scope.Template(e.arn.Target, e.arn.Template)); err != nil {
		return err
	}
	if err := packages(r.RulesPackageArns); err != nil {
		return err
	}
	run := inspector.Run{
		ID: e.arn.ID, Target: e.arn.Target, Template: e.arn.Template, Name: r.Name, State: inspector.RunState(r.State),
		Duration: time.Duration(r.DurationInSeconds) * time.Second, Packages: r.RulesPackageArns, Attributes: attributes(r.UserAttributesForFindings),
		CreatedAt: r.CreatedAt.Time, StartedAt: r.StartedAt.Time, CompletedAt: r.CompletedAt.Time, StateChangedAt: r.StateChangedAt.Time,
		DataCollected: r.DataCollected, FindingCounts: map[inspector.Severity]int64{},
	}
	if !run.State.Final() {
		return refusef("it was still %s when it was dumped, and nobody can end it: dump it again once it is over", run.State)
	}
	for _, c := range r.StateChanges {
		run.Changes = append(run.Changes, inspector.StateChange{State: inspector.RunState(c.State), At: c.StateChangedAt.Time})
	}
	for _, severity := range inspector.Severities() {
		run.FindingCounts[severity] = 0
	}
	for name, n := range r.FindingCounts {
		if _, known := run.FindingCounts[inspector.Severity(name)]; !known || n < 0 || n > mostCounted {
			return refusef("it cannot have %d findings of the severity %.40q", n, name)
		}
		run.FindingCounts[inspector.Severity(name)] = n
	}
	if n := len(r.Notifications); n > 0 {
		e.lost = append(e.lost, fmt.Sprintf("%d notifications", n))
	}
	e.item = runItem{run, r.AssessmentTemplateArn}
	return storable([]string{r.Name}, r.CreatedAt, r.StartedAt, r.CompletedAt, r.StateChangedAt)
}

func readExclusion(x model.Exclusion, e *entry) error {
	exclusion := inspector.Exclusion{
		Run: e.arn.Run, ID: e.arn.ID, Title: x.Title, Description: x.Description, Recommendation: x.Recommendation, Attributes: attributes(x.Attributes),
	}
	for _, s := range x.Scopes {
		exclusion.Scopes = append(exclusion.Scopes, inspector.ExclusionScope{Type: inspector.ScopeType(s.Key), Value: s.Value})
	}
	e.item = exclusionItem{exclusion, e.arn}
	return nil
}

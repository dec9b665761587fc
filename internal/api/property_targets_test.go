package api

import (
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"assay/internal/inspector"
)

// Names that are alike but for case, and such as mean something to databases.
var propertyNames = []string{"web", "Web", "we%b", "w_b", "[x]", `a\b`, "a*b", "ü", strings.Repeat("x", 140)}

var propertyPatterns = []string{"web", "W*", "*b", "we%b", "w?b", "w_b", "[x]*", `*\*`, "*e*b*", "*", "a*b", "ü", "none", "*" + strings.Repeat("x", 139), "w**b"}

func (p *property) name() string    { return draw(p, "name", propertyNames...) }
func (p *property) pattern() string { return draw(p, "pattern", propertyPatterns...) }

// tag is a key and perhaps a value.
func (p *property) tag() object {
	out := object{"key": draw(p, "key", "env", "tier", "Env")}
	if value := draw(p, "value", "", "prod", "test", "Prod"); value != "" {
		out["value"] = value
	}
	return out
}

func (p *property) createGroup() {
	tags := []object{}
	for range rapid.IntRange(1, 3).Draw(p.T, "tags") {
		tags = append(tags, p.tag())
	}
	arn := p.create("CreateResourceGroup", "resourceGroupArn", scope.ResourceGroup("0-").String(), object{"resourceGroupTags": tags}, "")
	if p.groups == nil {
		p.groups = map[string]object{}
	}
	p.groups[arn], p.order = object{"arn": arn, "tags": tags, "createdAt": told(p.now)}, append(p.order, arn)
}

func (p *property) describeGroups() {
	p.describe("DescribeResourceGroups", "resourceGroupArns", "resourceGroups", inspector.KindResourceGroup, p.groups, p.order)
}

// group chooses a resource group, none, or one that there is not.
func (p *property) group(in object) (group, outcome string) {
	if draw(p, "group", true, false) {
		return "", ""
	}
	group = p.arn("group", inspector.KindResourceGroup, p.order)
	in["resourceGroupArn"] = group
	if p.groups[group] == nil {
		outcome = "NoSuchEntityException RESOURCE_GROUP_DOES_NOT_EXIST"
	}
	return group, outcome
}

func (p *property) taken(name, except string) bool {
	for _, t := range p.targets {
		if t.name == name && t.arn != except {
			return true
		}
	}
	return false
}

func (p *property) createTarget() {
	in := object{"assessmentTargetName": p.name()}
	group, outcome := p.group(in)
	name := in["assessmentTargetName"].(string)
	switch {
	case outcome != "":
	case len(p.targets) >= propertyLimits.Targets:
		outcome = "LimitExceededException ASSESSMENT_TARGET_LIMIT_EXCEEDED"
	case p.taken(name, ""):
		outcome = "InvalidInputException ASSESSMENT_TARGET_NAME_ALREADY_TAKEN"
	}
	if arn := p.create("CreateAssessmentTarget", "assessmentTargetArn", scope.Target("0-").String(), in, outcome); arn != "" {
		if p.targets == nil {
			p.targets = map[string]*modelTarget{}
		}
		p.targets[arn] = &modelTarget{arn, name, group, p.now, p.now}
	}
}

func (p *property) updateTarget() {
	arn := p.arn("target", inspector.KindTarget, p.targetARNs())
	in := object{"assessmentTargetArn": arn, "assessmentTargetName": p.name()}
	group, outcome := p.group(in)
	name := in["assessmentTargetName"].(string)
	switch {
	case p.targets[arn] == nil:
		outcome = "NoSuchEntityException ASSESSMENT_TARGET_DOES_NOT_EXIST"
	case outcome == "" && p.taken(name, arn):
		outcome = "InvalidInputException ASSESSMENT_TARGET_NAME_ALREADY_TAKEN"
	}
	p.expect("UpdateAssessmentTarget", in, outcome, nil)
	if outcome == "" {
		t := p.targets[arn]
		t.name, t.group, t.updatedAt = name, group, p.now
	}
}

func (p *property) deleteTarget() {
	p.delete("DeleteAssessmentTarget", "assessmentTargetArn", p.arn("target", inspector.KindTarget, p.targetARNs()), "ASSESSMENT_TARGET_DOES_NOT_EXIST")
}

// delete deletes something that may not be there, or be in use.
func (p *property) delete(name, member, arn, missing string) {
	going := []any{}
	for _, r := range p.runsOf(arn) {
		if !r.final() {
			going = append(going, r.arn)
		}
	}
	in := object{member: arn}
	switch _, template := p.templates[arn]; {
	case p.targets[arn] == nil && !template && p.run(arn) == nil:
		p.expect(name, in, "NoSuchEntityException "+missing, nil)
	case len(going) > 0:
		out, e := p.call(name, in)
		p.same(name, in, object{"e": e, "runs": out["assessmentRunArns"]}, object{"e": "AssessmentRunInProgressException", "runs": going})
	default:
		p.expect(name, in, "", nil)
		p.remove(arn)
	}
}

func (p *property) describeTargets() {
	known := map[string]object{}
	for arn, t := range p.targets {
		known[arn] = t.wire()
	}
	p.describe("DescribeAssessmentTargets", "assessmentTargetArns", "assessmentTargets", inspector.KindTarget, known, p.targetARNs())
}

func (p *property) listTargets() {
	in, pattern := object{}, "*"
	if draw(p, "filter", true, false) {
		pattern = p.pattern()
		in["filter"] = object{"assessmentTargetNamePattern": pattern}
	}
	want := func() (want []any) {
		for _, arn := range slices.Sorted(maps.Keys(p.targets)) {
			if glob(pattern, p.targets[arn].name) {
				want = append(want, arn)
			}
		}
		return want
	}
	p.expectPages("ListAssessmentTargets", "assessmentTargetArns", in, "", want, action{"CreateAssessmentTarget", (*property).createTarget})
}

func (p *property) previewAgents() {
	arn := p.arn("target", inspector.KindTarget, p.targetARNs())
	in, want, outcome := object{"previewAgentsArn": arn}, []any{}, ""
	if t := p.targets[arn]; t == nil {
		outcome = "NoSuchEntityException ASSESSMENT_TARGET_DOES_NOT_EXIST"
	} else {
		for _, a := range p.hosts(t) {
			want = append(want, object{
				"agentId": a.ID, "hostname": a.Hostname, "agentHealth": p.health(a), "operatingSystem": a.OS, "kernelVersion": a.Kernel,
				"agentVersion": a.Version, "ipv4Address": "192.0.2.1",
			})
		}
	}
	p.expectPages("PreviewAgents", "agentPreviews", in, outcome, func() []any { return want }, action{"StartAssessmentRun", (*property).startRun})
}

func (p *property) createTemplate() {
	target := p.arn("target", inspector.KindTarget, p.targetARNs())
	t := &modelTemplate{target: target, name: p.name(), seconds: draw(p, "seconds", 180, 3600, 86400), createdAt: p.now}
	t.packages = []string{}
	for range draw(p, "packages", 1, 2, 3, 1, 1, 1, 0) {
		t.packages = append(t.packages, draw(p, "package", practices, aliases[0], aliases[1]))
	}
	if p.rarely("unknown package") {
		t.packages = append(t.packages, scope.RulesPackage("0-xxxxxxxx").String())
	}
	for _, key := range unique(subset(p, "attributes", 3, "team", "cost", "ü")) {
		t.attributes = append(t.attributes, draw(p, "attribute", object{"key": key}, object{"key": key, "value": "blue"}, object{"key": key, "value": `"}`}))
	}
	in := object{"assessmentTargetArn": target, "assessmentTemplateName": t.name, "durationInSeconds": t.seconds, "rulesPackageArns": t.packages}
	if t.attributes != nil {
		in["userAttributesForFindings"] = t.attributes
	}
	t.arn = p.create("CreateAssessmentTemplate", "assessmentTemplateArn", target+"/template/0-", in, p.mayCreate(t))
	if t.arn != "" {
		if p.templates == nil {
			p.templates = map[string]*modelTemplate{}
		}
		p.templates[t.arn] = t
	}
}

func (p *property) mayCreate(t *modelTemplate) string {
	switch {
	case p.targets[t.target] == nil:
		return "NoSuchEntityException ASSESSMENT_TARGET_DOES_NOT_EXIST"
	case slices.Contains(t.packages, scope.RulesPackage("0-xxxxxxxx").String()):
		return "NoSuchEntityException RULES_PACKAGE_DOES_NOT_EXIST"
	case len(p.templates) >= propertyLimits.Templates:
		return "LimitExceededException ASSESSMENT_TEMPLATE_LIMIT_EXCEEDED"
	}
	for _, other := range p.templates {
		if other.target == t.target && other.name == t.name {
			return "InvalidInputException ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN"
		}
	}
	return ""
}

func (p *property) deleteTemplate() {
	p.delete("DeleteAssessmentTemplate", "assessmentTemplateArn", p.arn("template", inspector.KindTemplate, p.templateARNs()), "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
}

func (p *property) describeTemplates() {
	known := map[string]object{}
	for arn, t := range p.templates {
		known[arn] = p.wireTemplate(t)
	}
	p.describe("DescribeAssessmentTemplates", "assessmentTemplateArns", "assessmentTemplates", inspector.KindTemplate, known, p.templateARNs())
}

func (p *property) setTags() {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	in, outcome, tags := object{"resourceArn": arn}, "", []any{}
	for range rapid.IntRange(0, 3).Draw(p.T, "tags") {
		tag := p.tag()
		if slices.ContainsFunc(tags, func(t any) bool { return t.(object)["key"] == tag["key"] }) {
			outcome = "InvalidInputException INVALID_TAG_KEY"
		}
		tags = append(tags, tag)
	}
	if len(tags) > 0 || draw(p, "no tags as a list", true, false) {
		in["tags"] = tags
	}
	if outcome == "" && p.templates[arn] == nil {
		outcome = "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"
	}
	p.expect("SetTagsForResource", in, outcome, nil)
	if outcome == "" {
		p.templates[arn].tags = tags
	}
}

func (p *property) listTags() {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	if t := p.templates[arn]; t != nil {
		p.expect("ListTagsForResource", object{"resourceArn": arn}, "", object{"tags": orNone(t.tags)})
		return
	}
	p.expect("ListTagsForResource", object{"resourceArn": arn}, "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", nil)
}

func (p *property) registerRole() {
	arn := draw(p, "role", "arn:aws:iam::123456789012:role/inspector", "arn:aws:iam::210987654321:role/path/other")
	p.expect("RegisterCrossAccountAccessRole", object{"roleArn": arn}, "", nil)
	p.role = object{"roleArn": arn, "registeredAt": told(p.now), "valid": true}
}

func (p *property) describeRole() { p.expect("DescribeCrossAccountAccessRole", object{}, "", p.role) }

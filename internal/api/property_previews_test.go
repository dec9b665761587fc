package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
)

// modelPreview is an exclusions preview of a template. Its exclusions are those of
// the moment when its job runs.
type modelPreview struct {
	token    string
	madeAt   time.Time
	done     bool
	excluded []string
}

// excluded are the exclusions that a run over hosts has at its start, each as its
// kind and the host.
func (p *property) excluded(hosts []inspector.Agent) (all []string) {
	for _, host := range hosts {
		switch {
		case p.gone(host) && host.SeenAt.IsZero():
			all = append(all, titled(inspector.AgentNotFound, host.ID))
		case p.gone(host):
			all = append(all, titled(inspector.AgentUnhealthy, host.ID))
		}
	}
	if len(hosts) == 0 {
		all = append(all, titled(inspector.NoHosts, ""))
	}
	return all
}

func titled(kind inspector.ExclusionKind, agent string) string {
	return kind.Cause().Title + " " + agent
}

// makePreviews is what the job does.
func (p *property) makePreviews() {
	for _, t := range p.templates {
		hosts := p.hosts(p.targets[t.target])
		for _, preview := range t.previews {
			if preview.done {
				continue
			}
			preview.done, preview.excluded = true, p.excluded(hosts)
			for _, host := range hosts {
				if p.busy(host) != nil {
					preview.excluded = append(preview.excluded, titled(inspector.AgentBusy, host.ID))
				}
			}
			slices.Sort(preview.excluded)
		}
	}
}

// busy is the run that a host is in.
func (p *property) busy(host inspector.Agent) *modelRun {
	for _, r := range p.runs {
		if !r.final() && slices.ContainsFunc(r.parts, func(part *modelPart) bool { return part.agent == host.ID }) {
			return r
		}
	}
	return nil
}

func (p *property) createPreview() {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	in, t, outcome := object{"assessmentTemplateArn": arn}, p.templates[arn], ""
	switch {
	case t == nil:
		outcome = "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"
	case len(t.packages) == 0: // there can be no run of which it would tell
		outcome = "InvalidInputException INVALID_NUMBER_OF_RULES_PACKAGE_ARNS"
	case slices.ContainsFunc(t.previews, func(preview *modelPreview) bool { return !preview.done }):
		outcome = "PreviewGenerationInProgressException"
	}
	out, e := p.call("CreateExclusionsPreview", in)
	if e != outcome {
		p.Fatalf("CreateExclusionsPreview %v: got %q, want %q", in, e, outcome)
	}
	if e != "" {
		return
	}
	// The newest ten of a template are kept.
	slices.SortFunc(t.previews, func(a, b *modelPreview) int {
		return cmp.Or(b.madeAt.Compare(a.madeAt), strings.Compare(a.token, b.token))
	})
	preview := &modelPreview{token: out["previewToken"].(string), madeAt: p.now}
	t.previews = append(t.previews[:min(9, len(t.previews))], preview)
	if draw(p, "its job runs", true, false) {
		p.work()
		p.readPreview(object{"assessmentTemplateArn": arn, "previewToken": preview.token}, preview)
	}
}

// getPreview reads a preview, or asks for one that there is not, or not there.
func (p *property) getPreview() {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	all := []*modelPreview{{token: "123e4567-e89b-42d3-a456-426614174000"}}
	for _, arn := range p.templateARNs() {
		all = append(all, p.templates[arn].previews...)
	}
	preview := all[len(all)-1]
	if p.rarely("any preview") {
		preview = all[draw(p, "which", 0, len(all)/2, len(all)-1)]
	} else if len(all) > 1 {
		arn = p.templateOf(preview)
	}
	in, t := object{"assessmentTemplateArn": arn, "previewToken": preview.token}, p.templates[arn]
	switch {
	case t == nil || !slices.Contains(t.previews, preview):
		p.expect("GetExclusionsPreview", in, "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", nil)
	case !preview.done:
		p.expect("GetExclusionsPreview", in, "", object{"previewStatus": "WORK_IN_PROGRESS"})
	default:
		p.readPreview(in, preview)
	}
}

func (p *property) templateOf(preview *modelPreview) string {
	for _, arn := range p.templateARNs() {
		if slices.Contains(p.templates[arn].previews, preview) {
			return arn
		}
	}
	return ""
}

// readPreview reads all pages, while other things happen.
func (p *property) readPreview(in object, preview *modelPreview) {
	in["maxResults"] = draw(p, "maxResults", 1, 2, 500)
	var between func()
	if draw(p, "meanwhile", false, true) {
		between = func() {
			p.startRun()
			p.hear()
		}
	}
	all, e := p.pages("GetExclusionsPreview", "exclusionPreviews", in, between)
	got := []string{}
	for _, exclusion := range all {
		agent := ""
		for _, s := range exclusion.(object)["scopes"].([]any) {
			if s.(object)["key"] == "INSTANCE_ID" {
				agent = fmt.Sprint(s.(object)["value"])
			}
		}
		got = append(got, exclusion.(object)["title"].(string)+" "+agent)
	}
	slices.Sort(got)
	p.same("GetExclusionsPreview", in, p.decoded(object{"e": e, "all": got}), object{"e": "", "all": append([]string{}, preview.excluded...)})
}

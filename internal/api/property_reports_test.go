package api

import (
	"net/http/httptest"
	"strings"

	"assay/internal/inspector"
)

// modelReport is a report of a run that somebody asked for.
type modelReport struct {
	kind, format string
	done         bool
}

func (r *modelRun) report(kind, format string) *modelReport {
	for _, report := range r.reports {
		if report.kind == kind && report.format == format {
			return report
		}
	}
	return nil
}

func (p *property) getReport() {
	arn := p.arn("run", inspector.KindRun, p.runARNs())
	kind, format := draw(p, "type", "FINDING", "FULL"), draw(p, "format", "HTML", "HTML", "HTML", "HTML", "HTML", "HTML", "HTML", "HTML", "HTML", "PDF")
	in := object{"assessmentRunArn": arn, "reportType": kind, "reportFileFormat": format}
	r := p.run(arn)
	switch {
	case r == nil:
		p.expect("GetAssessmentReport", in, "NoSuchEntityException ASSESSMENT_RUN_DOES_NOT_EXIST", nil)
	case !r.final():
		out, e := p.call("GetAssessmentReport", in)
		p.same("GetAssessmentReport", in, object{"e": e, "runs": out["assessmentRunArns"], "more": out["assessmentRunArnsTruncated"]},
			object{"e": "AssessmentRunInProgressException", "runs": []string{arn}, "more": false})
	case !r.shown:
		p.expect("GetAssessmentReport", in, "UnsupportedFeatureException", nil)
	case r.report(kind, format) == nil:
		r.reports = append(r.reports, &modelReport{kind: kind, format: format})
		fallthrough
	case !r.report(kind, format).done:
		p.expect("GetAssessmentReport", in, "", object{"status": "WORK_IN_PROGRESS"})
	default:
		p.getDocument(r, in)
		return
	}
	if r != nil && r.report(kind, format) != nil && draw(p, "its job runs", true, false) {
		p.work()
		p.getDocument(r, in)
	}
}

// getDocument reads a report by its link, without a signature.
func (p *property) getDocument(r *modelRun, in object) {
	out, e := p.call("GetAssessmentReport", in)
	link, _ := out["url"].(string)
	if e != "" || out["status"] != "COMPLETED" || link == "" {
		p.Fatalf("GetAssessmentReport %v: %v %s", in, out, e)
	}
	p.links = append(p.links, modelLink{link, r, in})
	p.readLink(p.links[len(p.links)-1])
}

// modelLink is a link to a report that was given out.
type modelLink struct {
	url string
	run *modelRun
	in  object
}

// readLinks reads reports by links that were given out before: those of runs that
// were deleted meanwhile are gone.
func (p *property) readLinks() {
	if len(p.links) > 0 {
		p.readLink(p.links[draw(p, "link", len(p.links)-1, 0, len(p.links)/2)])
	}
}

func (p *property) readLink(link modelLink) {
	w := httptest.NewRecorder()
	p.world.api.ServeHTTP(w, httptest.NewRequest("GET", link.url, nil))
	text, status, begin := w.Body.String(), 200, "<!DOCTYPE html>"
	if link.in["reportFileFormat"] == "PDF" {
		begin = "%PDF-1.7"
	}
	if p.run(link.run.arn) == nil {
		status, begin = 403, "This link is not valid"
	}
	if w.Code != status || !strings.HasPrefix(text, begin) {
		p.Fatalf("the report %v: %d %.100q, want %d %q", link.in, w.Code, text, status, begin)
	}
	if status == 200 && link.in["reportFileFormat"] == "HTML" {
		for _, f := range link.run.findings {
			if !strings.Contains(text, f.agent) || !strings.Contains(text, mustParse(link.run.arn).ID) {
				p.Fatalf("the report %v says nothing of %s", link.in, f.agent)
			}
		}
	}
}

package assess

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"assay/internal/inspector"
	"assay/internal/report"
	"assay/internal/rules"
	"assay/internal/store"
)

// maxReportRules is how many rules a report lists with their counts. A host's own
// results are always complete.
const maxReportRules = 20_000

// reportPage is how many findings, or hosts, a report holds at a time.
const reportPage = 100

// reporter reads a run for its report. A run that is over does not change; where
// it is deleted meanwhile the report ends early, and nobody gets it.
type reporter struct {
	*Service
	ctx      context.Context
	run      inspector.Run
	packages []*report.Package
	rules    map[inspector.PackageID]map[string]int // index in Package.Rules
	listed   int
	out      report.Report
}

// reportOf gathers what a report tells. What is long comes as pages, when the
// report asks for it.
func (s *Service) reportOf(ctx context.Context, p inspector.Report) (report.Report, error) {
	r := &reporter{Service: s, ctx: ctx, rules: map[inspector.PackageID]map[string]int{}, out: report.Report{
		Type: p.Type, Service: "Assay " + s.Version, Made: p.RequestedAt, Verdicts: map[string]int64{},
	}}
	for _, step := range []func(run string) error{r.describe, r.count, r.survey} {
		if err := step(p.Run); err != nil {
			return r.out, err
		}
	}
	for _, pkg := range r.packages {
		r.out.Packages = append(r.out.Packages, *pkg)
	}
	r.out.AllHosts, r.out.Groups, r.out.AllExclusions = r.hosts(), r.groups(), r.exclusions()
	if p.Type == inspector.ReportFull {
		r.out.Results = r.results()
	}
	return r.out, nil
}

// describe reads the run, and what it is a run of.
func (r *reporter) describe(id string) error {
	runs, err := r.Store.Runs(r.ctx, []string{id})
	if err != nil {
		return err
	}
	run, ok := runs[id]
	if !ok {
		return noSuch("ASSESSMENT_RUN_DOES_NOT_EXIST", "assessment run", id)
	}
	targets, err := r.Store.Targets(r.ctx, []string{run.Target})
	if err != nil {
		return err
	}
	templates, err := r.Store.Templates(r.ctx, []string{run.Template})
	if err != nil {
		return err
	}
	scope := r.Store.Scope
	r.run, r.out.Run, r.out.RunARN = run, run, scope.Run(run.Target, run.Template, run.ID).String()
	r.out.Target, r.out.TargetARN = targets[run.Target].Name, scope.Target(run.Target).String()
	r.out.Template, r.out.TemplateARN = templates[run.Template].Name, scope.Template(run.Target, run.Template).String()
	for _, arn := range run.Packages {
		r.addPackage(arn)
	}
	slices.SortStableFunc(r.packages, func(a, b *report.Package) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// addPackage describes a rules package of the run: one that this service does not
// have by its ARN.
func (r *reporter) addPackage(arn string) {
	id, ok := r.resolve(arn)
	if !ok {
		r.packages = append(r.packages, &report.Package{ID: inspector.PackageID(arn), Name: arn, ARN: arn})
		return
	}
	if r.rules[id] != nil {
		return // named twice, by two of its ARNs
	}
	p := &report.Package{ID: id, Name: string(id), ARN: arn, Counts: map[inspector.Severity]int64{}}
	r.rules[id] = map[string]int{}
	if have := r.Service.packages[id]; have != nil {
		d := have.Describe()
		p.Name, p.Text = d.Name, d.Text
		for _, rule := range d.Rules {
			r.addRule(p, report.Rule{ID: rule.ID, Title: rule.Title, Severity: rule.Severity})
		}
	}
	r.packages = append(r.packages, p)
}

func (r *reporter) addRule(p *report.Package, rule report.Rule) {
	if r.listed == maxReportRules {
		r.out.MoreRules = true
		return
	}
	rule.Verdicts = map[string]int64{}
	r.rules[p.ID][rule.ID] = len(p.Rules)
	p.Rules = append(p.Rules, rule)
	r.listed++
}

// count counts findings and exclusions.
func (r *reporter) count(run string) error {
	counts, err := r.Store.FindingCounts(r.ctx, run)
	if err != nil {
		return err
	}
	for _, c := range counts {
		for _, p := range r.packages {
			if p.ID == c.Package {
				p.Counts[c.Severity] = c.N
			}
		}
	}
	r.out.Exclusions, err = r.Store.CountExclusions(r.ctx, run)
	return err
}

// survey looks once through all results: which versions of the packages gave
// them, and how often each rule gave which verdict.
func (r *reporter) survey(string) error {
	for part, err := range r.parts() {
		if err != nil {
			return err
		}
		r.out.Hosts++
		evaluated := false
		for results, err := range r.resultsOf(part.Agent) {
			if err != nil {
				return err
			}
			evaluated = true
			r.note(results)
		}
		if !evaluated {
			r.out.Unassessed++
		}
	}
	for _, p := range r.packages {
		if len(p.Versions) == 0 {
			p.Rules = nil // none was evaluated
		}
	}
	return nil
}

func (r *reporter) note(results HostResults) {
	i := slices.IndexFunc(r.packages, func(p *report.Package) bool { return p.ID == results.Package })
	p := r.packages[i]
	if !slices.Contains(p.Versions, results.Version) {
		p.Versions = append(p.Versions, results.Version)
	}
	for _, result := range results.Results {
		verdict := string(result.Verdict)
		r.out.Verdicts[verdict]++
		if result.Verdict == rules.Failed && result.Suppressed != nil {
			r.out.Suppressed++
		}
		at, known := r.rules[p.ID][result.Rule]
		if !known {
			r.addRule(p, report.Rule{ID: result.Rule, Severity: result.Severity})
			at, known = r.rules[p.ID][result.Rule]
		}
		if known {
			p.Rules[at].Verdicts[verdict]++
		}
	}
}

// parts are the hosts of the run by their ids.
func (r *reporter) parts() iter.Seq2[inspector.RunAgent, error] {
	return paged(func(p inspector.Page) ([]inspector.RunAgent, string, error) {
		return r.Store.RunAgents(r.ctx, r.run.ID, inspector.RunAgentFilter{}, p)
	})
}

// paged goes through a list page by page.
func paged[T any](next func(inspector.Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		page := inspector.Page{Limit: reportPage}
		for {
			items, after, err := next(page)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if after == "" {
				return
			}
			page.After = after
		}
	}
}

// resultsOf are the results of the run's packages on a host.
func (r *reporter) resultsOf(agent string) iter.Seq2[HostResults, error] {
	return func(yield func(HostResults, error) bool) {
		for _, p := range r.packages {
			data, ok, err := r.Store.Results(r.ctx, r.run.ID, agent, p.ID)
			if err == nil && !ok {
				continue
			}
			var results HostResults
			if err == nil {
				results, err = DecodeResults(data)
				results.Package = p.ID
			}
			if !yield(results, err) || err != nil {
				return
			}
		}
	}
}

// exclusions are those of the run.
func (r *reporter) exclusions() iter.Seq2[inspector.Exclusion, error] {
	return paged(func(p inspector.Page) ([]inspector.Exclusion, string, error) {
		return r.Store.ListExclusions(r.ctx, r.run.ID, p)
	})
}

// groups are the findings of the run, each with its hosts.
func (r *reporter) groups() iter.Seq2[report.Group, error] {
	groups := paged(func(p inspector.Page) ([]store.FindingGroup, string, error) {
		p.Limit = 1000 // each page goes through all findings
		return r.Store.FindingGroups(r.ctx, r.run.ID, p)
	})
	return func(yield func(report.Group, error) bool) {
		for g, err := range groups {
			out := report.Group{Package: g.Package, Severity: g.Severity, ID: g.Rule, Count: g.Findings, Hosts: g.Hosts}
			out.Findings = paged(func(p inspector.Page) ([]inspector.Finding, string, error) {
				return r.Store.FindingsOfGroup(r.ctx, r.run.ID, g, p)
			})
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

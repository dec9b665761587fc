package cli

import (
	"context"
	"fmt"

	"assay/internal/advisory/index"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
)

// failure is a result that failed and is, or would be, suppressed.
type failure struct {
	Agent      string              `json:"agent"`
	Host       string              `json:"host"`
	Package    inspector.PackageID `json:"rules_package"`
	Rule       string              `json:"rule"`
	Subject    string              `json:"subject,omitempty"`
	Finding    string              `json:"finding"`
	Severity   inspector.Severity  `json:"severity"`
	Title      string              `json:"title"`
	Suppressed *rules.Suppression  `json:"suppressed,omitempty"`
}

// failures lists the results of a host that failed and that fn keeps.
func failures(r operator.HostResults, host string, keep func(rules.Result) bool) (all []failure) {
	o := rules.Observe(describe(r.Package), rules.Subject{Agent: inspector.Asset{Agent: r.Agent}}, r.Results)
	for _, f := range o.Failed {
		if keep(f.Result) {
			all = append(all, failure{r.Agent, hostName(host, r.Agent), r.Package, f.Result.Rule, f.Result.Subject, f.Finding, f.Severity, f.Title, f.Result.Suppressed})
		}
	}
	return all
}

func isSuppressed(r rules.Result) bool { return r.Suppressed != nil }

// describe describes a rules package as this program has it; one that it does not
// have has its id alone.
func describe(id inspector.PackageID) rules.Description {
	for _, p := range catalog.Packages(new(index.Current)) { // to describe needs no advisories
		if d := p.Describe(); d.ID == id {
			return d
		}
	}
	return rules.Description{ID: id}
}

// assets are the hosts as they are now, by agent.
func (c *client) assets(ctx context.Context) (map[string]inspector.Asset, error) {
	all := map[string]inspector.Asset{}
	err := c.agents(ctx, func(a operator.Agent) {
		all[a.ID] = inspector.Asset{Agent: a.ID, Hostname: a.Hostname, Tags: a.Tags}
	})
	return all, err
}

// previewSuppression shows which findings of a run a suppression would have
// suppressed, on hosts as they are now: what the next run would not find.
func (c *Command) previewSuppression(ctx context.Context, client *client, run string, request operator.AddSuppressionRequest, asJSON bool) error {
	arn, err := client.findRun(ctx, run)
	if err != nil {
		return err
	}
	assets, err := client.assets(ctx)
	if err != nil {
		return err
	}
	all := []failure{}
	one := []inspector.Suppression{request.Suppression()}
	err = client.results(ctx, arn, func(r operator.HostResults) {
		asset := assets[r.Agent]
		asset.Agent = r.Agent
		r.Results = rules.Suppress(describe(r.Package), rules.Subject{Agent: asset}, r.Results, one)
		all = append(all, failures(r, asset.Hostname, func(m rules.Result) bool { return m.Suppressed != nil && m.Suppressed.ID == "" })...)
	})
	for i := range all {
		all[i].Suppressed = nil // it is not yet
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.Stdout, all)
	}
	if err := printFailures(c, all, ""); err != nil {
		return err
	}
	fmt.Fprintf(text{c.Stdout}, "Of the run %s it would suppress %s. Nothing was added.\n", shortID(arn), count(len(all), "finding"))
	return nil
}

// printFailures prints a table; extra is the heading of what they are suppressed by,
// where they are.
func printFailures(c *Command, all []failure, extra string) error {
	if len(all) == 0 {
		return nil
	}
	return table(c.Stdout, "HOST\tPACKAGE\tSEVERITY\tFINDING\tTITLE"+extra, func(row func(...any)) {
		for _, f := range all {
			cells := []any{f.Host, f.Package, f.Severity, f.Finding, f.Title}
			if f.Suppressed != nil {
				cells = append(cells, f.Suppressed)
			}
			row(cells...)
		}
	})
}

// listSuppressed lists what a run found and does not have as findings.
func (c *Command) listSuppressed(ctx context.Context, client *client, run string, asJSON bool) error {
	assets, err := client.assets(ctx)
	if err != nil {
		return err
	}
	all := []failure{}
	err = client.results(ctx, run, func(r operator.HostResults) {
		all = append(all, failures(r, assets[r.Agent].Hostname, isSuppressed)...)
	})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.Stdout, all)
	}
	if err := printFailures(c, all, "\tSUPPRESSED BY"); err != nil {
		return err
	}
	fmt.Fprintf(text{c.Stdout}, "Suppressed in the run %s: %s.\n", shortID(run), count(len(all), "finding"))
	return nil
}

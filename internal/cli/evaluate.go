package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"assay/internal/assess"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/telemetry"
)

// evaluate evaluates a snapshot file without any service.
func (c *Command) evaluate(ctx context.Context, v verb, args []string) error {
	set := c.flags(v)
	asJSON := set.Bool("json", false, "print JSON")
	all := set.Bool("results", false, "print every rule's verdict, too")
	failOn := set.String("fail-on", "", "exit with 1 if a finding is of this `severity` or worse: high, medium, low, informational")
	var limits rulesFlags
	limits.register(set)
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	settings, err := limits.settings()
	if err != nil {
		return err
	}
	threshold, err := (&assessFlags{failOn: *failOn}).threshold()
	if err != nil {
		return err
	}
	h, err := readSnapshot(set.Arg(0))
	if err != nil {
		return err
	}
	o, results, err := evaluateHost(ctx, h, rules.Input{Now: time.Now(), Settings: settings})
	if err != nil {
		return err
	}
	if !*all {
		results = nil
	}
	if *asJSON {
		o.Results = results
		if err := printJSON(c.Stdout, o); err != nil {
			return err
		}
		return o.exit(threshold)
	}
	o.print(c.Stdout)
	if *all {
		fmt.Fprintln(c.Stdout)
		printResults(c.Stdout, results)
	}
	return o.exit(threshold)
}

// readSnapshot reads a file that assay-agent collect has made.
func readSnapshot(name string) (*host.Host, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the snapshot: %w", err)
	}
	defer file.Close()
	reader, err := telemetry.NewReader(file, telemetry.Limits{})
	if err != nil {
		return nil, fmt.Errorf("read the snapshot %s: %w", name, err)
	}
	defer reader.Close()
	h := host.New(reader.Header().Agent)
	if err := h.Read(reader); err != nil {
		return nil, fmt.Errorf("read the snapshot %s: %w", name, err)
	}
	h.Seal()
	return h, nil
}

// evaluateHost gives the outcome of every rules package on a host.
func evaluateHost(ctx context.Context, h *host.Host, in rules.Input) (*outcome, []operator.HostResults, error) {
	asset := inspector.Asset{Agent: h.ID}
	if system := h.System(); system.OK() {
		asset.Hostname = system.Value.Hostname
	}
	name := hostName(asset.Hostname, "snapshot")
	if asset.Agent == "" {
		asset.Agent = name
	}
	o := newOutcome()
	o.Hosts = 1
	o.notSeen(asset.Agent, assess.NotSeen(h))
	var all []operator.HostResults
	for _, p := range catalog.Packages() {
		results, err := p.Evaluate(ctx, h, in)
		if err != nil {
			return nil, nil, fmt.Errorf("evaluate %s: %w", p.Describe().Name, err)
		}
		d := p.Describe()
		all = append(all, operator.HostResults{Agent: name, Package: d.ID, Version: d.Version, EvaluatedAt: in.Now, Results: results})
		for _, r := range results {
			o.Verdicts[string(r.Verdict)]++
		}
		// The ids are keyed by nothing: findings of a file have no ARN.
		findings, exclusions := rules.Derive(d, rules.Subject{Agent: asset, PackageARN: d.Name, Now: in.Now}, results)
		o.add(findings, exclusions, name)
	}
	o.sort()
	return o, all, nil
}

func (o *outcome) add(findings []inspector.Finding, exclusions []inspector.Exclusion, name string) {
	for _, f := range findings {
		o.Counts[string(f.Severity)]++
		o.Findings = append(o.Findings, finding{
			Severity: f.Severity, Agent: f.Agent, Host: name, Package: string(f.Package), Rule: f.Rule,
			Title: f.Title, Description: f.Description, Recommendation: f.Recommendation, Evidence: some(f.Evidence),
		})
	}
	for _, e := range exclusions {
		u := unchecked{Title: e.Title, Description: e.Description, Recommendation: e.Recommendation, Scopes: []string{}}
		for _, s := range e.Scopes {
			u.Scopes = append(u.Scopes, s.Value)
		}
		o.Unchecked = append(o.Unchecked, u)
	}
}

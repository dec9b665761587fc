package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"assay/internal/assess"
	"assay/internal/export"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/release"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/telemetry"
)

// evaluate evaluates a snapshot file without any service.
func (c *Command) evaluate(ctx context.Context, set *flag.FlagSet, args []string) error {
	asJSON := set.Bool("json", false, "print JSON")
	all := set.Bool("results", false, "print every rule's verdict, too")
	var failOn inspector.Severity
	failOnFlag(set, &failOn, "exit with 1 if a finding is of this `severity` or worse")
	suppressions := set.String("suppressions", "", "suppress what this `file` says, as assay suppress list -json has printed it")
	var as exportFlags
	formatFlag(set, &as.format, "", "print the findings in this `format`")
	productFlag(set, &as.options.ProductARN)
	folder := set.String("advisories", "", "compare with the advisories in this `folder`; default advisories in the folder "+defaultData+", or what comes with the program")
	var limits rulesFlags
	limits.register(set)
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	settings, err := limits.settings()
	if err != nil {
		return err
	}
	if as.format != "" {
		err := export.Check(as.format, false, as.options)
		if err == nil && *asJSON {
			err = errors.New("-json and -format exclude each other")
		}
		if err != nil {
			return usageError{err}
		}
	}
	suppressed, err := suppressionsFrom(*suppressions)
	if err != nil {
		return err
	}
	h, err := readSnapshot(set.Arg(0))
	if err != nil {
		return err
	}
	advisories := openAdvisories(ctx, *folder)
	defer advisories.close()
	packages, left := forSnapshot(catalog.Packages(advisories), h)
	c.sayLeftOut(left)
	o, results, err := evaluateHost(ctx, h, packages, rules.Input{Now: time.Now(), Settings: settings}, suppressed)
	if err != nil {
		return err
	}
	o.LeftOut = left
	if as.format != "" {
		if err := writeTo(c.Stdout, o.exported(filepath.Base(set.Arg(0))), as); err != nil {
			return err
		}
		return o.exit(failOn)
	}
	if !*all {
		results = nil
	}
	if *asJSON {
		o.Results = results
		if err := printJSON(c.Stdout, o); err != nil {
			return err
		}
		return o.exit(failOn)
	}
	o.print(c.Stdout)
	if *all {
		fmt.Fprintln(c.Stdout)
		printResults(c.Stdout, results)
	}
	return o.exit(failOn)
}

// suppressionsFrom reads a file of suppressions; without a name there are none.
func suppressionsFrom(name string) ([]inspector.Suppression, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	var all []inspector.Suppression
	if err == nil {
		all, err = readSuppressions(data)
	}
	if err != nil {
		return nil, fmt.Errorf("read the suppressions of %s: %w", name, err)
	}
	return all, nil
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
		return nil, fmt.Errorf("read the snapshot %s (a file that assay-agent collect -o has made): %w", name, err)
	}
	defer reader.Close()
	h := host.New(reader.Header().Agent)
	if err := h.Read(reader); err != nil {
		return nil, fmt.Errorf("read the snapshot %s: %w", name, err)
	}
	h.Seal()
	return h, nil
}

// evaluateHost gives the outcome of every rules package on a host, but for what is
// suppressed. A host in a file has no tags.
func evaluateHost(ctx context.Context, h *host.Host, packages []rules.Package, in rules.Input, suppressions []inspector.Suppression) (*outcome, []operator.HostResults, error) {
	asset := inspector.Asset{Agent: h.ID}
	if system := h.System(); system.OK() {
		asset.Hostname, in.Collected = system.Value.Hostname, system.Value.CollectedAt
	}
	name := hostName(asset.Hostname, "snapshot")
	if asset.Agent == "" {
		asset.Agent = name
	}
	o := newOutcome()
	o.Hosts = 1
	o.notSeen(asset.Agent, assess.NotSeen(h))
	var all []operator.HostResults
	for _, p := range packages {
		results, err := p.Evaluate(ctx, h, in)
		if err != nil {
			return nil, nil, fmt.Errorf("evaluate %s: %w", p.Describe().Name, err)
		}
		// The ids are keyed by nothing: findings of a file have no ARN.
		d := p.Describe()
		subject := rules.Subject{Agent: asset, PackageARN: d.Name, Now: in.Now}
		results = rules.Suppress(d, subject, results, suppressions)
		all = append(all, operator.HostResults{Agent: name, Package: d.ID, Version: d.Version, EvaluatedAt: in.Now, Results: results})
		o.verdicts(results)
		findings, exclusions := rules.Derive(d, subject, results)
		o.add(findings, exclusions, name)
		o.packages = append(o.packages, inspector.RulesPackage{ID: d.ID, Name: d.Name, Version: d.Version})
	}
	o.sort()
	return o, all, nil
}

func (o *outcome) add(findings []inspector.Finding, exclusions []inspector.Exclusion, name string) {
	for _, f := range findings {
		o.Counts[string(f.Severity)]++
		f.PackageARN = "" // nobody has one outside of a service
		o.made = append(o.made, export.Finding{Finding: f})
		o.Findings = append(o.Findings, finding{
			Severity: f.Severity, Agent: f.Agent, Host: name, Package: string(f.Package), Rule: f.Rule,
			Title: f.Title, Description: f.Description, Recommendation: f.Recommendation, Evidence: some(f.Evidence),
			Attributes: byKey(f.Attributes),
		})
	}
	for _, e := range exclusions {
		u := unchecked{Title: e.Title, Description: e.Description, Recommendation: e.Recommendation, Scopes: []string{}}
		for _, s := range e.Scopes {
			u.Scopes = append(u.Scopes, s.Value)
		}
		o.Unchecked = append(o.Unchecked, u)
		o.excluded = append(o.excluded, e)
	}
}

// exported is the outcome of a file as a run that can be exported.
func (o *outcome) exported(name string) export.Run {
	return export.Run{
		Name: name, Complete: o.complete(), Packages: o.packages, Version: release.Version(),
		Findings: all(o.made), Unchecked: all(o.excluded),
	}
}

// all are the entries of a list, none of which fails.
func all[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, entry := range list {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

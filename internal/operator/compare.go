package operator

import (
	"context"
	"maps"
	"slices"
	"time"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/rules"
	"assay/internal/store"
)

// CompareRuns tells what became of findings between two runs.
const CompareRuns = "CompareRuns"

// CompareRequest asks for a page of hosts.
type CompareRequest struct {
	Before string `json:"beforeArn"` // of the older run
	After  string `json:"afterArn"`
	PageRequest
}

// CompareResponse has an entry for each host and rules package with findings.
type CompareResponse struct {
	Hosts     []HostChanges `json:"hosts"`
	NextToken string        `json:"nextToken,omitempty"`
}

// HostChanges is what became of the findings of a rules package on a host.
type HostChanges struct {
	Agent    string              `json:"agentId"`
	Hostname string              `json:"hostname,omitempty"` // as it is now
	Package  inspector.PackageID `json:"rulesPackage"`
	Changes  []FindingChange     `json:"changes"`
}

// FindingChange is what became of a finding.
type FindingChange struct {
	Change     assess.Change      `json:"change"`
	Before     assess.Presence    `json:"before"`
	ARN        string             `json:"arn,omitempty"` // in the later of the two runs that has it as a finding
	Rule       string             `json:"rule"`
	Subject    string             `json:"subject,omitempty"`
	Finding    string             `json:"finding"`
	Title      string             `json:"title"`
	Severity   inspector.Severity `json:"severity"`
	Reason     string             `json:"reason,omitempty"` // why it was not checked
	Suppressed *rules.Suppression `json:"suppressed,omitempty"`
	FindingLife
}

// FindingLife is when a host had a finding, of all runs that tell of it. What is not
// known is left out.
type FindingLife struct {
	First *Sighting `json:"firstSeen,omitempty"`
	Last  *Sighting `json:"lastSeen,omitempty"`
	Gone  *Sighting `json:"goneSince,omitempty"`
}

// Sighting is a run that tells of a finding.
type Sighting struct {
	At  time.Time `json:"at"` // when the host was as that run's telemetry shows it
	Run string    `json:"assessmentRunArn,omitempty"`

	// Deleted tells that there is no such run any more, and so no ARN.
	Deleted bool `json:"runDeleted,omitempty"`
}

func (o operations) compare(ctx context.Context, in CompareRequest) (CompareResponse, error) {
	page, err := in.page()
	if err != nil {
		return CompareResponse{}, err
	}
	before, err := o.comparable(ctx, in.Before)
	if err != nil {
		return CompareResponse{}, err
	}
	after, err := o.comparable(ctx, in.After)
	if err != nil {
		return CompareResponse{}, err
	}
	if !before.CreatedAt.Before(after.CreatedAt) {
		return CompareResponse{}, invalid("INVALID_ASSESSMENT_RUN_ARN", "the run %s does not come after %s: name the older run first", after.ID, before.ID)
	}
	all, next, err := o.Service.Compare(ctx, before, after, page)
	if err != nil {
		return CompareResponse{}, err
	}
	wire, err := o.wireChanges(ctx, before, after, all)
	return CompareResponse{Hosts: wire, NextToken: next}, err
}

// comparable finds a run that has results to compare.
func (o operations) comparable(ctx context.Context, arn string) (inspector.Run, error) {
	run, err := o.run(ctx, arn)
	if err != nil {
		return run, err
	}
	if run.State != inspector.Completed && run.State != inspector.CompletedWithErrors {
		return run, invalid("INVALID_ASSESSMENT_RUN_ARN", "the run %s is %s: only runs whose evaluation is over can be compared", run.ID, run.State)
	}
	imported, err := o.Store.Imported(ctx, run.ID)
	if err == nil && imported {
		err = invalid("INVALID_ASSESSMENT_RUN_ARN", "the run %s was imported: its findings have ids that no other run has, and it tells nothing about rules that passed", run.ID)
	}
	return run, err
}

func (o operations) wireChanges(ctx context.Context, before, after inspector.Run, all []assess.HostChanges) ([]HostChanges, error) {
	var lives []ledger.Life
	var agents []string
	for _, host := range all {
		agents = append(agents, host.Agent)
		for _, c := range host.Changes {
			lives = append(lives, c.Life)
		}
	}
	arns, err := o.runARNs(ctx, lives)
	if err != nil {
		return nil, err
	}
	known, err := o.Store.Agents(ctx, agents)
	wire := []HostChanges{}
	for _, host := range all {
		out := HostChanges{Agent: host.Agent, Hostname: known[host.Agent].Hostname, Package: host.Package}
		for _, c := range host.Changes {
			out.Changes = append(out.Changes, FindingChange{
				Change: c.Change, Before: c.Before, ARN: o.changedARN(before, after, c), Rule: c.Result.Rule, Subject: c.Result.Subject, Finding: c.Finding,
				Title: c.Title, Severity: c.Severity, Reason: c.Reason, Suppressed: suppressedNow(c), FindingLife: arns.life(c.Life),
			})
		}
		wire = append(wire, out)
	}
	return wire, err
}

// suppressedNow is the suppression of a finding that is suppressed in the later run;
// of one that is gone it does not matter any more.
func suppressedNow(c assess.FindingChange) *rules.Suppression {
	if c.Change != assess.ChangeSuppressed || c.Reason != "" {
		return nil
	}
	return c.Result.Suppressed
}

// changedARN is the ARN of a finding in the run that has it.
func (o operations) changedARN(before, after inspector.Run, c assess.FindingChange) string {
	run := after
	switch {
	case c.Change == assess.ChangeNew || c.Change == assess.ChangeOpen:
	case c.Before == assess.PresentOpen:
		run = before
	default:
		return ""
	}
	return o.Store.Scope.Run(run.Target, run.Template, run.ID).Finding(c.ID).String()
}

// runNames are the ARNs of runs that there are, by id.
type runNames map[string]string

// runARNs looks up the runs that lives tell of.
func (o operations) runARNs(ctx context.Context, lives []ledger.Life) (runNames, error) {
	wanted := map[string]bool{}
	for _, l := range lives {
		for _, s := range []ledger.Sighting{l.First, l.Last, l.Gone} {
			if s.Run != "" {
				wanted[s.Run] = true
			}
		}
	}
	names := runNames{}
	for some := range slices.Chunk(slices.Collect(maps.Keys(wanted)), 500) {
		runs, err := o.Store.Runs(ctx, some)
		if err != nil {
			return nil, err
		}
		for id, r := range runs {
			names[id] = o.runARN(r)
		}
	}
	return names, nil
}

func (n runNames) life(l ledger.Life) FindingLife {
	return FindingLife{First: n.sighting(l.First), Last: n.sighting(l.Last), Gone: n.sighting(l.Gone)}
}

func (n runNames) sighting(s ledger.Sighting) *Sighting {
	if s.Run == "" {
		return nil
	}
	arn, ok := n[s.Run]
	return &Sighting{At: s.At, Run: arn, Deleted: !ok}
}

// lives reads the lives of findings, by finding.
func (o operations) lives(ctx context.Context, found map[store.FindingRef]inspector.Finding) (map[store.FindingRef]ledger.Life, error) {
	type owner struct {
		agent string
		pkg   inspector.PackageID
	}
	ledgers, lives := map[owner]*ledger.Ledger{}, map[store.FindingRef]ledger.Life{}
	for ref, f := range found {
		of := owner{f.Agent, f.Package}
		if ledgers[of] == nil {
			read, err := o.Store.Ledger(ctx, f.Agent, f.Package)
			if err != nil {
				return nil, err
			}
			ledgers[of] = read
		}
		if life, ok := ledgers[of].Of(f.ID); ok {
			lives[ref] = life
		}
	}
	return lives, nil
}

package operator

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/assess"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/store"
)

// Config is what the operations need.
type Config struct {
	Store     *store.Store
	Service   *assess.Service
	Authority *identity.Authority
	Gateway   string // where agents call: "https://localhost:8444"
	Packages  []inspector.PackageID
	Now       func() time.Time // default time.Now
}

// Handler does one operation: the request's JSON in, the answer out. Errors are
// *inspector.Err, or the service's own.
type Handler func(ctx context.Context, request []byte) (any, error)

type operations struct {
	Config
	inventories chan struct{} // a place for each that is being made
}

// Handlers are the operations by name.
func Handlers(c Config) map[string]Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	o := operations{c, make(chan struct{}, maxInventories)}
	all := map[string]Handler{
		CreateEnrollmentToken: handle(o.createToken),
		ListAgents:            handle(o.listAgents),
		RevokeAgent:           handle(o.revokeAgent),
		ExplainFindings:       handle(o.explain),
		ListResults:           handle(o.results),
		GetInventory:          handle(o.inventory),
	}
	maps.Copy(all, o.scheduleHandlers())
	maps.Copy(all, o.suppressionHandlers())
	all[CompareRuns] = handle(o.compare)
	all[ImportObjects] = handle(o.importObjects)
	all[StartRematch] = handle(o.startRematch)
	all[ListRematchHosts] = handle(o.rematchHosts)
	all[ListRunTelemetry] = handle(o.runTelemetry)
	maps.Copy(all, o.eventHandlers())
	return all
}

// handle gives an operation its typed request. Members that it does not know are
// ignored, as by every operation of the API. Names that come twice in an object are
// refused: what is done and what is recorded would not be the same.
func handle[In, Out any](do func(context.Context, In) (Out, error)) Handler {
	return func(ctx context.Context, request []byte) (any, error) {
		var in In
		_, err := jsontext.AppendFormat(nil, request)
		if err == nil {
			err = json.Unmarshal(request, &in)
		}
		if err != nil {
			return nil, invalid("INVALID_REQUEST", "the request is not the JSON that this operation takes: %v", err)
		}
		return do(ctx, in)
	}
}

func invalid(code, format string, args ...any) error {
	return inspector.Errorf(inspector.InvalidInput, code, format, args...)
}

// MaxValidity is how long a token can be used at most.
const MaxValidity = 90 * 24 * time.Hour

const (
	defaultValidity = 24 * time.Hour
	maxTags         = 50
)

func (o operations) createToken(ctx context.Context, in TokenRequest) (TokenResponse, error) {
	validity := time.Duration(in.Seconds) * time.Second
	switch {
	case in.Seconds == 0:
		validity = defaultValidity
	case in.Seconds < 0 || in.Seconds > int64(MaxValidity/time.Second):
		return TokenResponse{}, invalid("INVALID_REQUEST", "a token is valid for 1 second to 90 days, not %d seconds", in.Seconds)
	}
	if in.Uses < 0 {
		return TokenResponse{}, invalid("INVALID_REQUEST", "a token cannot have %d uses", in.Uses)
	}
	if err := checkTags(in.Tags); err != nil {
		return TokenResponse{}, err
	}
	secret, hash := identity.NewToken()
	now := o.Now().UTC()
	token := store.Token{ID: inspector.NewID(), Hash: hash, Tags: in.Tags, CreatedAt: now, ExpiresAt: now.Add(validity), MaxUses: in.Uses}
	if err := o.Store.Update(ctx, func(tx *store.Tx) error { return tx.CreateToken(ctx, token) }); err != nil {
		return TokenResponse{}, err
	}
	return TokenResponse{Token: secret, ExpiresAt: token.ExpiresAt, Gateway: o.Gateway, Pin: o.Authority.Pin(), CA: string(o.Authority.CA())}, nil
}

// checkTags holds tags to the bounds of Inspector's (service-2.json: TagKey,
// TagValue), so that every tag of a host can be named in a resource group.
func checkTags(tags []inspector.Tag) error {
	if len(tags) > maxTags {
		return invalid("INVALID_TAG", "a host has at most %d tags", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128:
			return invalid("INVALID_TAG_KEY", "a tag's key has 1 to 128 characters")
		case len([]rune(t.Value)) > 256:
			return invalid("INVALID_TAG_VALUE", "a tag's value has at most 256 characters")
		case seen[t.Key]:
			return invalid("INVALID_TAG_KEY", "the tag %q is given twice", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

func (p PageRequest) page() (inspector.Page, error) {
	if p.MaxResults < 0 || p.MaxResults > 500 {
		return inspector.Page{}, invalid("INVALID_MAX_RESULTS", "a page has 1 to 500 entries")
	}
	if !plain(p.NextToken) {
		return inspector.Page{}, invalid("INVALID_PAGINATION_TOKEN", "nextToken is not one that this list has given out")
	}
	limit := p.MaxResults
	if limit == 0 {
		limit = 100
	}
	return inspector.Page{Limit: limit, After: p.NextToken}, nil
}

// plain tells whether a text can be an id: nothing else is worth a query.
func plain(id string) bool {
	return len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (o operations) listAgents(ctx context.Context, in PageRequest) (AgentsResponse, error) {
	page, err := in.page()
	if err != nil {
		return AgentsResponse{}, err
	}
	agents, next, err := o.Store.ListAgents(ctx, page)
	answer := AgentsResponse{Agents: []Agent{}, NextToken: next}
	for _, a := range agents {
		health, _ := o.Service.Health(a)
		answer.Agents = append(answer.Agents, Agent{
			ID: a.ID, Hostname: a.Hostname, OS: a.OS, Kernel: a.Kernel, Version: a.Version,
			Addresses: append([]string{}, a.Addresses...), Tags: append([]inspector.Tag{}, a.Tags...), // null is no list
			Health: string(health), Problems: append([]string{}, a.Problems...),
			Sensors: append([]string{}, a.Sensors...), Tiers: append([]inspector.SensorTier{}, a.Tiers...),
			SkewSeconds: a.Skew.Seconds(), EnrolledAt: a.EnrolledAt, SeenAt: a.SeenAt, Revoked: a.Revoked,
		})
	}
	return answer, err
}

func (o operations) revokeAgent(ctx context.Context, in RevokeRequest) (RevokeResponse, error) {
	if in.ID == "" || !plain(in.ID) {
		return RevokeResponse{}, invalid("INVALID_AGENT_ID", "%.200q is not the id of an agent", in.ID)
	}
	return RevokeResponse{}, o.Service.Revoke(ctx, in.ID)
}

func (o operations) explain(ctx context.Context, in ExplainRequest) (ExplainResponse, error) {
	if len(in.ARNs) == 0 || len(in.ARNs) > 500 {
		return ExplainResponse{}, invalid("INVALID_NUMBER_OF_FINDING_ARNS", "1 to 500 findings can be explained at once, not %d", len(in.ARNs))
	}
	refs := map[string]store.FindingRef{}
	for _, text := range in.ARNs {
		arn, err := inspector.ParseARN(text)
		if err != nil || arn.Kind != inspector.KindFinding {
			return ExplainResponse{}, invalid("INVALID_FINDING_ARN", "%.300q is not the ARN of a finding", text)
		}
		refs[text] = store.FindingRef{Target: arn.Target, Template: arn.Template, Run: arn.Run, ID: arn.ID}
	}
	found, err := o.Store.FindingsAt(ctx, slices.Collect(maps.Values(refs)))
	if err != nil {
		return ExplainResponse{}, err
	}
	lives, err := o.lives(ctx, found)
	if err != nil {
		return ExplainResponse{}, err
	}
	names, err := o.runARNs(ctx, slices.Collect(maps.Values(lives)))
	if err != nil {
		return ExplainResponse{}, err
	}
	answer := ExplainResponse{Findings: []Explanation{}}
	for _, text := range in.ARNs {
		f, ok := found[refs[text]]
		if !ok || o.Store.Scope.Run(f.Target, f.Template, f.Run).Finding(f.ID).String() != text {
			continue
		}
		answer.Findings = append(answer.Findings, Explanation{
			ARN: text, Package: f.Package, Rule: f.Rule, Subject: f.Subject, Reason: f.Description, Evidence: f.Evidence,
			FindingLife: names.life(lives[refs[text]]),
		})
	}
	return answer, nil
}

func (o operations) results(ctx context.Context, in ResultsRequest) (ResultsResponse, error) {
	page, err := in.page()
	if err != nil {
		return ResultsResponse{}, err
	}
	run, err := o.run(ctx, in.Run)
	if err != nil {
		return ResultsResponse{}, err
	}
	parts, next, err := o.Store.RunAgents(ctx, run.ID, inspector.RunAgentFilter{}, page)
	if err != nil {
		return ResultsResponse{}, err
	}
	answer := ResultsResponse{Results: []HostResults{}, NextToken: next}
	for _, part := range parts {
		for _, id := range o.Packages {
			data, ok, err := o.Store.Results(ctx, run.ID, part.Agent, id)
			if err != nil {
				return ResultsResponse{}, err
			}
			if !ok {
				continue
			}
			kept, err := assess.DecodeResults(data)
			if err != nil {
				return ResultsResponse{}, err
			}
			answer.Results = append(answer.Results, HostResults{
				Agent: part.Agent, Package: id, Version: kept.Version, EvaluatedAt: kept.EvaluatedAt, CollectedAt: kept.Collected, Source: kept.Source,
				Telemetry: kept.Telemetry, NotSeen: kept.Coverage, Results: kept.Results,
			})
		}
	}
	return answer, nil
}

// run reads a run by its ARN.
func (o operations) run(ctx context.Context, text string) (inspector.Run, error) {
	arn, err := inspector.ParseARN(text)
	if err != nil || arn.Kind != inspector.KindRun {
		return inspector.Run{}, invalid("INVALID_ASSESSMENT_RUN_ARN", "%.300q is not the ARN of an assessment run", text)
	}
	runs, err := o.Store.Runs(ctx, []string{arn.ID})
	if err != nil {
		return inspector.Run{}, err
	}
	r, ok := runs[arn.ID]
	if !ok || o.runARN(r) != text {
		return inspector.Run{}, inspector.Errorf(inspector.NoSuchEntity, "ASSESSMENT_RUN_DOES_NOT_EXIST", "there is no assessment run %s", text)
	}
	return r, nil
}

func (o operations) runARN(r inspector.Run) string {
	return o.Store.Scope.Run(r.Target, r.Template, r.ID).String()
}

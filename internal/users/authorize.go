package users

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/inspector"
	"assay/internal/store"
)

// Authorizer decides what principals may do. It is safe for concurrent use.
type Authorizer struct {
	Store     *store.Reader
	Partition string // of ARNs: "aws"
	Account   string
	Now       func() time.Time

	mu    sync.Mutex
	known map[holder][]policy.Named // at most maxKnown
}

// holder is a user at a version of what users may do.
type holder struct {
	user, id string
	version  int64
}

// maxKnown bounds the users whose policies are in memory.
const maxKnown = 1024

// Authorize is the Authorize of the API: nil, or an *inspector.Err that says in
// AWS's words which action was missing.
//
// Who somebody is can always be asked, and temporary credentials can always be had,
// as on AWS. Temporary credentials do not reach users and their keys (iam), and get
// no other temporary credentials: whoever finds some cannot make them last.
func (a *Authorizer) Authorize(ctx context.Context, who access.Principal, action string) error {
	switch {
	case action == "sts:GetCallerIdentity":
		return nil
	case !who.Issued.IsZero() && (strings.HasPrefix(action, "iam:") || strings.HasPrefix(action, "sts:")):
		return a.denied(who, action, "because temporary credentials may not call "+action)
	case action == "sts:GetSessionToken":
		return nil
	}
	d, err := a.Decide(ctx, who, action)
	switch {
	case err != nil:
		return err
	case d.Allowed:
		return nil
	case d.Explicit:
		return a.denied(who, action, "with an explicit deny in an identity-based policy")
	}
	return a.denied(who, action, "because no identity-based policy allows the "+action+" action")
}

// Decide is what the policies of a principal say.
func (a *Authorizer) Decide(ctx context.Context, who access.Principal, action string) (policy.Decision, error) {
	return a.DecideAt(ctx, who, action, a.Now())
}

// DecideAt is what the policies of a principal would say at another time.
func (a *Authorizer) DecideAt(ctx context.Context, who access.Principal, action string, at time.Time) (policy.Decision, error) {
	policies, err := a.policies(ctx, holder{who.User, who.UserID, who.Version})
	if err != nil {
		return policy.Decision{}, err
	}
	return policy.Evaluate(policies, policy.Request{Action: action, SourceIP: who.From, Now: at, Secure: who.Secure, Issued: who.Issued}), nil
}

func (a *Authorizer) denied(who access.Principal, action, why string) error {
	return inspector.Errorf(inspector.AccessDenied, deniedCode(action), "User: %s is not authorized to perform: %s on resource: * %s",
		access.UserARN(a.Partition, a.Account, who.User), action, why)
}

// deniedCode is the errorCode that the model has for what an action is about.
func deniedCode(action string) string {
	for _, c := range []struct{ part, code string }{
		{"Finding", "ACCESS_DENIED_TO_FINDING"}, {"RulesPackage", "ACCESS_DENIED_TO_RULES_PACKAGE"}, {"ResourceGroup", "ACCESS_DENIED_TO_RESOURCE_GROUP"},
		{"AssessmentTarget", "ACCESS_DENIED_TO_ASSESSMENT_TARGET"}, {"PreviewAgents", "ACCESS_DENIED_TO_ASSESSMENT_TARGET"},
		{"AssessmentTemplate", "ACCESS_DENIED_TO_ASSESSMENT_TEMPLATE"}, {"TagsForResource", "ACCESS_DENIED_TO_ASSESSMENT_TEMPLATE"},
		{"ExclusionsPreview", "ACCESS_DENIED_TO_ASSESSMENT_TEMPLATE"}, {"Event", "ACCESS_DENIED_TO_SNS_TOPIC"}, {"CrossAccount", "ACCESS_DENIED_TO_IAM_ROLE"},
	} {
		if strings.Contains(action, c.part) {
			return c.code
		}
	}
	return "ACCESS_DENIED_TO_ASSESSMENT_RUN" // runs, and what belongs to them
}

// policies are all policies of a user. A key whose user is gone has none.
func (a *Authorizer) policies(ctx context.Context, h holder) ([]policy.Named, error) {
	if h.id == "" {
		return nil, nil
	}
	a.mu.Lock()
	known, ok := a.known[h]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	policies, err := a.load(ctx, h.user)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[holder][]policy.Named{}
	}
	for other := range a.known { // what is of an older version is never asked for again
		if other.version >= h.version && len(a.known) < maxKnown {
			continue
		}
		delete(a.known, other)
	}
	a.known[h] = policies
	return policies, nil
}

// load reads and parses the policies of a user. One that is missing, or cannot be
// read, is the service's failure, and not passed over: it may be one that denies.
func (a *Authorizer) load(ctx context.Context, user string) ([]policy.Named, error) {
	names, err := a.Store.PoliciesOf(ctx, user)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var policies []policy.Named
	for _, name := range names {
		document, ok, err := documentOf(ctx, a.Store, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("user %s has the policy %s, which is not there", user, name)
		}
		parsed, err := policy.Parse([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("policy %s of user %s: %w", name, user, err)
		}
		policies = append(policies, policy.Named{Name: name, Policy: parsed})
	}
	return policies, nil
}

// documentOf is the text of a policy: a managed one's, or one of the store's.
func documentOf(ctx context.Context, r *store.Reader, name string) (string, bool, error) {
	if text, ok := policy.Managed()[name]; ok {
		return text, true, nil
	}
	p, ok, err := r.Policy(ctx, name)
	return p.Document, ok, err
}

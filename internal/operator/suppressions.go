package operator

import (
	"context"
	"time"

	"assay/internal/access"
	"assay/internal/inspector"
)

// The operations of suppressions.
const (
	AddSuppression    = "AddSuppression"
	ListSuppressions  = "ListSuppressions"
	RevokeSuppression = "RevokeSuppression"
)

// SuppressionSelector is what a suppression is about: all that is given has to be
// so. See inspector.Suppression.
type SuppressionSelector struct {
	Package    inspector.PackageID   `json:"rulesPackage,omitempty"`
	Rule       string                `json:"rule,omitempty"`
	Finding    inspector.Pattern     `json:"finding,omitempty"` // "CVE-2024-*"
	Subject    inspector.Pattern     `json:"subject,omitempty"`
	Attributes []inspector.Attribute `json:"attributes,omitempty"`
	Agent      string                `json:"agentId,omitempty"`
	Hostname   inspector.Pattern     `json:"hostname,omitempty"`
	Tags       []inspector.Tag       `json:"tags,omitempty"`
}

// AddSuppressionRequest adds a suppression. Its author is who calls.
type AddSuppressionRequest struct {
	SuppressionSelector
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until,omitzero"`
	Forever bool      `json:"forever,omitempty"` // it has no end; else until is required
}

// Suppression is a suppression as it is now.
type Suppression struct {
	ID string `json:"suppressionId"`
	SuppressionSelector
	Reason    string                     `json:"reason"`
	Author    string                     `json:"author"` // the ARN of a user
	CreatedAt time.Time                  `json:"createdAt"`
	Until     time.Time                  `json:"until,omitzero"` // zero: it does not end
	State     inspector.SuppressionState `json:"state"`
	RevokedAt time.Time                  `json:"revokedAt,omitzero"`
	RevokedBy string                     `json:"revokedBy,omitempty"`
}

// SuppressionsResponse is a page of suppressions, in the order of their creation.
type SuppressionsResponse struct {
	Suppressions []Suppression `json:"suppressions"`
	NextToken    string        `json:"nextToken,omitempty"`
}

// SuppressionRequest names a suppression.
type SuppressionRequest struct {
	ID string `json:"suppressionId"`
}

// Suppression is the domain's form of what was read.
func (s Suppression) Suppression() inspector.Suppression {
	return s.SuppressionSelector.with(inspector.Suppression{
		ID: s.ID, Reason: s.Reason, Author: s.Author, CreatedAt: s.CreatedAt, Until: s.Until, RevokedAt: s.RevokedAt, RevokedBy: s.RevokedBy,
	})
}

// Suppression is the domain's form of what is to be added.
func (r AddSuppressionRequest) Suppression() inspector.Suppression {
	return r.SuppressionSelector.with(inspector.Suppression{Reason: r.Reason, Until: r.Until})
}

func (s SuppressionSelector) with(out inspector.Suppression) inspector.Suppression {
	out.Package, out.Rule, out.Finding, out.Subject, out.Attributes = s.Package, s.Rule, s.Finding, s.Subject, s.Attributes
	out.Agent, out.Hostname, out.Tags = s.Agent, s.Hostname, s.Tags
	return out
}

// suppressionHandlers are the operations of suppressions by name.
func (o operations) suppressionHandlers() map[string]Handler {
	return map[string]Handler{
		AddSuppression:    handle(o.addSuppression),
		ListSuppressions:  handle(o.listSuppressions),
		RevokeSuppression: handle(o.revokeSuppression),
	}
}

// caller is the ARN of the user who calls.
func (o operations) caller(ctx context.Context) (string, error) {
	who, ok := access.Caller(ctx)
	if !ok || who.User == "" {
		return "", inspector.Errorf(inspector.AccessDenied, "", "a decision like this is recorded with who has made it, and it is not known who calls")
	}
	scope := o.Store.Scope
	return access.UserARN(scope.Target("").Partition, scope.Account, who.User), nil
}

func (o operations) addSuppression(ctx context.Context, in AddSuppressionRequest) (Suppression, error) {
	author, err := o.caller(ctx)
	if err != nil {
		return Suppression{}, err
	}
	if in.Forever != in.Until.IsZero() {
		return Suppression{}, invalid("INVALID_SUPPRESSION", "a suppression says until when it is in force, or that it is so for ever: one of the two")
	}
	added, err := o.Service.AddSuppression(ctx, author, in.Suppression())
	if err != nil {
		return Suppression{}, err
	}
	return wireSuppression(added, o.Now()), nil
}

func (o operations) listSuppressions(ctx context.Context, in PageRequest) (SuppressionsResponse, error) {
	page, err := in.page()
	if err != nil {
		return SuppressionsResponse{}, err
	}
	all, next, err := o.Store.ListSuppressions(ctx, page)
	answer := SuppressionsResponse{Suppressions: []Suppression{}, NextToken: next}
	for _, s := range all {
		answer.Suppressions = append(answer.Suppressions, wireSuppression(s, o.Now()))
	}
	return answer, err
}

func wireSuppression(s inspector.Suppression, now time.Time) Suppression {
	return Suppression{
		ID: s.ID, SuppressionSelector: SuppressionSelector{s.Package, s.Rule, s.Finding, s.Subject, s.Attributes, s.Agent, s.Hostname, s.Tags},
		Reason: s.Reason, Author: s.Author, CreatedAt: s.CreatedAt, Until: s.Until, State: s.State(now), RevokedAt: s.RevokedAt, RevokedBy: s.RevokedBy,
	}
}

func (o operations) revokeSuppression(ctx context.Context, in SuppressionRequest) (EmptyResponse, error) {
	by, err := o.caller(ctx)
	if err == nil && (in.ID == "" || !plain(in.ID)) {
		err = invalid("INVALID_SUPPRESSION_ID", "%.200q is not the id of a suppression", in.ID)
	}
	if err != nil {
		return EmptyResponse{}, err
	}
	return EmptyResponse{}, o.Service.RevokeSuppression(ctx, by, in.ID)
}

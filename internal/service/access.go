package service

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/access"
	"assay/internal/api"
	"assay/internal/audit"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/users"
)

// accessControl is who may call the API, and the record of who did.
type accessControl struct {
	keys       *access.Keys
	users      *users.Service
	authorizer *users.Authorizer
	used       *users.Used
	audit      *audit.Log
}

// openAccess makes what the API needs to know its callers.
func (s *Service) openAccess(ctx context.Context) error {
	secret, err := sealedOnce(ctx, s.store, s.keys, settingSessions, func() ([]byte, error) {
		key := make([]byte, 32)
		rand.Read(key)
		return key, nil
	})
	if err != nil {
		return err
	}
	a := &s.access
	a.keys = api.Keys(&s.store.Reader, s.keys)
	if a.keys.Sessions, err = access.NewSessions(secret); err != nil {
		return err
	}
	if a.audit, err = audit.Open(s.folder.Audit(), s.config.AuditRetention, s.config.Log); err != nil {
		return err
	}
	s.metrics.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "assay_audit_left_out_total", Help: "Calls of strangers that the record of calls left out, being too many."},
		func() float64 { return float64(a.audit.LeftOut()) }))
	a.users = &users.Service{Store: s.store, Vault: s.keys, Now: time.Now}
	a.authorizer = &users.Authorizer{Store: &s.store.Reader, Partition: s.scope.Target("").Partition, Account: s.scope.Account, Now: time.Now}
	a.used = &users.Used{Store: s.store, Log: s.config.Log}
	return nil
}

func (a *accessControl) operations() map[string]operator.Handler {
	return operator.IdentityHandlers(operator.IdentityConfig{Service: a.users, Authorizer: a.authorizer})
}

// authorize lets a call pass that policies allow. What changes something, or gives
// out credentials, does not begin while the record of calls cannot be written.
func (a *accessControl) authorize(ctx context.Context, who access.Principal, action string) error {
	if err := a.authorizer.Authorize(ctx, who, action); err != nil {
		return err
	}
	if _, operation, _ := strings.Cut(action, ":"); audit.ReadOnly(operation) && action != "sts:GetSessionToken" {
		return nil
	}
	if err := a.audit.Ready(); err != nil {
		e := inspector.Errorf(inspector.Unavailable, "", "The record of calls cannot be written; nothing is changed until it can.")
		e.Retry = true
		return e
	}
	return nil
}

// called counts and records a call, before its answer is sent.
func (s *Service) called(c api.Call) {
	s.metrics.call(c)
	own := c.Who.Parent // temporary credentials are a use of the key behind them
	if own == "" {
		own = c.Who.KeyID
	}
	s.access.used.Note(own, c.Start)
	if err := s.access.audit.Append(s.event(c)); err != nil {
		s.metrics.auditFailures.Inc()
		s.config.Log.Error("a call is missing in the record of calls", "request", c.ID, "error", err)
	}
}

const maxUserAgent = 256

// event is the record of a call.
func (s *Service) event(c api.Call) audit.Event {
	service, name, _ := strings.Cut(c.Action, ":")
	e := audit.Event{
		Version: "1.08", Identity: audit.Identity{Type: "Unknown"}, Time: c.Start.UTC().Truncate(time.Millisecond), Source: source(service), Name: name, Region: s.scope.Region,
		UserAgent: audit.Short(c.UserAgent, maxUserAgent), ErrorCode: c.Error, ErrorMessage: c.Message,
		RequestID: c.ID, ID: uuid.NewString(), ReadOnly: audit.ReadOnly(name), Type: "AwsApiCall", Management: true, Account: s.scope.Account, Category: "Management",
	}
	if c.From.IsValid() {
		e.SourceIP = c.From.String()
	}
	if name == "" {
		e.Name, e.ReadOnly = "Unknown", true // refused before there was an operation
	}
	if c.Who.User != "" {
		e.Identity = s.identity(c.Who)
		e.Request = audit.Parameters(c.Request)
		if !e.ReadOnly || service == "sts" {
			e.Response = audit.Parameters(c.Response)
		}
	}
	return e
}

// source is the eventSource of a service: AWS's, where it is one of AWS's.
func source(service string) string {
	switch service {
	case "":
		return "inspector.amazonaws.com"
	case "assay":
		return service
	}
	return service + ".amazonaws.com"
}

func (s *Service) identity(who access.Principal) audit.Identity {
	id := audit.Identity{
		Type: "IAMUser", PrincipalID: who.UserID, ARN: access.UserARN(s.access.authorizer.Partition, s.scope.Account, who.User),
		Account: s.scope.Account, AccessKey: who.KeyID, User: who.User,
	}
	if !who.Issued.IsZero() {
		id.Session = &audit.Session{}
		id.Session.Attributes.Created, id.Session.Attributes.MFA = who.Issued, "false"
	}
	return id
}

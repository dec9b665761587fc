package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"assay/internal/access"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
)

// Commands are the use cases that change something: those of *assess.Service.
type Commands interface {
	TargetCommands
	TemplateCommands
	RunCommands
	RoleCommands
	PreviewCommands
	EventCommands
	ReportCommands
	FindingCommands
}

// TargetCommands change resource groups and targets.
type TargetCommands interface {
	CreateResourceGroup(ctx context.Context, tags []inspector.Tag) (inspector.ResourceGroup, error)
	CreateTarget(ctx context.Context, name, resourceGroup string) (inspector.Target, error)
	UpdateTarget(ctx context.Context, id, name, resourceGroup string) error
	DeleteTarget(ctx context.Context, id string) error
}

// TemplateCommands change templates.
type TemplateCommands interface {
	CreateTemplate(ctx context.Context, t inspector.Template) (inspector.Template, error)
	DeleteTemplate(ctx context.Context, id string) error
	SetTags(ctx context.Context, arn inspector.ARN, tags []inspector.Tag) error
}

// RunCommands change runs.
type RunCommands interface {
	StartRun(ctx context.Context, template, name string) (inspector.Run, error)
	StopRun(ctx context.Context, run string, action inspector.StopAction) error
	DeleteRun(ctx context.Context, run string) error
}

// RoleCommands change the cross-account role.
type RoleCommands interface {
	RegisterRole(ctx context.Context, arn string) error
}

// EventCommands change who is told of events.
type EventCommands interface {
	Subscribe(ctx context.Context, t inspector.Template, topic string, event inspector.Event) error
	Unsubscribe(ctx context.Context, t inspector.Template, topic string, event inspector.Event) error
}

// Config is what a Server is made of. All fields are required but where it says
// otherwise.
type Config struct {
	Scope    inspector.Scope
	Commands Commands
	Queries  *store.Reader
	Packages []rules.Description // those that the service has, in the order of ListRulesPackages; at least one
	Keys     access.Source       // see Keys

	// TokenKey authenticates page tokens: at least 32 secret bytes, the same in
	// all replicas.
	TokenKey []byte

	// Health tells how an agent is now: that of *assess.Service.
	Health func(inspector.Agent) (inspector.Health, inspector.HealthCode)

	// Authorize decides whether a principal may do an action, such as
	// "inspector:ListFindings". Its *inspector.Err is the answer. Default: everyone
	// with a key may do everything.
	Authorize func(ctx context.Context, who access.Principal, action string) error

	// Others are operations beside Inspector's, by their whole target:
	// "AssayService.ListAgents", which policies call "assay:ListAgents".
	Others map[string]Operation

	// Sessions issues the temporary credentials that Keys has to know. Nil: there are
	// none.
	Sessions *access.Sessions

	// TrustedProxies are those whose X-Forwarded-For is believed. Default: none.
	TrustedProxies []netip.Prefix

	Now  func() time.Time // default: time.Now
	Log  *slog.Logger     // one line a call, and what went wrong; default: none
	Done func(Call)       // told of every call when its answer is ready and not sent yet; default: none
}

// Operation does a call, given its JSON body. Its errors are *inspector.Err, or
// the service's own.
type Operation func(ctx context.Context, body []byte) (any, error)

// Server is the http.Handler of the API. It is safe for concurrent use.
type Server struct {
	Config
	verifier   access.Verifier
	operations map[string]operation
}

// New makes a server.
func New(c Config) (*Server, error) {
	if !inspector.ValidRegion(c.Scope.Region) || !inspector.ValidAccount(c.Scope.Account) {
		return nil, fmt.Errorf("the API needs a region and an account, not %q and %q", c.Scope.Region, c.Scope.Account)
	}
	if c.Commands == nil || c.Queries == nil || c.Keys == nil || c.Health == nil || len(c.Packages) == 0 || len(c.TokenKey) < 32 {
		return nil, errors.New("the API needs commands, queries, keys, health, rules packages and a token key of at least 32 bytes")
	}
	if c.Authorize == nil {
		c.Authorize = func(context.Context, access.Principal, string) error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Done == nil {
		c.Done = func(Call) {}
	}
	s := &Server{Config: c, verifier: access.Verifier{Source: c.Keys, Now: c.Now}}
	s.operations = s.routes()
	return s, nil
}

// Keys makes the access keys in a store the Keys of a Config.
func Keys(queries *store.Reader, vault access.Wrapper) *access.Keys {
	return access.NewKeys(func(ctx context.Context, id string) (access.Sealed, bool, error) {
		k, ok, err := queries.KeyHolder(ctx, id)
		return access.Sealed{KeyID: k.ID, User: k.User, UserID: k.UserID, Version: k.Version, Secret: k.Secret, Disabled: k.Disabled}, ok, err
	}, vault)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isReport(r) {
		s.serveReport(w, r)
		return
	}
	call := Call{ID: uuid.NewString(), Remote: r.RemoteAddr, From: s.from(r), Start: s.Now(), UserAgent: r.UserAgent()}
	a := s.answer(w, r, &call)
	if call.cause != nil && r.Context().Err() != nil && !isPanic(call.cause) {
		// Nobody waits for the answer, and what could not be done for want of a
		// caller is no failure of the service's.
		call.gone, a.status = true, statusGone
		call.Error, call.Message = "ClientClosedRequest", "The client hung up before there was an answer"
	}
	call.Status, call.Duration = a.status, s.Now().Sub(call.Start)
	s.report(r.Context(), call)
	w.Header().Set("X-Amzn-Requestid", call.ID)
	// The clock that signatures are measured by: SDKs set theirs by it when they are refused.
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// statusGone is the status under which calls are counted whose client has hung up:
// nginx's.
const statusGone = 499

// answer answers a call in the protocol that it comes in. A bug that a call meets
// anywhere is that call's failure, and told of.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, call *Call) (a answer) {
	serve, failed := s.serveQuery, queryFailure
	if r.Header.Get("X-Amz-Target") != "" {
		serve, failed = s.serveJSON, jsonError
	}
	defer func() {
		if p := recover(); p != nil {
			a = failed(&panicked{p, debug.Stack()}, call)
		}
	}()
	return serve(w, r, call)
}

// answer is a whole response.
type answer struct {
	status      int
	contentType string
	body        []byte
}

package api

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"assay/internal/access"
)

// Call is what is known of a call when its answer is ready. What the client has
// chosen, and what may have secrets in it, is at its end: it is for the record of
// calls, which leaves secrets out, and gets into no log.
type Call struct {
	ID        string // x-amzn-RequestId
	Operation string // "ListFindings"; empty if it is none, or was not found out
	Who       access.Principal
	Remote    string
	Status    int
	Error     string // the exception's name; empty if all went well
	Duration  time.Duration
	Action    string     // as policies name the operation: "inspector:ListFindings"; empty if it is none
	From      netip.Addr // where it comes from, see Config.TrustedProxies
	Start     time.Time

	Message           string // of the exception
	UserAgent         string
	Request, Response []byte // JSON; nil where nobody has signed, and where there is none

	cause error // of an InternalException
	gone  bool  // the client has hung up, which is the cause of the cause
}

// report logs a call and passes it on.
func (s *Server) report(ctx context.Context, c Call) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request", c.ID), slog.String("operation", c.Operation), slog.String("user", c.Who.User),
		slog.String("key", c.Who.KeyID), slog.String("remote", c.Remote), slog.Int("status", c.Status), slog.Duration("took", c.Duration),
	}
	if c.Error != "" {
		attributes = append(attributes, slog.String("error", c.Error))
	}
	if c.cause != nil {
		if !c.gone {
			level = slog.LevelError
		}
		attributes = append(attributes, slog.String("cause", c.cause.Error()))
	}
	s.Log.LogAttrs(ctx, level, "api call", attributes...)
	s.Done(c)
}

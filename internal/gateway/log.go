package gateway

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// onceLog logs a complaint once for each agent and reason, and again only after
// a while: agents repeat themselves every few seconds. It is safe for concurrent
// use and bounded.
type onceLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

const (
	logAgain   = 10 * time.Minute
	logEntries = 10_000
)

func newOnceLog(log *slog.Logger, now func() time.Time) *onceLog {
	return &onceLog{log: log, now: now, last: map[string]time.Time{}}
}

// warn logs unless it did so lately for the same agent and reason.
func (o *onceLog) warn(agent, reason, message string, args ...any) {
	if o.first(agent + "\x00" + reason) {
		o.log.Warn(message, args...)
	}
}

func (o *onceLog) first(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if at, ok := o.last[key]; ok && now.Sub(at) < logAgain {
		return false
	}
	if len(o.last) >= logEntries {
		clear(o.last)
	}
	o.last[key] = now
	return true
}

// serverLog is where net/http's own complaints go, each kind once.
type serverLog struct {
	slog.Handler
	once *onceLog
}

func (s serverLog) Handle(ctx context.Context, r slog.Record) error {
	r.Message = quiet(strings.TrimSpace(r.Message))
	// Numbers are not the reason: a certificate's error names the time.
	if !s.once.first("server\x00" + strings.Map(dropDigit, r.Message)) {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

func dropDigit(r rune) rune {
	if '0' <= r && r <= '9' {
		return -1
	}
	return r
}

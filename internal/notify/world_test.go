package notify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/inspector"
	"assay/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "arn:aws:sns:us-west-2:123456789012:exampletopic"

var secret = []byte("0123456789abcdef0123456789abcdef")

// outbox is one in memory: what the store's is, without leases.
type outbox struct {
	mu      sync.Mutex
	entries []*entry
	away    error
}

type entry struct {
	inspector.Outgoing
	outcomes []inspector.Outcome
}

// add puts a message for a webhook into the outbox.
func (b *outbox) add(w inspector.Webhook, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := fmt.Sprintf("0190c5f0-0000-7000-8000-%012d", len(b.entries))
	b.entries = append(b.entries, &entry{Outgoing: inspector.Outgoing{
		Delivery:     inspector.Delivery{Notification: id, Destination: w.ID, State: inspector.DeliveryPending},
		Notification: inspector.Notification{ID: id, Template: "0-template", Topic: topic, Event: "e", Message: message, CreatedAt: time.Date(2026, 11, 23, 12, 0, 0, 123e6, time.UTC)},
		Webhook:      w, Secrets: [][]byte{secret},
	}})
}

func (b *outbox) DueDestinations(context.Context) ([]store.DueDestination, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := map[string]time.Time{}
	for _, e := range b.entries {
		if at, ok := due[e.Destination]; e.State == inspector.DeliveryPending && (!ok || e.DueAt.Before(at)) {
			due[e.Destination] = e.DueAt
		}
	}
	var all []store.DueDestination
	for name, at := range due {
		all = append(all, store.DueDestination{Destination: name, DueAt: at})
	}
	slices.SortFunc(all, func(a, b store.DueDestination) int { return a.DueAt.Compare(b.DueAt) })
	return all, b.away
}

func (b *outbox) ClaimDelivery(_ context.Context, destination string) (inspector.Outgoing, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Destination == destination && e.State == inspector.DeliveryPending && !e.DueAt.After(time.Now()) {
			e.Attempts++
			return e.Outgoing, true, b.away
		}
	}
	return inspector.Outgoing{}, false, b.away
}

func (b *outbox) SettleDelivery(_ context.Context, o inspector.Outgoing, outcome inspector.Outcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Delivery.Notification == o.Delivery.Notification {
			e.State, e.DueAt, e.Error = outcome.State, outcome.RetryAt, outcome.Error
			e.outcomes = append(e.outcomes, outcome)
		}
	}
	return nil
}

// settled tells whether nothing waits any more.
func (b *outbox) settled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.ContainsFunc(b.entries, func(e *entry) bool { return e.State == inspector.DeliveryPending })
}

// deliver runs a courier over the outbox until a condition holds.
func (b *outbox) deliver(t *testing.T, c Config, until func() bool) {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if c.Backoff == nil {
		c.Backoff = func(int) time.Duration { return time.Millisecond }
	}
	if c.Pause == nil {
		c.Pause = func(int) time.Duration { return time.Millisecond }
	}
	courier := New(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- courier.Run(ctx, b) }()
	for deadline := time.Now().Add(time.Minute); !until(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("what was waited for does not come")
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// received is a request that a receiver got.
type received struct {
	header http.Header
	body   string
}

// receiver is an endpoint that writes down what it gets, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	all []received
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r.record(answer))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) record(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body)
		r.mu.Lock()
		r.all = append(r.all, received{in.Header.Clone(), string(body)})
		r.mu.Unlock()
		if answer != nil {
			answer(w, in)
		}
	})
}

func (r *receiver) got() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (r *receiver) webhook() inspector.Webhook {
	return inspector.Webhook{ID: "0-hook", Topic: topic, URL: r.URL + "/in?token=hunter2", Format: inspector.FormatSNS}
}

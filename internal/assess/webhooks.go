package assess

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"assay/internal/inspector"
	"assay/internal/store"
)

const (
	maxURL = 2048
	maxCA  = 64 << 10

	// formerSecret is how long the secret before signs beside a new one.
	formerSecret = 24 * time.Hour
)

// CreateWebhook adds a webhook and returns its secret in the form of the Standard
// Webhooks: the only time that it is seen.
func (s *Service) CreateWebhook(ctx context.Context, w inspector.Webhook) (inspector.Webhook, string, error) {
	if w.Format == "" {
		w.Format = inspector.FormatSNS
	}
	if err := checkWebhook(w); err != nil {
		return w, "", err
	}
	w.ID, w.CreatedAt = inspector.NewID(), s.Now()
	secret, sealed, err := s.newWebhookSecret(ctx, w.ID)
	if err != nil {
		return w, "", err
	}
	err = s.update(ctx, func(tx *store.Tx) error {
		return tx.CreateWebhook(ctx, store.SealedWebhook{Webhook: w, Secret: sealed})
	})
	return w, secret, err
}

func checkWebhook(w inspector.Webhook) error {
	if _, ok := inspector.TopicRegion(w.Topic); !ok && w.Topic != inspector.AnyTopic {
		return wrongWebhook("%.300q is neither the ARN of an SNS topic nor %q for all", w.Topic, inspector.AnyTopic)
	}
	if !slices.Contains([]inspector.WebhookFormat{inspector.FormatSNS, inspector.FormatLambda, inspector.FormatRaw}, w.Format) {
		return wrongWebhook("there is no format %.40q: sns, lambda, raw", string(w.Format))
	}
	if len(w.CA) > maxCA || w.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(w.CA)) {
		return wrongWebhook("the certificates to trust are not PEM with at least one certificate, in at most %d bytes", maxCA)
	}
	return checkURL(w.URL, w.PlainHTTP)
}

// checkURL takes https, and plain http to this host, or to others where that is
// allowed. Errors do not repeat the URL, which may have a secret in it.
func checkURL(text string, plain bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || u.Hostname() == "" || u.Opaque != "":
		return wrongWebhook("the URL of a webhook is https://HOST..., with at most %d characters", maxURL)
	case u.User != nil:
		return wrongWebhook("the URL of a webhook has no user or password in it: deliveries are signed")
	case u.Fragment != "":
		return wrongWebhook("the URL of a webhook has no fragment (#...)")
	case u.Scheme == "https", u.Scheme == "http" && (plain || loopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return wrongWebhook("plain http goes to this host only, unless it is allowed: use https, or say -plain-http")
	}
	return wrongWebhook("the URL of a webhook begins with https://")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func wrongWebhook(format string, args ...any) error {
	return inspector.Errorf(inspector.InvalidInput, "INVALID_WEBHOOK", format, args...)
}

// newWebhookSecret makes a secret of 32 bytes.
func (s *Service) newWebhookSecret(ctx context.Context, id string) (text string, sealed []byte, err error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	if sealed, err = s.Keys.Wrap(ctx, secret, webhookData(id)); err != nil {
		return "", nil, fmt.Errorf("seal the secret of the webhook %s: %w", id, err)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(secret), sealed, nil
}

// webhookData binds a sealed secret to its webhook.
func webhookData(id string) []byte { return []byte("webhook/" + id) }

// openWebhook returns the secrets that sign for a webhook now.
func (s *Service) openWebhook(ctx context.Context, w store.SealedWebhook) ([][]byte, error) {
	sealed := [][]byte{w.Secret}
	if len(w.Former) > 0 && s.Now().Before(w.FormerEnd) {
		sealed = append(sealed, w.Former)
	}
	var secrets [][]byte
	for _, one := range sealed {
		secret, err := s.Keys.Unwrap(ctx, one, webhookData(w.ID))
		if err != nil {
			return nil, fmt.Errorf("open the secret of the webhook %s: %w", w.ID, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// RotateWebhook gives a webhook a new secret and returns it. For a day deliveries
// are signed with the one before as well.
func (s *Service) RotateWebhook(ctx context.Context, id string) (string, error) {
	secret, sealed, err := s.newWebhookSecret(ctx, id)
	if err != nil {
		return "", err
	}
	err = s.update(ctx, func(tx *store.Tx) error { return tx.RotateWebhook(ctx, id, sealed, s.Now().Add(formerSecret)) })
	return secret, err
}

// DeleteWebhook removes a webhook. What is under way to it is undelivered from now
// on.
func (s *Service) DeleteWebhook(ctx context.Context, id string) error {
	return s.update(ctx, func(tx *store.Tx) error { return tx.DeleteWebhook(ctx, id) })
}

// TestEvent is the event of a test message.
const TestEvent inspector.Event = "TEST"

// TryWebhook sends a test message to a webhook and tells what came of it.
func (s *Service) TryWebhook(ctx context.Context, id string) (inspector.Outcome, error) {
	sealed, ok, err := s.Store.Webhook(ctx, id)
	if err != nil {
		return inspector.Outcome{}, err
	}
	if !ok {
		return inspector.Outcome{}, inspector.Errorf(inspector.NoSuchEntity, "WEBHOOK_DOES_NOT_EXIST", "there is no webhook %s", id)
	}
	secrets, err := s.openWebhook(ctx, sealed)
	if err != nil {
		return inspector.Outcome{}, err
	}
	topic, now := sealed.Topic, s.Now()
	if topic == inspector.AnyTopic {
		topic = "arn:aws:sns:" + s.Store.Scope.Region + ":" + s.Store.Scope.Account + ":assay-test"
	}
	return s.Courier.Try(ctx, inspector.Outgoing{
		Delivery: inspector.Delivery{Destination: id, Attempts: 1},
		Notification: inspector.Notification{
			ID: uuid.Must(uuid.NewV7()).String(), Topic: topic, Event: TestEvent, CreatedAt: now,
			Message: fmt.Sprintf(`{"event":%q,"time":%q}`, TestEvent, inspector.EventTime(now)),
		},
		Webhook: sealed.Webhook, Secrets: secrets,
	}), nil
}

package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
)

// MaxWebhooks is how many webhooks there may be.
const MaxWebhooks = 200

// SealedWebhook is a webhook with its secrets, sealed.
type SealedWebhook struct {
	inspector.Webhook
	Secret    []byte
	Former    []byte // the secret before; empty if there is none
	FormerEnd time.Time
}

const webhookColumns = "SELECT id, topic, secret, former, former_end, doc FROM webhooks"

func scanWebhook(row scanner) (w SealedWebhook, err error) {
	var id, topic string
	err = row.Scan(&id, &topic, &w.Secret, &w.Former, (*instant)(&w.FormerEnd), fromJSON{&w.Webhook})
	w.ID, w.Topic = id, topic
	return w, err
}

// Webhooks returns all webhooks, by topic and id.
func (r *Reader) Webhooks(ctx context.Context) ([]SealedWebhook, error) {
	all, err := rows(ctx, r, r.query(webhookColumns+" ORDER BY topic, id"), scanWebhook)
	if err != nil {
		return nil, fmt.Errorf("read the webhooks: %w", err)
	}
	return all, nil
}

// Webhook returns a webhook.
func (r *Reader) Webhook(ctx context.Context, id string) (w SealedWebhook, ok bool, err error) {
	found, err := rows(ctx, r, r.query(webhookColumns+" WHERE id = ?", id), scanWebhook)
	if err != nil {
		return w, false, fmt.Errorf("read the webhook %s: %w", id, err)
	}
	if len(found) == 0 {
		return w, false, nil
	}
	return found[0], true, nil
}

// CreateWebhook adds a webhook.
func (tx *Tx) CreateWebhook(ctx context.Context, w SealedWebhook) error {
	var n int
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT count(*) FROM webhooks"), &n); err != nil {
		return fmt.Errorf("count the webhooks: %w", err)
	}
	if n >= MaxWebhooks {
		return inspector.Errorf(inspector.LimitExceeded, "WEBHOOK_LIMIT_EXCEEDED", "there are %d webhooks already, as many as there may be", n)
	}
	w.CreatedAt = w.CreatedAt.UTC().Truncate(time.Microsecond)
	_, err := tx.exec(ctx, "INSERT INTO webhooks (id, topic, secret, former, former_end, doc) VALUES ($1, $2, $3, $4, 0, $5)",
		w.ID, w.Topic, w.Secret, []byte{}, toJSON(w.Webhook))
	if err != nil {
		return fmt.Errorf("write the webhook %s: %w", w.ID, err)
	}
	return nil
}

// RotateWebhook gives a webhook a new secret; the one before signs beside it until
// a time.
func (tx *Tx) RotateWebhook(ctx context.Context, id string, secret []byte, until time.Time) error {
	n, err := tx.exec(ctx, "UPDATE webhooks SET former = secret, former_end = $1, secret = $2 WHERE id = $3", stamp(until), secret, id)
	if err != nil {
		return fmt.Errorf("write the webhook %s: %w", id, err)
	}
	if n == 0 {
		return noWebhook(id)
	}
	return nil
}

// DeleteWebhook deletes a webhook. What is under way to it becomes undelivered,
// and can be sent again elsewhere.
func (tx *Tx) DeleteWebhook(ctx context.Context, id string) error {
	n, err := tx.exec(ctx, "DELETE FROM webhooks WHERE id = $1", id)
	if err != nil {
		return fmt.Errorf("delete the webhook %s: %w", id, err)
	}
	if n == 0 {
		return noWebhook(id)
	}
	return nil
}

func noWebhook(id string) error {
	return inspector.Errorf(inspector.NoSuchEntity, "WEBHOOK_DOES_NOT_EXIST", "there is no webhook %s", id)
}

// pair reads a Page.After of an id and a text, joined by a slash.
func pair(p inspector.Page) (id, rest string, err error) {
	id, rest, ok := strings.Cut(p.After, "/")
	if !ok || cmp.Or(id, rest) == "" {
		return "", "", inspector.Errorf(inspector.InvalidInput, "INVALID_PAGINATION_TOKEN", "the page to go on from is not one that was given out")
	}
	return id, rest, nil
}

package service

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

func TestEventMetrics(t *testing.T) {
	s := open(t, configIn(fresh(t)))
	defer closed(t, s)
	scrape := func() string {
		t.Helper()
		w := httptest.NewRecorder()
		s.metrics.handler(s.store).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	for _, want := range []string{"assay_event_backlog 0", "assay_event_backlog_age_seconds 0", "assay_event_undelivered 0"} {
		if text := scrape(); !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("the metrics lack %q", want)
		}
	}
	ctx := t.Context()
	target, err := s.assess.CreateTarget(ctx, "all", "")
	if err != nil {
		t.Fatal(err)
	}
	template := inspector.Template{ID: inspector.NewID(), Target: target.ID, Name: "t", Duration: time.Hour}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateTemplate(ctx, template, inspector.Limits{}); err != nil {
			return err
		}
		entry := inspector.Notification{ID: "one", Template: template.ID, Topic: "t", CreatedAt: time.Now().Add(-time.Hour)}
		other := entry
		other.ID = "two"
		if err := tx.AddNotifications(ctx, []inspector.Notification{entry, other}); err != nil {
			return err
		}
		return tx.RouteNotification(ctx, "two", nil, "nowhere", time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	s.courier.Done("webhook", "delivered")
	text := scrape()
	for _, want := range []string{"assay_event_backlog 1", "assay_event_undelivered 1", `assay_event_deliveries_total{kind="webhook",outcome="delivered"} 1`, "assay_event_backlog_age_seconds 36"} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	s.store.Close()
	if text := scrape(); strings.Contains(text, "assay_event_backlog ") || !strings.Contains(text, "assay_database_up 0") {
		t.Errorf("without a database the metrics are\n%s", text)
	}
}

package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

const (
	topicA = "arn:aws:sns:eu-central-1:123456789012:a"
	topicB = "arn:aws:sns:eu-central-1:123456789012:b"
)

func testSubscriptions(t *testing.T, s *store.Store) {
	ctx, one, two := t.Context(), addTemplate(t, s), addTemplate(t, s)
	subscribe := func(template, topic string, event inspector.Event, n int) (fresh bool) {
		t.Helper()
		update(t, s, func(tx *store.Tx) (err error) {
			fresh, err = tx.Subscribe(ctx, template, topic, event, at(n))
			return err
		})
		return fresh
	}
	if !subscribe(one.ID, topicA, inspector.RunStarted, 1) || subscribe(one.ID, topicA, inspector.RunStarted, 2) {
		t.Error("a subscription is fresh once")
	}
	subscribe(one.ID, topicA, inspector.OtherEvent, 3)
	subscribe(one.ID, topicB, inspector.RunStarted, 4)
	subscribe(two.ID, topicA, inspector.RunStarted, 5)
	topics, err := s.Subscribed(ctx, one.ID, inspector.RunStarted)
	equal(t, err, topics, []string{topicA, topicB})
	found, next, err := s.ListSubscriptions(ctx, one.ID, inspector.Page{Limit: 1})
	want := inspector.Subscription{Target: one.Target, Template: one.ID, Topic: topicA, Events: []inspector.SubscribedEvent{{Event: inspector.RunStarted, At: at(1)}, {Event: inspector.OtherEvent, At: at(3)}}}
	equal(t, err, found, []inspector.Subscription{want})
	found, next, err = s.ListSubscriptions(ctx, one.ID, inspector.Page{Limit: 1, After: next})
	if len(found) != 1 || found[0].Topic != topicB || next != "" || err != nil {
		t.Errorf("the second page is %v, %q, %v", found, next, err)
	}
	if all, _, err := s.ListSubscriptions(ctx, "", inspector.Page{}); len(all) != 3 || err != nil {
		t.Errorf("all subscriptions are %v, %v", all, err)
	}
	if _, _, err := s.ListSubscriptions(ctx, "", inspector.Page{After: "nonsense"}); err == nil {
		t.Error("a page after nonsense")
	}
	for range 2 { // done again it is no error
		update(t, s, func(tx *store.Tx) error { return tx.Unsubscribe(ctx, one.ID, topicB, inspector.RunStarted) })
	}
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.Unsubscribe(ctx, "0-none0000", topicB, inspector.RunStarted)
	})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, one.ID) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTarget(ctx, two.Target) })
	if all, _, err := s.ListSubscriptions(ctx, "", inspector.Page{}); len(all) != 0 || err != nil {
		t.Errorf("subscriptions outlive their templates: %v, %v", all, err)
	}
}

func testSubscriptionLimit(t *testing.T, s *store.Store) {
	ctx, template := t.Context(), addTemplate(t, s)
	update(t, s, func(tx *store.Tx) error {
		for i := range inspector.MaxTopics {
			if _, err := tx.Subscribe(ctx, template.ID, fmt.Sprint(topicA, i), inspector.RunStarted, at(i)); err != nil {
				return err
			}
		}
		_, err := tx.Subscribe(ctx, template.ID, topicA+"0", inspector.OtherEvent, at(1)) // a topic more events
		return err
	})
	refused(t, s, inspector.LimitExceeded, "EVENT_SUBSCRIPTION_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		_, err := tx.Subscribe(ctx, template.ID, topicB, inspector.RunStarted, at(0))
		return err
	})
}

// event is a notification of a run.
func event(run inspector.Run, n int, e inspector.Event, subject string) inspector.Notification {
	return inspector.Notification{
		ID: fmt.Sprintf("01900000-0000-7000-8000-%012d", n), Template: run.Template, Run: run.ID, Topic: topicA, Event: e, Subject: subject,
		Message: fmt.Sprintf(`{"event":%q}`, e), CreatedAt: at(n), State: inspector.DeliveryPending,
	}
}

func route(t testing.TB, s *store.Store, n inspector.Notification, to ...string) {
	t.Helper()
	why := ""
	if len(to) == 0 {
		why = "nowhere"
	}
	update(t, s, func(tx *store.Tx) error { return tx.RouteNotification(t.Context(), n.ID, to, why, at(100)) })
}

func claim(t testing.TB, s *store.Store, destination string, now time.Time) (d inspector.Delivery, n inspector.Notification, ok bool) {
	t.Helper()
	update(t, s, func(tx *store.Tx) (err error) {
		d, n, ok, err = tx.ClaimDelivery(t.Context(), destination, now, time.Minute)
		return err
	})
	return d, n, ok
}

func settle(t testing.TB, s *store.Store, d inspector.Delivery, o inspector.Outcome) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { return tx.SettleDelivery(t.Context(), d, o, at(200)) })
}

func stateOf(t testing.TB, s *store.Store, id string) inspector.Notification {
	t.Helper()
	all, _, err := s.ListNotifications(t.Context(), store.NotificationFilter{}, inspector.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		if n.ID == id {
			return n
		}
	}
	t.Fatalf("the notification %s is gone", id)
	return inspector.Notification{}
}

func testOutbox(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1)
	one, two := event(run, 1, inspector.RunStarted, ""), event(run, 2, inspector.RunStateChanged, "COLLECTING_DATA")
	again := two
	again.ID = event(run, 3, inspector.RunStarted, "").ID
	update(t, s, func(tx *store.Tx) error { return tx.AddNotifications(ctx, []inspector.Notification{one, two, again}) })
	unrouted, err := s.UnroutedNotifications(ctx, 10)
	equal(t, err, unrouted, []inspector.Notification{one, two})

	route(t, s, one, "0-hook0001", "sns:"+topicA)
	route(t, s, two, "0-hook0001")
	if backlog, err := s.Backlog(ctx); err != nil || backlog != (store.Backlog{Pending: 2, Oldest: at(1)}) {
		t.Errorf("the backlog is %+v, %v", backlog, err)
	}
	due, err := s.DueDestinations(ctx)
	if len(due) != 2 || err != nil || !due[0].DueAt.Equal(at(100)) {
		t.Errorf("due are %v, %v", due, err)
	}
	if _, _, ok := claim(t, s, "0-hook0001", at(99)); ok {
		t.Error("a delivery is claimed before it is due")
	}
	d, n, ok := claim(t, s, "0-hook0001", at(101))
	if !ok || n.ID != one.ID || n.Run != run.ID || d.Attempts != 1 {
		t.Errorf("the first delivery is %+v of %+v", d, n)
	}
	if _, _, ok := claim(t, s, "0-hook0001", at(102)); ok {
		t.Error("a destination is given to two")
	}
	// The one that has it dies; its lease ends.
	if d, n, ok = claim(t, s, "0-hook0001", at(200)); !ok || n.ID != one.ID || d.Attempts != 2 {
		t.Errorf("after the lease the first delivery is %+v of %+v", d, n)
	}
	settle(t, s, d, inspector.Outcome{State: inspector.DeliveryPending, RetryAt: at(500), Status: inspector.PublishFailed, Error: "it is down"})
	if d, n, ok = claim(t, s, "0-hook0001", at(202)); !ok || n.ID != two.ID {
		t.Errorf("what waits for another attempt holds up %+v of %+v", d, n)
	}
	settle(t, s, d, inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess})
	settle(t, s, d, inspector.Outcome{State: inspector.DeliveryDead, Error: "late news"})
	if got := stateOf(t, s, two.ID); got.State != inspector.Delivered || got.Status != inspector.PublishSuccess {
		t.Errorf("what was delivered is %+v", got)
	}
	sns, _, _ := claim(t, s, "sns:"+topicA, at(300))
	settle(t, s, sns, inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess})
	if got := stateOf(t, s, one.ID); got.State != inspector.DeliveryPending {
		t.Errorf("what one destination has and another not is %+v", got)
	}
	d, _, _ = claim(t, s, "0-hook0001", at(500))
	settle(t, s, d, inspector.Outcome{State: inspector.DeliveryDead, Status: inspector.PublishNoTopic, Error: "gone"})
	if got := stateOf(t, s, one.ID); got.State != inspector.DeliveryDead || got.Detail != "gone" || got.Status != inspector.PublishNoTopic || len(got.Deliveries) != 2 {
		t.Errorf("what was given up is %+v", got)
	}

	// Sent again, it goes where it has not been.
	update(t, s, func(tx *store.Tx) error {
		ids, err := tx.Redrive(ctx, nil, topicB, "", 10)
		equal(t, err, ids, nil)
		ids, err = tx.Redrive(ctx, nil, topicA, "", 10)
		equal(t, err, ids, []string{one.ID})
		return nil
	})
	route(t, s, one, "0-hook0002", "sns:"+topicA)
	if _, _, ok := claim(t, s, "sns:"+topicA, at(600)); ok {
		t.Error("SNS gets what it has once more")
	}
	if d, n, ok = claim(t, s, "0-hook0002", at(600)); !ok || n.ID != one.ID || d.Attempts != 1 {
		t.Errorf("sent again is %+v of %+v", d, n)
	}
	update(t, s, func(tx *store.Tx) error { return tx.ReleaseDeliveries(ctx) })
	if _, _, ok := claim(t, s, "0-hook0002", at(601)); !ok {
		t.Error("a lease that was ended goes on")
	}

	dropped := func(n int) (gone int64) {
		update(t, s, func(tx *store.Tx) (err error) {
			gone, err = tx.DropNotifications(ctx, at(n), 10)
			return err
		})
		return gone
	}
	if dropped(200) != 0 || dropped(201) != 1 || dropped(1000) != 0 {
		t.Error("what is dropped is not what was settled long ago")
	}
	three := event(run, 9, inspector.OtherEvent, "x")
	update(t, s, func(tx *store.Tx) error { return tx.AddNotifications(ctx, []inspector.Notification{three}) })
	route(t, s, three)
	if got := stateOf(t, s, three.ID); got.State != inspector.Unrouted || got.Detail != "nowhere" || got.Status != inspector.PublishNoTopic {
		t.Errorf("what goes nowhere is %+v", got)
	}
	if some, next, err := s.ListNotifications(ctx, store.NotificationFilter{Undelivered: true}, inspector.Page{Limit: 1}); len(some) != 1 || some[0].ID != three.ID || next != "" || err != nil {
		t.Errorf("undelivered are %v, %q, %v", some, next, err)
	}
	ofRun, err := s.NotificationsOfRun(ctx, run.ID, 1)
	if len(ofRun) != 1 || ofRun[0].ID != three.ID || err != nil {
		t.Errorf("the newest of the run is %v, %v", ofRun, err)
	}
	advance(t, s, run.ID, inspector.Canceled, 1)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, run.ID) })
	if all, _, err := s.ListNotifications(ctx, store.NotificationFilter{}, inspector.Page{}); len(all) != 0 || err != nil {
		t.Errorf("notifications outlive their run: %v, %v", all, err)
	}
	if due, err := s.DueDestinations(ctx); len(due) != 0 || err != nil {
		t.Errorf("deliveries outlive their run: %v, %v", due, err)
	}
}

// testClaims lets many claim at once: each delivery is given out once.
func testClaims(t *testing.T, s *store.Store) {
	run := addRun(t, s, addTemplate(t, s), 1)
	const n = 20
	update(t, s, func(tx *store.Tx) error {
		var all []inspector.Notification
		for i := range n {
			all = append(all, event(run, i+1, inspector.RunStateChanged, fmt.Sprint(i)))
		}
		return tx.AddNotifications(t.Context(), all)
	})
	for i := range n {
		route(t, s, event(run, i+1, "", ""), "0-hook0001")
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 4 {
		group.Go(func() {
			for {
				mu.Lock()
				done := len(seen) == n
				mu.Unlock()
				if done {
					return
				}
				var d inspector.Delivery
				var ok bool
				err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
					d, _, ok, err = tx.ClaimDelivery(t.Context(), "0-hook0001", at(1000), time.Hour)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				if !ok {
					continue
				}
				mu.Lock()
				seen[d.Notification]++
				mu.Unlock()
				err = s.Update(t.Context(), func(tx *store.Tx) error {
					return tx.SettleDelivery(t.Context(), d, inspector.Outcome{State: inspector.Delivered}, at(1001))
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was given out %d times", id, times)
		}
	}
}

func testWebhooks(t *testing.T, s *store.Store) {
	ctx := t.Context()
	hook := store.SealedWebhook{
		Webhook: inspector.Webhook{ID: "0-hook0001", Topic: inspector.AnyTopic, URL: "https://example.com/", Format: inspector.FormatRaw, CA: "pem", PlainHTTP: true, CreatedAt: at(1)},
		Secret:  []byte("sealed"),
	}
	update(t, s, func(tx *store.Tx) error { return tx.CreateWebhook(ctx, hook) })
	got, ok, err := s.Webhook(ctx, hook.ID)
	equal(t, err, got, hook)
	if !ok {
		t.Error("it is not there")
	}
	update(t, s, func(tx *store.Tx) error { return tx.RotateWebhook(ctx, hook.ID, []byte("new"), at(9)) })
	hook.Secret, hook.Former, hook.FormerEnd = []byte("new"), []byte("sealed"), at(9)
	all, err := s.Webhooks(ctx)
	equal(t, err, all, []store.SealedWebhook{hook})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteWebhook(ctx, hook.ID) })
	for _, fn := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return tx.DeleteWebhook(ctx, hook.ID) },
		func(tx *store.Tx) error { return tx.RotateWebhook(ctx, hook.ID, []byte("x"), at(1)) },
	} {
		refused(t, s, inspector.NoSuchEntity, "WEBHOOK_DOES_NOT_EXIST", fn)
	}
	update(t, s, func(tx *store.Tx) error {
		for i := range store.MaxWebhooks {
			hook.ID = fmt.Sprint("hook", i)
			if err := tx.CreateWebhook(ctx, hook); err != nil {
				return err
			}
		}
		return nil
	})
	refused(t, s, inspector.LimitExceeded, "WEBHOOK_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		hook.ID = "one more"
		return tx.CreateWebhook(ctx, hook)
	})
}

func testFindingEvents(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1, "i-1")
	quiet := addRun(t, s, addTemplate(t, s), 2)
	save(t, s, run, "i-1", inspector.PackageCVE, []inspector.Finding{finding(run, "i-1", 1, inspector.High), finding(run, "i-1", 2, inspector.High), finding(run, "i-1", 3, inspector.High)})
	for range 2 { // noted again it changes nothing
		update(t, s, func(tx *store.Tx) error {
			if err := tx.ReportFindings(ctx, quiet.ID, []string{topicA}, at(1)); err != nil {
				return err
			}
			return tx.ReportFindings(ctx, run.ID, []string{topicA, topicB}, at(1))
		})
	}
	if none, err := s.FindingEvents(ctx, quiet.ID); len(none) != 0 || err != nil {
		t.Errorf("a run without findings reports %v, %v", none, err)
	}
	open, err := s.OpenFindingEvents(ctx)
	equal(t, err, open, []string{run.ID})
	counts, err := s.CountFindings(ctx, run.ID)
	equal(t, err, counts, map[string]int64{"arn:cve": 3})
	all, err := s.FindingEvents(ctx, run.ID)
	e := inspector.FindingEvents{Target: run.Target, Template: run.Template, Run: run.ID, Topic: topicA, At: at(1), State: inspector.FindingEventsOpen, Total: 3}
	other := e
	other.Topic = topicB
	equal(t, err, all, []inspector.FindingEvents{e, other})

	ids, err := s.FindingIDs(ctx, run.ID, "", 2)
	equal(t, err, ids, []string{finding(run, "i-1", 1, "").ID, finding(run, "i-1", 2, "").ID})
	ids, err = s.FindingIDs(ctx, run.ID, ids[1], 2)
	equal(t, err, ids, []string{finding(run, "i-1", 3, "").ID})

	one, two := event(run, 1, inspector.FindingReported, "f1"), event(run, 2, inspector.FindingReported, "f2")
	e.After, e.Made = "f2", 2
	update(t, s, func(tx *store.Tx) error {
		if err := tx.SaveFindingEvents(ctx, e); err != nil {
			return err
		}
		return tx.AddNotifications(ctx, []inspector.Notification{one, two})
	})
	if n, err := s.WaitingFindings(ctx, run.ID, topicA); n != 2 || err != nil {
		t.Errorf("%d findings wait, %v", n, err)
	}
	route(t, s, one, "0-hook0001")
	route(t, s, two, "0-hook0001")
	d, _, _ := claim(t, s, "0-hook0001", at(300))
	settle(t, s, d, inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess})
	d, _, _ = claim(t, s, "0-hook0001", at(300))
	settle(t, s, d, inspector.Outcome{State: inspector.DeliveryDead, Status: inspector.PublishDenied, Error: "no"})
	if n, err := s.WaitingFindings(ctx, run.ID, topicA); n != 0 || err != nil {
		t.Errorf("%d findings wait, %v", n, err)
	}
	e.Sent = 1
	all, err = s.FindingEvents(ctx, run.ID)
	equal(t, err, all, []inspector.FindingEvents{e, other})
	dead, err := s.DeadFindings(ctx, run.ID, topicA)
	equal(t, err, dead, inspector.DeadFindings{Count: 1, Status: inspector.PublishDenied})
	if left, _, err := s.ListNotifications(ctx, store.NotificationFilter{}, inspector.Page{}); len(left) != 1 || left[0].ID != two.ID || err != nil {
		t.Errorf("of the findings are left %v, %v", left, err)
	}
	if listed, err := s.NotificationsOfRun(ctx, run.ID, 10); len(listed) != 0 || err != nil {
		t.Errorf("findings are listed one by one: %v, %v", listed, err)
	}

	other.State = inspector.FindingEventsUnrouted
	update(t, s, func(tx *store.Tx) error { return tx.SaveFindingEvents(ctx, other) })
	if backlog, err := s.Backlog(ctx); backlog.Undelivered != 2 || err != nil {
		t.Errorf("the backlog is %+v, %v", backlog, err)
	}
	update(t, s, func(tx *store.Tx) error {
		runs, err := tx.RedriveFindings(ctx, topicA)
		equal(t, err, runs, nil)
		runs, err = tx.RedriveFindings(ctx, topicB)
		equal(t, err, runs, []string{run.ID})
		return tx.Unsubscribe(ctx, run.Template, topicB, inspector.FindingReported)
	})
	all, err = s.FindingEvents(ctx, run.ID)
	other.State = inspector.FindingEventsStopped
	equal(t, err, all, []inspector.FindingEvents{e, other})
}

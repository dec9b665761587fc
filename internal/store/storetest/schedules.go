package storetest

import (
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testSchedules(t *testing.T, s *store.Store) {
	template := addTemplate(t, s)
	target := template.Target
	many := inspector.Limits{}
	make := func(expression string, due int) inspector.Schedule {
		return inspector.Schedule{
			ID: inspector.NewID(), Template: template.ID, Target: target, Expression: expression, Zone: "Europe/Berlin",
			StartAt: at(0), CreatedAt: at(1), DueAt: at(due), TryAt: at(due),
		}
	}
	a, b := make("every 1 day", 10), make("every 2 days", 20)
	update(t, s, func(tx *store.Tx) error {
		if err := tx.CreateSchedule(t.Context(), a, many); err != nil {
			return err
		}
		return tx.CreateSchedule(t.Context(), b, many)
	})
	found, err := s.Schedules(t.Context(), []string{a.ID, b.ID, "0-nothing1"})
	equal(t, err, found, map[string]inspector.Schedule{a.ID: a, b.ID: b})

	again := make(a.Expression, 30)
	refused(t, s, inspector.InvalidInput, "SCHEDULE_ALREADY_EXISTS", func(tx *store.Tx) error { return tx.CreateSchedule(t.Context(), again, many) })
	third := make("every 3 days", 30)
	refused(t, s, inspector.LimitExceeded, "SCHEDULE_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		return tx.CreateSchedule(t.Context(), third, inspector.Limits{Schedules: 2})
	})
	third.Template = "0-nothing1"
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", func(tx *store.Tx) error { return tx.CreateSchedule(t.Context(), third, many) })
	refused(t, s, inspector.NoSuchEntity, "SCHEDULE_DOES_NOT_EXIST", func(tx *store.Tx) error { return tx.SaveSchedule(t.Context(), third) })
	refused(t, s, inspector.NoSuchEntity, "SCHEDULE_DOES_NOT_EXIST", func(tx *store.Tx) error { return tx.DeleteSchedule(t.Context(), third.ID) })

	for second, want := range map[int][]string{9: nil, 10: {a.ID}, 20: {a.ID, b.ID}} {
		due, err := s.SchedulesDue(t.Context(), at(second), 10)
		equal(t, err, due, want)
	}
	next, err := s.NextSchedule(t.Context())
	equal(t, err, next, at(10))

	a.Paused, a.TryAt = true, time.Time{}
	b.TryAt = at(25)
	b.Last = inspector.ScheduleOutcome{At: at(21), Due: at(20), Missed: 3, Attempts: 2, Kind: inspector.LimitExceeded, Reason: strings.Repeat("ü", 300)}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.SaveSchedule(t.Context(), a); err != nil {
			return err
		}
		return tx.SaveSchedule(t.Context(), b)
	})
	found, err = s.Schedules(t.Context(), []string{a.ID, b.ID})
	equal(t, err, found, map[string]inspector.Schedule{a.ID: a, b.ID: b})
	counts, err := s.CountSchedules(t.Context())
	equal(t, err, counts, store.ScheduleCounts{Active: 1, Paused: 1, Refused: 1})
	next, err = s.NextSchedule(t.Context())
	equal(t, err, next, at(25))

	first, token, err := s.ListSchedules(t.Context(), inspector.Page{Limit: 1})
	if err != nil || len(first) != 1 || token == "" {
		t.Fatalf("the first page is %v, %q, %v", first, token, err)
	}
	second, token, err := s.ListSchedules(t.Context(), inspector.Page{Limit: 1, After: token})
	if err != nil || len(second) != 1 || token != "" || second[0].ID == first[0].ID {
		t.Errorf("the second page is %v, %q, %v", second, token, err)
	}

	update(t, s, func(tx *store.Tx) error { return tx.DeleteSchedule(t.Context(), a.ID) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTarget(t.Context(), target) })
	found, err = s.Schedules(t.Context(), []string{a.ID, b.ID})
	equal(t, err, found, map[string]inspector.Schedule{})
	next, err = s.NextSchedule(t.Context())
	equal(t, err, next, time.Time{})
}

package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
)

func TestSchedules(t *testing.T) {
	w := newWorld(t)
	template := scope.Template("0-target01", "0-templat1").String()
	added, err := call[Schedule](w, AddSchedule, AddScheduleRequest{Template: template, Expression: "every 7 days", Zone: "Europe/Berlin"})
	w.check(err)
	if added.Template != template || added.Name != "t" || added.State != "active" || !added.DueAt.Equal(noon) || added.Last != nil || added.Zone != "Europe/Berlin" {
		t.Errorf("the schedule is %+v", added)
	}
	started, err := call[RunScheduleResponse](w, RunSchedule, ScheduleRequest{ID: added.ID})
	w.check(err)
	if !strings.HasPrefix(started.Run, template+"/run/0-") {
		t.Errorf("the run is %q", started.Run)
	}
	listed, err := call[SchedulesResponse](w, ListSchedules, PageRequest{})
	w.check(err)
	if len(listed.Schedules) != 1 || listed.Schedules[0].Last == nil || listed.Schedules[0].Last.Run != started.Run || !listed.Schedules[0].DueAt.Equal(noon.AddDate(0, 0, 7)) {
		t.Errorf("the schedules are %+v", listed.Schedules)
	}
	for _, step := range []struct{ operation, state string }{{PauseSchedule, "paused"}, {ResumeSchedule, "active"}} {
		_, err := call[ScheduleResponse](w, step.operation, ScheduleRequest{ID: added.ID})
		w.check(err)
		listed, err := call[SchedulesResponse](w, ListSchedules, PageRequest{})
		w.check(err)
		if got := listed.Schedules[0]; got.State != step.state || got.DueAt.IsZero() != (step.state == "paused") {
			t.Errorf("after %s it is %+v", step.operation, got)
		}
	}
	_, err = call[ScheduleResponse](w, RemoveSchedule, ScheduleRequest{ID: added.ID})
	w.check(err)
	if listed, err := call[SchedulesResponse](w, ListSchedules, PageRequest{}); err != nil || listed.Schedules == nil || len(listed.Schedules) != 0 {
		t.Errorf("the schedules are %+v, %v", listed.Schedules, err)
	}
}

func TestBadSchedules(t *testing.T) {
	w := newWorld(t)
	template := scope.Template("0-target01", "0-templat1").String()
	for _, test := range []struct {
		operation string
		request   any
		kind      inspector.ErrorKind
		want      string
	}{
		{AddSchedule, `{`, inspector.InvalidInput, "not the JSON"},
		{AddSchedule, `{}`, inspector.InvalidInput, "not the ARN of an assessment template"},
		{AddSchedule, AddScheduleRequest{Template: w.run, Expression: "every 7 days"}, inspector.InvalidInput, "not the ARN of an assessment template"},
		{AddSchedule, AddScheduleRequest{Template: scope.Template("0-target01", "0-nothing1").String(), Expression: "every 7 days"}, inspector.NoSuchEntity, "no assessment template"},
		{AddSchedule, AddScheduleRequest{Template: scope.Template("0-another1", "0-templat1").String(), Expression: "every 7 days"}, inspector.NoSuchEntity, "no assessment template"},
		{AddSchedule, AddScheduleRequest{Template: template}, inspector.InvalidInput, "not one of"},
		{AddSchedule, AddScheduleRequest{Template: template, Expression: "* * * * *"}, inspector.InvalidInput, "at least 5m"},
		{AddSchedule, AddScheduleRequest{Template: template, Expression: "every 7 days", Zone: "Local"}, inspector.InvalidInput, "time zone"},
		{AddSchedule, AddScheduleRequest{Template: template, Expression: "every 7 days", Zone: "Nowhere/\x00"}, inspector.InvalidInput, "time zone"},
		{AddSchedule, AddScheduleRequest{Template: template, Expression: "every 7 days", StartAt: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)}, inspector.InvalidInput, "1970 to 2199"},
		{AddSchedule, AddScheduleRequest{Template: template, Expression: strings.Repeat("\x00", 100)}, inspector.InvalidInput, "not one of"},
		{AddSchedule, `{"assessmentTemplateArn":"` + template + `","expression":7}`, inspector.InvalidInput, "not the JSON"},
		{ListSchedules, `{"maxResults":501}`, inspector.InvalidInput, "1 to 500"},
		{RemoveSchedule, `{}`, inspector.InvalidInput, "not the id of a schedule"},
		{PauseSchedule, `{"scheduleId":"0-nothing1"}`, inspector.NoSuchEntity, "no schedule"},
		{ResumeSchedule, `{"scheduleId":"a b"}`, inspector.InvalidInput, "not the id of a schedule"},
		{RunSchedule, `{"scheduleId":"0-nothing1"}`, inspector.NoSuchEntity, "no schedule"},
	} {
		_, err := call[any](w, test.operation, test.request)
		var refused *inspector.Err
		if !errors.As(err, &refused) || refused.Kind != test.kind || !strings.Contains(refused.Message, test.want) {
			t.Errorf("%s %.100v: the error is %v, want %s with %q", test.operation, test.request, err, test.kind, test.want)
		}
	}
}

package operator

import (
	"context"
	"time"

	"assay/internal/inspector"
)

// The operations of schedules.
const (
	AddSchedule    = "AddSchedule"
	ListSchedules  = "ListSchedules"
	RemoveSchedule = "RemoveSchedule"
	PauseSchedule  = "PauseSchedule"
	ResumeSchedule = "ResumeSchedule"
	RunSchedule    = "RunSchedule"
)

// AddScheduleRequest makes a schedule.
type AddScheduleRequest struct {
	Template   string    `json:"assessmentTemplateArn"`
	Expression string    `json:"expression"`         // "every 7 days", "rate(12 hours)", "30 2 * * mon-fri", "cron(30 2 ? * MON-FRI *)"
	Zone       string    `json:"timeZone,omitempty"` // an IANA name; default UTC
	StartAt    time.Time `json:"startAt,omitzero"`   // no run before it; default now
	Rematch    bool      `json:"rematch,omitempty"`  // the runs are re-matches
}

// Schedule is a schedule as it is now.
type Schedule struct {
	ID         string        `json:"scheduleId"`
	Template   string        `json:"assessmentTemplateArn"`
	Name       string        `json:"assessmentTemplateName"`
	Expression string        `json:"expression"`
	Zone       string        `json:"timeZone"`
	StartAt    time.Time     `json:"startAt"`
	CreatedAt  time.Time     `json:"createdAt"`
	Rematch    bool          `json:"rematch"`        // the runs are re-matches
	State      string        `json:"state"`          // active, paused, ended: no time is left
	DueAt      time.Time     `json:"dueAt,omitzero"` // the first time without a run yet
	TryAt      time.Time     `json:"tryAt,omitzero"` // when its run is started, or tried again
	Last       *ScheduleLast `json:"last,omitempty"` // nothing was tried yet without it
}

// ScheduleLast is what came of the last try.
type ScheduleLast struct {
	At       time.Time `json:"at"`
	DueAt    time.Time `json:"dueAt"`                      // the newest time that it was for
	Missed   int       `json:"missed"`                     // older times without a run of their own that it was for, too
	Run      string    `json:"assessmentRunArn,omitempty"` // that was started
	Attempts int       `json:"attempts,omitempty"`         // how often in a row the run was refused
	Error    string    `json:"error,omitempty"`            // the kind of the refusal
	Reason   string    `json:"reason,omitempty"`           // of the refusal
}

// SchedulesResponse is a page of schedules.
type SchedulesResponse struct {
	Schedules []Schedule `json:"schedules"`
	NextToken string     `json:"nextToken,omitempty"`
}

// ScheduleRequest names a schedule.
type ScheduleRequest struct {
	ID string `json:"scheduleId"`
}

// ScheduleResponse is empty.
type ScheduleResponse struct{}

// RunScheduleResponse names the run that was started.
type RunScheduleResponse struct {
	Run string `json:"assessmentRunArn"`
}

// scheduleHandlers are the operations of schedules by name.
func (o operations) scheduleHandlers() map[string]Handler {
	return map[string]Handler{
		AddSchedule:    handle(o.addSchedule),
		ListSchedules:  handle(o.listSchedules),
		RemoveSchedule: handle(changeSchedule(o.Service.RemoveSchedule)),
		PauseSchedule:  handle(changeSchedule(o.Service.PauseSchedule)),
		ResumeSchedule: handle(changeSchedule(o.Service.ResumeSchedule)),
		RunSchedule:    handle(o.runSchedule),
	}
}

func (o operations) addSchedule(ctx context.Context, in AddScheduleRequest) (Schedule, error) {
	t, err := o.template(ctx, in.Template)
	if err != nil {
		return Schedule{}, err
	}
	if y := in.StartAt.Year(); !in.StartAt.IsZero() && (y < 1970 || y > 2199) {
		return Schedule{}, invalid("INVALID_SCHEDULE", "a schedule starts in the years 1970 to 2199, not in %d", y)
	}
	added, err := o.Service.AddSchedule(ctx, inspector.Schedule{
		Template: t.ID, Expression: in.Expression, Zone: in.Zone, StartAt: in.StartAt, Rematch: in.Rematch,
	})
	if err != nil {
		return Schedule{}, err
	}
	return o.wireSchedule(added, t.Name), nil
}

// template reads a template by its ARN.
func (o operations) template(ctx context.Context, text string) (inspector.Template, error) {
	arn, err := inspector.ParseARN(text)
	if err != nil || arn.Kind != inspector.KindTemplate {
		return inspector.Template{}, invalid("INVALID_ASSESSMENT_TEMPLATE_ARN", "%.300q is not the ARN of an assessment template", text)
	}
	templates, err := o.Store.Templates(ctx, []string{arn.ID})
	if err != nil {
		return inspector.Template{}, err
	}
	t, ok := templates[arn.ID]
	if !ok || o.Store.Scope.Template(t.Target, t.ID).String() != text {
		return inspector.Template{}, inspector.Errorf(inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", "there is no assessment template %s", text)
	}
	return t, nil
}

func (o operations) listSchedules(ctx context.Context, in PageRequest) (SchedulesResponse, error) {
	page, err := in.page()
	if err != nil {
		return SchedulesResponse{}, err
	}
	schedules, next, err := o.Store.ListSchedules(ctx, page)
	if err != nil {
		return SchedulesResponse{}, err
	}
	ids := make([]string, len(schedules))
	for i, s := range schedules {
		ids[i] = s.Template
	}
	templates, err := o.Store.Templates(ctx, ids)
	answer := SchedulesResponse{Schedules: []Schedule{}, NextToken: next}
	for _, s := range schedules {
		answer.Schedules = append(answer.Schedules, o.wireSchedule(s, templates[s.Template].Name))
	}
	return answer, err
}

func (o operations) wireSchedule(s inspector.Schedule, name string) Schedule {
	out := Schedule{
		ID: s.ID, Template: o.Store.Scope.Template(s.Target, s.Template).String(), Name: name, Expression: s.Expression, Zone: s.Zone,
		StartAt: s.StartAt, CreatedAt: s.CreatedAt, Rematch: s.Rematch, State: "active", DueAt: s.DueAt, TryAt: s.TryAt,
	}
	switch {
	case s.Paused:
		out.State, out.DueAt = "paused", time.Time{}
	case s.TryAt.IsZero():
		out.State = "ended"
	}
	if out.Zone == "" {
		out.Zone = "UTC"
	}
	if l := s.Last; !l.At.IsZero() {
		out.Last = &ScheduleLast{At: l.At, DueAt: l.Due, Missed: l.Missed, Attempts: l.Attempts, Error: string(l.Kind), Reason: l.Reason}
		if l.Run != "" {
			out.Last.Run = o.Store.Scope.Run(s.Target, s.Template, l.Run).String()
		}
	}
	return out
}

func (in ScheduleRequest) check() error {
	if in.ID == "" || !plain(in.ID) {
		return invalid("INVALID_SCHEDULE_ID", "%.200q is not the id of a schedule", in.ID)
	}
	return nil
}

func changeSchedule(change func(ctx context.Context, id string) error) func(context.Context, ScheduleRequest) (ScheduleResponse, error) {
	return func(ctx context.Context, in ScheduleRequest) (ScheduleResponse, error) {
		if err := in.check(); err != nil {
			return ScheduleResponse{}, err
		}
		return ScheduleResponse{}, change(ctx, in.ID)
	}
}

func (o operations) runSchedule(ctx context.Context, in ScheduleRequest) (RunScheduleResponse, error) {
	if err := in.check(); err != nil {
		return RunScheduleResponse{}, err
	}
	run, err := o.Service.RunSchedule(ctx, in.ID)
	return RunScheduleResponse{Run: o.runARN(run)}, err
}

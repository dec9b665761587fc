package api

import (
	"cmp"
	"context"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func (s *Server) runARN(r inspector.Run) inspector.ARN {
	return s.Scope.Run(r.Target, r.Template, r.ID)
}

func (s *Server) run(ctx context.Context, arn string) (inspector.Run, error) {
	return one(ctx, runResource, arn, s.Queries.Runs, s.runARN)
}

func (s *Server) startRun(ctx context.Context, in *model.StartAssessmentRunRequest) (*model.StartAssessmentRunResponse, error) {
	t, err := s.template(ctx, templateResource, in.AssessmentTemplateArn)
	if err != nil {
		return nil, err
	}
	r, err := s.Commands.StartRun(ctx, t.ID, in.AssessmentRunName)
	if err != nil {
		return nil, err
	}
	return &model.StartAssessmentRunResponse{AssessmentRunArn: s.runARN(r).String()}, nil
}

func (s *Server) stopRun(ctx context.Context, in *model.StopAssessmentRunRequest) error {
	r, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return err
	}
	return s.Commands.StopRun(ctx, r.ID, cmp.Or(inspector.StopAction(in.StopAction), inspector.StartEvaluation))
}

func (s *Server) deleteRun(ctx context.Context, in *model.DeleteAssessmentRunRequest) error {
	r, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return err
	}
	return s.Commands.DeleteRun(ctx, r.ID)
}

func (s *Server) listRuns(ctx context.Context, in *model.ListAssessmentRunsRequest) (*model.ListAssessmentRunsResponse, error) {
	page, err := s.page("ListAssessmentRuns", []any{in.AssessmentTemplateArns, in.Filter}, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	filter, err := s.runFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	if filter.Templates, err = all(ctx, templateResource, in.AssessmentTemplateArns, s.Queries.Templates, s.templateARN); err != nil {
		return nil, err
	}
	runs, after, err := s.Queries.ListRuns(ctx, filter, page.Page)
	if err != nil {
		return nil, err
	}
	return &model.ListAssessmentRunsResponse{AssessmentRunArns: arnsOf(runs, s.runARN), NextToken: page.token(after)}, nil
}

func (s *Server) runFilter(in *model.AssessmentRunFilter) (f inspector.RunFilter, err error) {
	if in == nil {
		return f, nil
	}
	f.NamePattern, f.States = in.NamePattern, named[inspector.RunState](in.States)
	if f.Durations, err = durations(in.DurationRange, codeRunDurations); err != nil {
		return f, err
	}
	if f.PackageARNs, err = s.packageFilter(in.RulesPackageArns); err != nil {
		return f, err
	}
	if f.Started, err = times(in.StartTimeRange, "INVALID_ASSESSMENT_RUN_START_TIME_RANGE"); err != nil {
		return f, err
	}
	if f.Completed, err = times(in.CompletionTimeRange, "INVALID_ASSESSMENT_RUN_COMPLETION_TIME_RANGE"); err != nil {
		return f, err
	}
	f.StateChanged, err = times(in.StateChangeTimeRange, "INVALID_ASSESSMENT_RUN_STATE_CHANGE_TIME_RANGE")
	return f, err
}

func (s *Server) describeRuns(ctx context.Context, in *model.DescribeAssessmentRunsRequest) (*model.DescribeAssessmentRunsResponse, error) {
	found, err := find(ctx, runResource, in.AssessmentRunArns, s.Queries.Runs, s.runARN)
	if err != nil {
		return nil, err
	}
	out := new(model.DescribeAssessmentRunsResponse)
	out.AssessmentRuns, out.FailedItems = sortOut(in.AssessmentRunArns, found, s.wireRun)
	for i, r := range out.AssessmentRuns {
		if out.AssessmentRuns[i].Notifications, err = s.notifications(ctx, found[r.Arn].ID); err != nil {
			return nil, err
		}
		if found[r.Arn].Rematch {
			out.AssessmentRuns[i].Notifications = noticed(r.CreatedAt, out.AssessmentRuns[i].Notifications)
		}
	}
	return out, nil
}

// noticed puts the notice that a run is a re-match before its notifications, the
// oldest of which gives way where there are as many as there may be.
func noticed(at model.Timestamp, all []model.AssessmentRunNotification) []model.AssessmentRunNotification {
	notice := model.AssessmentRunNotification{Date: at, Event: string(inspector.OtherEvent), Message: inspector.RematchNotice}
	return append([]model.AssessmentRunNotification{notice}, all[max(0, len(all)-maxListed+1):]...)
}

func (s *Server) wireRun(r inspector.Run) model.AssessmentRun {
	changes := make([]model.AssessmentRunStateChange, len(r.Changes))
	for i, c := range r.Changes {
		changes[i] = model.AssessmentRunStateChange{State: string(c.State), StateChangedAt: model.Timestamp{Time: c.At}}
	}
	counts := map[string]int64{}
	for _, severity := range inspector.Severities() {
		counts[string(severity)] = r.FindingCounts[severity]
	}
	return model.AssessmentRun{
		Arn: s.runARN(r).String(), Name: r.Name, AssessmentTemplateArn: s.Scope.Template(r.Target, r.Template).String(),
		State: string(r.State), DurationInSeconds: int64(r.Duration / time.Second), RulesPackageArns: r.Packages,
		UserAttributesForFindings: wireAttributes(r.Attributes), DataCollected: r.DataCollected,
		CreatedAt: model.Timestamp{Time: r.CreatedAt}, StartedAt: model.Timestamp{Time: r.StartedAt},
		CompletedAt: model.Timestamp{Time: r.CompletedAt}, StateChangedAt: model.Timestamp{Time: r.StateChangedAt},
		StateChanges: changes, Notifications: []model.AssessmentRunNotification{}, FindingCounts: counts,
	}
}

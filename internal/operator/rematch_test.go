package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
)

// matching is a rules package that can be matched again.
type matching struct{}

func (matching) Describe() rules.Description {
	return rules.Description{ID: inspector.PackageCVE, Name: "CVE", Version: "1", Rematch: true, Sensors: []string{"packages"}, Needs: []string{"packages"}}
}

func (matching) Evaluate(context.Context, *host.Host, rules.Input) ([]rules.Result, error) {
	return nil, nil
}

// A re-match says which hosts it has, how old their telemetry is, and which are left
// out.
func TestRematch(t *testing.T) {
	w := newWorld(t, matching{})
	ctx := t.Context()
	w.agent("i-stored")
	w.agent("i-never")
	target, template := "0-target01", "0-templat2"
	source := inspector.Run{Target: target, Template: template, ID: "0-run00002", Name: "source", CreatedAt: noon.Add(-48 * time.Hour)}
	w.check(w.store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.CreateTemplate(ctx, inspector.Template{ID: template, Target: target, Name: "cve", Duration: time.Hour,
				Packages: []string{scope.PackageARN(inspector.PackageCVE).String()}, CreatedAt: noon}, inspector.Limits{}),
			tx.CreateRun(ctx, source, []byte("key"), []string{"i-stored"}, inspector.Limits{}),
			tx.AddSegment(ctx, store.Segment{Run: source.ID, Agent: "i-stored", Sensor: "packages", Sequence: 1, Digest: []byte{1}, ReceivedAt: noon.Add(-47 * time.Hour)}, nil),
			tx.SaveRunAgent(ctx, inspector.RunAgent{Run: source.ID, Agent: "i-stored", State: inspector.CollectionComplete, Expected: 1}),
		)
	}))
	started, err := call[StartRematchResponse](w, StartRematch, StartRematchRequest{Template: scope.Template(target, template).String()})
	w.check(err)
	never := RematchHost{Agent: "i-never", Hostname: "h-i-never", Reason: "no assessment has collected its telemetry yet"}
	want := StartRematchResponse{Run: started.Run, Hosts: 2, Excluded: []RematchHost{never}}
	if diff := cmp.Diff(want, started); diff != "" || !strings.HasPrefix(started.Run, scope.Template(target, template).String()+"/run/0-") {
		t.Errorf("started %q: %s", started.Run, diff)
	}
	hosts := func(run, token string) RematchHostsResponse {
		t.Helper()
		got, err := call[RematchHostsResponse](w, ListRematchHosts, RematchHostsRequest{Run: run, PageRequest: PageRequest{MaxResults: 1, NextToken: token}})
		w.check(err)
		return got
	}
	stored := RematchHost{Agent: "i-stored", Hostname: "h-i-stored", CollectedAt: noon.Add(-47 * time.Hour), Source: scope.Run(target, template, source.ID).String()}
	first := hosts(started.Run, "")
	if diff := cmp.Diff(RematchHostsResponse{Hosts: []RematchHost{never}, NextToken: "i-never"}, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(RematchHostsResponse{Hosts: []RematchHost{stored}}, hosts(started.Run, first.NextToken)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(RematchHostsResponse{Hosts: []RematchHost{}}, hosts(scope.Run(target, template, source.ID).String(), "")); diff != "" {
		t.Error("of a run that is none: ", diff)
	}
	// Without a template: all hosts.
	all, err := call[StartRematchResponse](w, StartRematch, `{}`)
	w.check(err)
	if all.Hosts != 2 || len(all.Excluded) != 1 || strings.Contains(all.Run, target) {
		t.Errorf("of all hosts: %+v", all)
	}
	added, err := call[Schedule](w, AddSchedule, AddScheduleRequest{Template: scope.Template(target, template).String(), Expression: "every 1 days", Rematch: true})
	w.check(err)
	if !added.Rematch {
		t.Errorf("the schedule is %+v", added)
	}
	run, err := call[RunScheduleResponse](w, RunSchedule, ScheduleRequest{ID: added.ID})
	w.check(err)
	if got := hosts(run.Run, "i-never"); len(got.Hosts) != 1 || got.Hosts[0].Source != stored.Source {
		t.Errorf("the scheduled run is no re-match: %+v", got)
	}
}

func TestBadRematches(t *testing.T) {
	w := newWorld(t, matching{})
	template := scope.Template("0-target01", "0-templat1").String() // of a package that there is not
	for _, test := range []struct {
		operation, request string
		kind               inspector.ErrorKind
		want               string
	}{
		{StartRematch, `{`, inspector.InvalidInput, "not the JSON"},
		{StartRematch, `{"assessmentTemplateArn":"nonsense"}`, inspector.InvalidInput, "not the ARN of an assessment template"},
		{StartRematch, fmt.Sprintf(`{"assessmentTemplateArn":%q}`, strings.TrimSuffix(template, "1")+"9"), inspector.NoSuchEntity, "no assessment template"},
		{StartRematch, fmt.Sprintf(`{"assessmentTemplateArn":%q}`, template), inspector.InvalidInput, "could tell nothing new"},
		{AddSchedule, fmt.Sprintf(`{"assessmentTemplateArn":%q,"expression":"every 1 days","rematch":true}`, template), inspector.InvalidInput, "could tell nothing new"},
		{ListRematchHosts, `{}`, inspector.InvalidInput, "not the ARN of an assessment run"},
		{ListRematchHosts, fmt.Sprintf(`{"assessmentRunArn":%q}`, strings.TrimSuffix(w.run, "1")+"9"), inspector.NoSuchEntity, "no assessment run"},
		{ListRematchHosts, fmt.Sprintf(`{"assessmentRunArn":%q,"maxResults":501}`, w.run), inspector.InvalidInput, "1 to 500"},
	} {
		_, err := call[any](w, test.operation, test.request)
		var refused *inspector.Err
		if !errors.As(err, &refused) || refused.Kind != test.kind || !strings.Contains(refused.Message, test.want) {
			t.Errorf("%s %.100s: the error is %v, want %s with %q", test.operation, test.request, err, test.kind, test.want)
		}
	}
	if listed, err := call[SchedulesResponse](w, ListSchedules, PageRequest{}); err != nil || len(listed.Schedules) != 0 {
		t.Errorf("the schedules are %+v, %v", listed.Schedules, err)
	}
}

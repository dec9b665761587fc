package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/api/model"
	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/practices"
)

var behaviorARN = inspector.Scope{Region: "eu-west-1", Account: "123456789012"}.PackageARN(inspector.PackageBehavior).String()

// A real service: without -observe, what observes is left out, and that is said.
func TestObservingIsAskedFor(t *testing.T) {
	env := deployment(t)
	client, err := (&Command{Getenv: func(name string) string { return env[name] }}).newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	if _, err := client.thisHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		behavior bool
		seconds  int64
	}{"": {false, 900}, "-duration 1h": {false, 3600}, "-observe 3m": {true, 180}} {
		all := append(append([]string{"assess", "-json"}, strings.Fields(args)...), thisHost)
		code, stdout, stderr := run(t.Context(), env, all...)
		var o outcome
		if err := json.Unmarshal([]byte(stdout), &o); err != nil || code != ExitIncomplete { // no hosts
			t.Fatalf("%q: exit code %d, %v, %s", args, code, err, stderr)
		}
		r, err := client.run(t.Context(), o.Run)
		if err != nil {
			t.Fatal(err)
		}
		if has := slices.ContainsFunc(r.RulesPackageArns, observesHosts); has != want.behavior || r.DurationInSeconds != want.seconds || len(r.RulesPackageArns) < 2 {
			t.Errorf("%q: a run of %d seconds and %q", args, r.DurationInSeconds, r.RulesPackageArns)
		}
		if said := strings.Contains(stderr, "assay assess -observe 3m "+thisHost); said == want.behavior || (len(o.LeftOut) == 1) == want.behavior {
			t.Errorf("%q: %q, %+v", args, stderr, o.LeftOut)
		}
	}
	for _, args := range []string{"-observe 1m", "-observe 25h", "-observe 3m -duration 1h", "-observe -3m"} {
		if code, _, _ := run(t.Context(), env, append(append([]string{"assess"}, strings.Fields(args)...), thisHost)...); code != ExitUsage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// TestDoing: what a terminal says of a run, by a clock that may be off.
func TestDoing(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state, arn string
		began      time.Duration // before now
		want       string
	}{
		{"COLLECTING_DATA", behaviorARN, 50 * time.Second, "observing, 2m10s left"},
		{"COLLECTING_DATA", behaviorARN, time.Hour, "observing, 0s left"},
		{"COLLECTING_DATA", behaviorARN, -time.Hour, "observing, 3m0s left"},
		{"COLLECTING_DATA", "arn:other", time.Second, "collecting data"},
		{"EVALUATING_RULES", behaviorARN, time.Second, "evaluating rules"},
	} {
		r := model.AssessmentRun{State: c.state, RulesPackageArns: []string{c.arn}, DurationInSeconds: 180, StartedAt: model.Timestamp{Time: now.Add(-c.began)}}
		if got := doing(r, now); got != c.want {
			t.Errorf("%s, %v ago: %q, want %q", c.state, c.began, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{3 * time.Minute: "3m", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h", 200 * time.Second: "3m20s", 10 * time.Second: "10s", 20 * time.Minute: "20m"} {
		if got := lasting(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// Who interrupts try while it observes gets what was seen until then; a run that does
// not observe, and one whose agent has ended, are given up as before.
func TestInterruptedWhileObserving(t *testing.T) {
	for name, c := range map[string]struct {
		arn   string
		why   error
		stops int64
	}{
		"observing":           {behaviorARN, errors.New("interrupt signal received"), 1},
		"not observing":       {"arn:other", errors.New("interrupt signal received"), 0},
		"the agent has ended": {behaviorARN, partEnded{errors.New("the agent has ended")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var stops atomic.Int64
			client := door(t, func(w http.ResponseWriter, r *http.Request) {
				switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
				case "DescribeAssessmentRuns":
					state := "COLLECTING_DATA"
					if stops.Load() > 0 {
						state = "COMPLETED"
					}
					fmt.Fprintf(w, `{"assessmentRuns":[{"arn":"the-run","state":%q,"startedAt":1,"durationInSeconds":180,"rulesPackageArns":[%q]}]}`, state, c.arn)
					cancel(c.why)
				case "StopAssessmentRun":
					stops.Add(1)
				default:
					w.Write([]byte(`{}`))
				}
			})
			var out, errs bytes.Buffer
			err := (&Command{Stdout: &out, Stderr: &errs}).follow(ctx, client, "the-run", assessFlags{endEarly: true})
			if stops.Load() != c.stops {
				t.Errorf("the run was stopped %d times", stops.Load())
			}
			var code exitError
			if ended := errors.As(err, &code); ended != (c.stops > 0) || ended != strings.Contains(errs.String(), "ends early") {
				t.Errorf("%v, %s", err, &errs)
			}
			if c.stops == 0 && (err == nil || !strings.HasPrefix(err.Error(), c.why.Error())) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A snapshot of a host that was not observed is not judged by what it did; whether the
// observation saw all is the rules' affair.
func TestSnapshotsThatObserved(t *testing.T) {
	all := []rules.Package{practices.Package{}, behavior.Package{}}
	plain := host.New("i-1")
	plain.Seal()
	for h, want := range map[*host.Host]int{
		plain: 1, hosttest.Host(t, "observation\n"): 2, hosttest.Host(t, "partial activity\n"): 2, hosttest.Host(t, "denied activity\n"): 2,
	} {
		some, left := forSnapshot(all, h)
		if len(some) != want || len(some)+len(left) != 2 {
			t.Errorf("%d packages, want %d; left out: %v", len(some), want, left)
		}
		for _, l := range left {
			if l.Package != "Runtime Behavior Analysis" || !strings.Contains(l.Reason, "not observed") || !strings.Contains(l.Remedy, "-observe") {
				t.Errorf("%+v", l)
			}
		}
	}
}

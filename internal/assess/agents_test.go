package assess

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/wire"
)

func (w *world) token(uses int, life time.Duration, tags ...inspector.Tag) string {
	w.t.Helper()
	token, hash := identity.NewToken()
	err := w.Store.Update(w.t.Context(), func(tx *store.Tx) error {
		return tx.CreateToken(w.t.Context(), store.Token{
			ID: inspector.NewID(), Hash: hash, Tags: tags, CreatedAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(life), MaxUses: uses,
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) agent(id string) inspector.Agent {
	w.t.Helper()
	rows, err := w.Store.Agents(w.t.Context(), []string{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows[id]
}

func TestEnroll(t *testing.T) {
	w := newWorld(t)
	tag := inspector.Tag{Key: "role", Value: "web"}
	token := w.token(1, 24*time.Hour, tag)
	one, two := w.AgentID([]byte("one")), w.AgentID([]byte("two"))
	enroll := func(w *world, token, agent string) string {
		err := w.Enroll(t.Context(), token, agent, facts, "1.0")
		var refused *wire.Error
		switch {
		case err == nil:
			return ""
		case errors.As(err, &refused):
			return refused.Code
		}
		t.Fatal(err)
		return ""
	}
	if got := enroll(w, "assay-enroll-x", one); got != CodeBadToken {
		t.Errorf("an unknown token: %q", got)
	}
	if got := enroll(w, token, one); got != "" {
		t.Errorf("the first time: %q", got)
	}
	if got := enroll(w, token, two); got != CodeBadToken {
		t.Errorf("another host with a token that is used up: %q", got)
	}
	if got := enroll(w.replica(), token, one); got != "" {
		t.Errorf("once more, because the answer was lost: %q", got)
	}
	w.clock.add(2 * time.Hour)
	if got := enroll(w, token, one); got != CodeBadToken {
		t.Errorf("long after: %q", got)
	}
	row := w.agent(one)
	if diff := cmp.Diff([]inspector.Tag{tag}, row.Tags); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(one, "i-") || len(one) != 19 || row.Hostname != "web-1" || row.Platform != "linux" || !row.EnrolledAt.Equal(noon) {
		t.Errorf("the agent %s is %+v", one, row)
	}

	expired := w.token(0, time.Minute)
	w.clock.add(time.Hour)
	if got := enroll(w, expired, two); got != CodeBadToken {
		t.Errorf("a token that has expired: %q", got)
	}
	if err := w.Revoke(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if got := enroll(w, w.token(0, time.Hour), one); got != CodeUnknownAgent {
		t.Errorf("an agent that was revoked, with the same key: %q", got)
	}
	var e *inspector.Err
	if err := w.Revoke(t.Context(), "i-0"); !errors.As(err, &e) || e.Kind != inspector.NoSuchEntity {
		t.Errorf("revoking nobody: %v", err)
	}
	if newWorld(t).AgentID([]byte("one")) == one {
		t.Error("agent ids can be told without the service's secret")
	}
}

func TestHeartbeatIsWrittenDown(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol(inspector.Tag{Key: "role", Value: "web"})
	w.clock.add(30 * time.Second)
	beat := w.heartbeat()
	beat.Now = beat.Now.Add(-2 * time.Hour)
	beat.Facts.Hostname = "web\x1b[31m-2\n" + strings.Repeat("é", 300)
	beat.Facts.IPv4Addresses = []string{"10.0.0.6", "x", "fe80::1", "010.0.0.1"}
	beat.Health = []string{"the spool is full", "\x00"}
	out := w.say(agent, beat)
	if out.Interval != 30 || !out.Now.Equal(w.clock.Now()) {
		t.Errorf("the answer is %+v", out)
	}
	got := w.agent(agent)
	if !got.SeenAt.Equal(w.clock.Now()) || got.Skew != -2*time.Hour || len(got.Tags) != 1 {
		t.Errorf("seen at %s with a clock %s off", got.SeenAt, got.Skew)
	}
	if strings.ContainsAny(got.Hostname, "\x1b\n") || !strings.HasPrefix(got.Hostname, "web[31m-2é") || len(got.Hostname) > maxFact {
		t.Errorf("the host name is %q", got.Hostname)
	}
	if diff := cmp.Diff([]string{"10.0.0.6"}, got.Addresses); diff != "" {
		t.Error(diff)
	}
	want := []string{"the spool is full", "the host's clock is 2h0m0s behind the service's: set it (timedatectl)"}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Error(diff)
	}

	// Nothing new: only the time is written, and nothing else is read.
	w.clock.add(30 * time.Second)
	beat.Now = w.clock.Now().Add(-2 * time.Hour)
	w.Service.update = func(context.Context, func(*store.Tx) error) error { return errors.New("a transaction") }
	w.say(agent, beat)
	if got := w.agent(agent); !got.SeenAt.Equal(w.clock.Now()) {
		t.Errorf("seen at %s", got.SeenAt)
	}
}

// What cannot be written down is not lost.
func TestHeartbeatsOutliveADatabaseThatIsAway(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	w.clock.add(2 * time.Minute) // the row is read again
	works := w.Service.update
	away := errors.New("database is locked")
	w.Service.update = func(context.Context, func(*store.Tx) error) error { return away }
	if _, err := w.Heartbeat(t.Context(), agent, w.heartbeat()); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); !errors.Is(err, away) {
		t.Fatalf("error %v", err)
	}
	w.Service.update = works
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.agent(agent); !got.SeenAt.Equal(w.clock.Now()) {
		t.Errorf("seen at %s", got.SeenAt)
	}
}

func TestAgentsThatAreNotWelcome(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	other := w.replica()
	other.beat(agent)
	heartbeat := func(w *world, agent string) string {
		_, err := w.Heartbeat(t.Context(), agent, w.heartbeat())
		var refused *wire.Error
		if errors.As(err, &refused) {
			return refused.Code
		}
		return ""
	}
	if got := heartbeat(w, "i-00000000000000000"); got != CodeUnknownAgent {
		t.Errorf("an agent that never enrolled: %q", got)
	}
	if err := w.Revoke(t.Context(), agent); err != nil {
		t.Fatal(err)
	}
	if got := heartbeat(w, agent); got != CodeUnknownAgent {
		t.Errorf("a revoked agent: %q", got)
	}
	// Another replica finds out when it writes down what it heard.
	w.clock.add(checkEvery)
	heartbeat(other, agent)
	if err := other.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := heartbeat(other, agent); got != CodeUnknownAgent {
		t.Errorf("a revoked agent at another replica: %q", got)
	}
	if !w.agent(agent).Revoked {
		t.Error("a heartbeat brought a revoked agent back")
	}
	if err := w.Admit(t.Context(), agent); err == nil {
		t.Error("a revoked agent is admitted")
	}
}

// A run that one replica starts is known to the others soon, and a stop too.
func TestReplicasTellTheSame(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	other := w.replica()
	if got := other.beat(agent).Instructions; len(got) != 0 {
		t.Fatalf("before the run: %v", got)
	}
	run := w.start(w.template(time.Hour))
	w.clock.add(inForceLife)
	here, there := w.beat(agent).Instructions, other.beat(agent).Instructions
	if len(here) != 1 || !cmp.Equal(here, there) {
		t.Errorf("one replica says %v, the other %v", here, there)
	}
	if err := other.StopRun(t.Context(), run.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.clock.add(inForceLife)
	if got := w.beat(agent).Instructions; len(got) != 1 || got[0].Action != wire.ActionOff {
		t.Errorf("after the stop: %v", got)
	}
}

// Every instruction that is ever given passes the check that agents make.
func TestInstructionsAreValid(t *testing.T) {
	for _, state := range []inspector.RunState{inspector.CollectingData, inspector.StopDataCollectionPending, inspector.Canceled, inspector.EvaluatingRules} {
		for _, part := range []inspector.CollectionState{inspector.CollectionPending, inspector.CollectionStarted, inspector.CollectionComplete, inspector.CollectionFailed} {
			for _, agents := range []int{1, 500, 100_000} {
				run := inspector.Run{ID: "0-AAAAAAAA", State: state, StartedAt: noon, Duration: 180 * time.Second}
				for _, i := range instructionsFor(run, part, []string{"config"}, agents) {
					if err := i.Check(); err != nil {
						t.Errorf("%s, %s: %v", state, part, err)
					}
					if back, ok := runOf(i.ID); !ok || back != run.ID {
						t.Errorf("the instruction %q is of the run %q", i.ID, back)
					}
					if i.Jitter > 18 {
						t.Errorf("a jitter of %d s in a run of 180 s", i.Jitter)
					}
				}
			}
		}
	}
}

// Run writes down what was heard, also at its end, and makes the standing jobs.
func TestRun(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	w.clock.add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	for len(w.queue.waiting()) == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if got := w.queue.waiting(); len(got) != 2 || got[0] != "retain standing" || got[1] != "schedule standing" {
		t.Errorf("queued: %v", got)
	}
	if _, err := w.Heartbeat(t.Context(), agent, w.heartbeat()); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := w.agent(agent); !got.SeenAt.Equal(w.clock.Now()) {
		t.Errorf("seen at %s", got.SeenAt)
	}
}

func TestSetTags(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	arn := scope.Template(template.Target, template.ID)
	tags := []inspector.Tag{{Key: "team", Value: "a"}}
	if err := w.SetTags(t.Context(), arn, tags); err != nil {
		t.Fatal(err)
	}
	got, err := w.Store.Tags(t.Context(), arn.String())
	if err != nil || !cmp.Equal(got, tags) {
		t.Errorf("tags %v, %v", got, err)
	}
	for _, wrong := range []inspector.ARN{scope.Target(template.Target), scope.Template(template.Target, "0-AAAAAAAA"), scope.Template("0-AAAAAAAA", template.ID)} {
		var e *inspector.Err
		if err := w.SetTags(t.Context(), wrong, tags); !errors.As(err, &e) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	w := newWorld(t)
	target := w.template(time.Hour).Target
	for name, c := range map[string]struct {
		template inspector.Template
		kind     inspector.ErrorKind
	}{
		"too short":             {inspector.Template{Target: target, Name: "a", Duration: time.Minute, Packages: []string{practicesARN()}}, inspector.InvalidInput},
		"too long":              {inspector.Template{Target: target, Name: "a", Duration: 25 * time.Hour, Packages: []string{practicesARN()}}, inspector.InvalidInput},
		"an unknown package":    {inspector.Template{Target: target, Name: "a", Duration: time.Hour, Packages: []string{"arn:aws:inspector:eu-central-1:123456789012:rulespackage/0-AAAAAAAA"}}, inspector.NoSuchEntity},
		"a package not here":    {inspector.Template{Target: target, Name: "a", Duration: time.Hour, Packages: []string{scope.PackageARN(inspector.PackageCVE).String()}}, inspector.NoSuchEntity},
		"a target that is gone": {inspector.Template{Target: "0-AAAAAAAA", Name: "a", Duration: time.Hour, Packages: []string{practicesARN()}}, inspector.NoSuchEntity},
	} {
		var e *inspector.Err
		if _, err := w.CreateTemplate(t.Context(), c.template); !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

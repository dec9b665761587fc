package assess

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/host"
	"assay/internal/rules"
)

// endless is a rules package that somebody's telemetry keeps busy for ever.
type endless struct{ fakePackage }

func (*endless) Evaluate(ctx context.Context, _ *host.Host, _ rules.Input) ([]rules.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A host that takes too long has errors for results: the run ends.
func TestEvaluationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Service{Config: Config{Log: slog.New(slog.DiscardHandler), Now: time.Now}}
		results, err := s.judge(t.Context(), &endless{}, host.New("i-1"), noon)
		if err != nil || len(results) != 2 {
			t.Fatalf("results %v, error %v", results, err)
		}
		for _, r := range results {
			if r.Verdict != rules.Error || r.Reason == "" {
				t.Errorf("%s is %s: %s", r.Rule, r.Verdict, r.Reason)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.judge(ctx, &endless{}, host.New("i-1"), noon); err == nil {
			t.Error("what the service's end interrupted has results")
		}
	})
}

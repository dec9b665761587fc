package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/operator"
)

// TestKilledBetweenDurablePairs kills the service with SIGKILL at each point where
// one thing is durable and the next is not, the first and a later time that the
// point is passed. Whatever the point, the run completes, every acknowledged
// segment is evaluated, once, and the findings are those of a run that nobody
// disturbed.
func TestKilledBetweenDurablePairs(t *testing.T) {
	t.Parallel() // the agent is aside
	databases(t, func(t *testing.T, w *world) {
		w.startService("")
		w.aside()
		w.startAgent()
		w.heard()
		sdk := w.sdk()
		template := sdk.quick()
		undisturbed := sdk.startRun(template)
		want := w.check(sdk, undisturbed)
		for _, point := range crashPoints {
			for _, nth := range []int{1, 3} {
				if nth > 1 && !strings.HasPrefix(point, "object") && !strings.HasPrefix(point, "ack") && !strings.HasPrefix(point, "advance") {
					continue // passed once or for ever
				}
				name := fmt.Sprintf("%s:%d", point, nth)
				w.service.kill()
				w.startService("")
				w.heard()
				run := sdk.startRun(template)
				w.service.kill()
				w.startService(name)
				w.dies(name, sdk, run)
				w.startService("")
				got := w.check(sdk, run)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("killed at %s: the findings differ (-undisturbed +killed):\n%s", name, diff)
				}
			}
		}
	})
}

// dies waits until the service has killed itself at a point that the run comes by.
func (w *world) dies(point string, sdk sdk, run string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if !w.service.wait(ctx) {
		w.t.Errorf("the point %q was not passed; the run is %s", point, sdk.state(run))
	}
	w.service.kill()
}

// TestKilledAtRandom kills the service and the agent 50 times at random points of
// runs.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel() // the agent is aside
	w := newWorld(t, "")
	w.startService("")
	w.aside()
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	template := sdk.quick()
	want := w.check(sdk, sdk.startRun(template))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for kills := 0; kills < 50; {
		run := sdk.startRun(template)
		for !final(sdk.state(run)) && kills < 50 {
			time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
			if random.IntN(2) == 0 {
				w.service.kill()
				w.startService("")
			} else {
				w.agent.kill()
				w.startAgent()
			}
			kills++
		}
		if diff := cmp.Diff(want, w.check(sdk, run)); diff != "" {
			t.Fatalf("after %d kills (seed %d) the findings differ (-undisturbed +killed):\n%s", kills, seed, diff)
		}
	}
}

// acknowledged is what the agent logs when it has read an acknowledgement, before
// it forgets the segment.
var acknowledged = regexp.MustCompile(`agent: .*msg="a segment is acknowledged" run=(\S+) sequence=(\d+)`)

// check waits until a run is over, and compares what the agent knows to have been
// acknowledged with what was evaluated. It returns the findings.
func (w *world) check(sdk sdk, run string) []string {
	w.t.Helper()
	state := sdk.finish(run)
	if !strings.HasPrefix(state, "COMPLETED") {
		w.t.Fatalf("the run is %s", state)
	}
	var evaluated []int64
	for _, r := range w.results(run) { // one a rules package
		evaluated = nil
		for i, segment := range r.Telemetry {
			evaluated = append(evaluated, segment.Sequence)
			if segment.Sequence != int64(i+1) {
				w.t.Fatalf("the segments that %s evaluated are %v", r.Package, evaluated)
			}
		}
		if len(evaluated) == 0 {
			w.t.Fatalf("%s evaluated no segment", r.Package)
		}
	}
	if len(evaluated) == 0 {
		w.t.Fatal("no segment was evaluated")
	}
	id, acks := run[strings.LastIndex(run, "/")+1:], 0
	for _, m := range acknowledged.FindAllStringSubmatch(w.log.String(), -1) {
		sequence, _ := strconv.ParseInt(m[2], 10, 64)
		if m[1] != id {
			continue
		}
		acks++
		if !slices.Contains(evaluated, sequence) {
			w.t.Errorf("segment %d was acknowledged and not evaluated: %v", sequence, evaluated)
		}
	}
	if acks == 0 {
		w.t.Error("the agent logged no acknowledgement: there is nothing to compare with")
	}
	findings := sdk.findings(run)
	if doubled := len(findings) - len(slices.Compact(slices.Clone(findings))); doubled > 0 {
		w.t.Errorf("%d findings are doubled: %q", doubled, findings)
	}
	return findings
}

func (w *world) results(run string) []operator.HostResults {
	w.t.Helper()
	var results []operator.HostResults
	out, _ := w.assay(0, "results", "-json", run)
	decode(w.t, out, &results)
	return results
}

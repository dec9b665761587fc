package groundtruth

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var times = flag.Int("truth.times", 1, "how often each way to observe is tried")

func TestMain(m *testing.M) {
	if os.Getenv(envFile) != "" {
		os.Exit(observerMain())
	}
	code := m.Run()
	os.RemoveAll(built.dir)
	os.Exit(code)
}

// ways are those to observe, as agents are told to; see table_linux_test.go.
var ways = []string{"ebpf", "ebpf/core", "fanotify", "connector", "poll"}

// TestTruth: what is told of the deeds is what the table has.
func TestTruth(t *testing.T) {
	tables := tables(t)
	for _, way := range ways {
		t.Run(strings.ReplaceAll(way, "/", "-"), func(t *testing.T) {
			for range *times {
				t.Run("", func(t *testing.T) {
					s := newStage(t)
					s.busy = !strings.HasPrefix(way, "ebpf")
					s.before()
					records := s.observed(way, func() {
						s.fleeting()
						s.lasting()
					})
					tables[way].check(t, s.transcript(records))
				})
			}
		})
	}
}

// TestAgent is TestTruth with the agent's own program, as anybody may run it.
func TestAgent(t *testing.T) {
	tables := tables(t)
	s := newStage(t)
	s.before()
	records := s.collected(func() {
		s.fleeting()
		s.lasting()
	})
	// The deeds may have begun before its sensors have looked for the first time, to which
	// what listens then was there all the time.
	table := tables[exact]
	table.allow("Informational unused-listening-tcp-ports: tcp/7004 $STAGE/late")
	table.check(t, s.transcript(records))
}

// TestNothing: of programs that do nothing insecure there is no finding, whatever else
// goes on here.
func TestNothing(t *testing.T) {
	for _, way := range ways {
		t.Run(strings.ReplaceAll(way, "/", "-"), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.harmless()
			h := s.asHost(s.observed(way, s.harmlessMeanwhile))
			seen := strings.Join(s.counted(h), "\n")
			for _, what := range []string{"executed " + s.path("guest"), "connected there " + s.path("guest"), "accepted here IPv6 7001"} {
				if !strings.Contains(seen, what) {
					t.Errorf("it was not looked at, for nothing was told of %q:\n%s", what, seen)
				}
			}
			for _, line := range s.findings(h) {
				if !strings.HasPrefix(line, "not in full") {
					t.Error(line)
				}
			}
		})
	}
}

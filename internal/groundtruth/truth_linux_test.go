package groundtruth

import (
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"

	"assay/internal/sensor/activity"
)

var times = flag.Int("truth.times", 1, "how often each way to observe is tried")

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built.dir)
	os.Exit(code)
}

func TestTruth(t *testing.T) {
	for range *times {
		t.Run("ebpf", func(t *testing.T) {
			s := newStage(t)
			s.before()
			records := newLooking(t).during(activity.New(), s.probe, func() {
				s.fleeting()
				s.lasting()
			})
			t.Log("\n" + s.transcript(records))
		})
	}
}

// probe executes a program until the observation has told of it.
func (s *stage) probe(seen func(string) bool) {
	program := s.put("probe", "short", 0o755)
	for !seen(program) {
		s.here.run(exec.Command(program))
		time.Sleep(20 * time.Millisecond)
	}
}

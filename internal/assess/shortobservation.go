package assess

import (
	"fmt"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/telemetry"
)

// noteShort has the coverage of what was observed say so where that was not the whole
// run: where a host came late to it. Its agent does not know since when the run goes on.
func (s *Service) noteShort(h *host.Host, r inspector.Run) {
	var observed time.Duration
	for _, o := range h.Observations().Values {
		observed += max(o.Ended.Sub(o.Began), 0)
	}
	if observed == 0 || observed >= r.Duration-s.lateness(r) {
		return // nobody has come to an end, which the sensor tells, or all was seen
	}
	reason := fmt.Sprintf("the host was observed for %s of the %s of the run", observed.Round(time.Second), r.Duration)
	c := h.Coverage(telemetry.SensorActivity)
	c = c.Lessened(reason)
	h.Add(&c)
}

// lateness is how late an observation may begin, at most half of the run: after two
// heartbeats, when many agents do not begin at once.
func (s *Service) lateness(r inspector.Run) time.Duration {
	return min(2*s.Interval()+jitter(1<<20, r.Duration), r.Duration/2)
}

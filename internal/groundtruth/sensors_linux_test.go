package groundtruth

import (
	"context"
	"sync"
	"testing"

	"assay/internal/host"
	"assay/internal/sensor"
	"assay/internal/sensor/accounts"
	"assay/internal/sensor/activity"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/processes"
	"assay/internal/sensor/programs"
	"assay/internal/sensor/sockets"
	"assay/internal/sensor/system"
	"assay/internal/telemetry"
)

// looking is an agent's sensors at work in this process, and what they have told.
type looking struct {
	t       *testing.T
	host    *sensor.Host
	mu      sync.Mutex
	changed *sync.Cond
	records []telemetry.Record
}

func newLooking(t *testing.T) *looking {
	t.Helper()
	fs, err := hostfs.Open("/")
	must(t, err)
	t.Cleanup(func() { fs.Close() })
	l := &looking{t: t, host: &sensor.Host{FS: fs, Live: true}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// during looks once with the sensors that do, and observes with the others while do
// does something; begun tells it to begin once the observation has seen a program.
func (l *looking) during(observer sensor.Observer, begun func(seen func(path string) bool), do func()) []telemetry.Record {
	l.t.Helper()
	all := []sensor.Sensor{system.New(), accounts.New(), sockets.New(), processes.New(), programs.New(), observer}
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	var group sync.WaitGroup
	for _, s := range all {
		if o, ok := s.(sensor.Observer); ok {
			group.Go(func() { l.run(ctx, s, o.Observe) })
		} else {
			l.run(ctx, s, s.Collect)
		}
	}
	begun(l.executed)
	do()
	cancel()
	group.Wait()
	return l.records
}

type collect func(context.Context, *sensor.Host, sensor.Emit) (telemetry.Coverage, error)

func (l *looking) run(ctx context.Context, s sensor.Sensor, collect collect) {
	name, n := s.Describe().Name, int64(0)
	put := func(r telemetry.Record) error {
		telemetry.Stamp(name, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		n++
		l.records = append(l.records, r)
		return nil
	}
	c, err := collect(ctx, l.host, put)
	if err != nil {
		l.t.Errorf("%s: %v", name, err)
	}
	c.Sensor, c.Records = name, n
	telemetry.Stamp(name, &c)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, &c)
}

// executed tells whether a program was seen.
func (l *looking) executed(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if e, ok := r.(*telemetry.Execution); ok && e.Path == path {
			return true
		}
	}
	return false
}

// asHost is what the service makes of the records.
func asHost(records []telemetry.Record) *host.Host {
	h := host.New("i-0123456789abcdef0")
	for _, r := range records {
		h.Add(r)
	}
	h.Seal()
	return h
}

var _ = activity.New

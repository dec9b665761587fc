package looks

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// driver has a sensor observe, and decides when it looks.
type driver struct {
	t          testing.TB
	cancel     context.CancelFunc
	idle, next chan struct{}
	over       chan telemetry.Coverage
	pauses     []time.Duration

	mu      sync.Mutex
	records []telemetry.Record
}

// drive begins to observe, and returns after the first look.
func drive(t testing.TB, s sensor.Sensor, turn Turn) *driver {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	d := &driver{t: t, cancel: cancel, idle: make(chan struct{}), next: make(chan struct{}), over: make(chan telemetry.Coverage, 1)}
	o := observer{s, turn, func(ctx context.Context, pause time.Duration) {
		d.pauses = append(d.pauses, pause)
		select {
		case d.idle <- struct{}{}:
		case <-ctx.Done():
			return
		}
		select {
		case <-d.next:
		case <-ctx.Done():
		}
	}}
	go func() {
		c, err := o.Observe(ctx, &sensor.Host{FS: fs, Live: true}, d.take)
		if err != nil {
			t.Error(err)
		}
		d.over <- c
	}()
	t.Cleanup(cancel)
	<-d.idle
	return d
}

func (d *driver) take(r telemetry.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = append(d.records, r)
	return nil
}

// look has the sensor look once more.
func (d *driver) look() {
	d.next <- struct{}{}
	<-d.idle
}

// told are the records since the last time.
func (d *driver) told() []telemetry.Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	records := d.records
	d.records = nil
	return records
}

// end has it look for the last time.
func (d *driver) end() telemetry.Coverage {
	d.cancel()
	return <-d.over
}

func of[T telemetry.Record](records []telemetry.Record, is func(T) bool) (all []T) {
	for _, r := range records {
		if r, ok := r.(T); ok && is(r) {
			all = append(all, r)
		}
	}
	return all
}

func leaks(t *testing.T) { t.Cleanup(func() { goleak.VerifyNone(t) }) }

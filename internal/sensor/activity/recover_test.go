//go:build linux

package activity

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/kerneltime"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// silent is the kernel, whose ring nobody reads.
type silent struct{ *kernel }

func (silent) Watch(ctx context.Context, _ func(seen.Sight)) error {
	<-ctx.Done()
	return nil
}

// What the ring had no room for is told all the same, while the observation goes on.
func TestWhatTheRingLost(t *testing.T) {
	testenv.NeedRoot(t)
	d := newDoubts()
	k, err := newKernel(d, bpf.Load)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	const last = 25_000 // the ring has room for 18,700 sights
	fill(t, last)
	if totals, err := k.Totals(); err != nil || totals.Rings == 0 {
		t.Fatalf("the ring is not full: %+v, %v", totals, err)
	}
	c, err := kerneltime.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := atomic.Bool{}
	o := &observation{source: silent{k}, namer: newNamer(proc.New("/proc"), fs), doubts: d, clock: c, told: newTellings()}
	o.emit = func(r telemetry.Record) error {
		if c, ok := r.(*telemetry.Connection); ok && c.Remote == address(last-1).String() && !told.Swap(true) {
			if ctx.Err() != nil {
				t.Error("told only when the observation was over")
			}
			cancel()
		}
		return nil
	}
	if err := o.follow(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil }); err != nil {
		t.Fatal(err)
	}
	if !told.Load() {
		t.Error("not told")
	}
}

func address(i int) net.IP { return net.IPv4(127, byte(2+i>>16), byte(i>>8), byte(i)) }

// fill makes so many connections to distinct addresses of loopback, which are refused.
func fill(t *testing.T, many int) {
	for i := range many {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Connect(s, &unix.SockaddrInet4{Addr: [4]byte(address(i).To4()), Port: 9})
		unix.Close(s)
	}
}

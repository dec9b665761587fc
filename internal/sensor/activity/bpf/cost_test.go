//go:build linux

package bpf_test

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/testenv"
)

// BenchmarkPrograms tells what each of the programs takes of a processor for a process
// that does nothing, as the kernel measures it, by build.
func BenchmarkPrograms(b *testing.B) {
	testenv.NeedRoot(b)
	for _, build := range []string{"direct", "core"} {
		b.Run(build, func(b *testing.B) {
			p, err := bpf.LoadBuild(build, 0)
			if err != nil {
				b.Skip(err)
			}
			defer p.Close()
			_ = p.CountLoads() // not every kernel lets
			before, err := p.Totals()
			if err != nil {
				b.Fatal(err)
			}
			m, err := p.Measure()
			if err != nil {
				b.Skip(err)
			}
			defer m.Close()
			for b.Loop() {
				if err := exec.Command("/bin/true").Run(); err != nil {
					b.Fatal(err)
				}
			}
			connect(b, 0, b.N)
			spent, err := m.Spent()
			if err != nil {
				b.Fatal(err)
			}
			accept(b, b.N)
			again, err := m.Spent()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(again[bpf.Socket]-spent[bpf.Socket])/float64(b.N), "ns/connect-and-accept")
			after, err := p.Totals()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(spent[bpf.Exec])/float64(after.Executions-before.Executions), "ns/execution")
			b.ReportMetric(float64(spent[bpf.Socket])/float64(after.Flows-before.Flows-uint64(b.N)), "ns/first-connection")
			if n := after.Loads - before.Loads; n > 0 {
				b.ReportMetric(float64(spent[bpf.Map])/float64(n), "ns/load")
			}
		})
	}
}

// accept makes so many connections to one listener, and accepts them.
func accept(tb testing.TB, many int) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Listen(listener, 1); err != nil {
		tb.Fatal(err)
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		tb.Fatal(err)
	}
	for range many {
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			tb.Fatal(err)
		}
		// Closed, it is reset: no port waits for its end.
		if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			tb.Fatal(err)
		}
		if err := unix.Connect(client, address); err != nil {
			tb.Fatal(err)
		}
		server, _, err := unix.Accept(listener)
		if err != nil {
			tb.Fatal(err)
		}
		unix.Close(client)
		unix.Close(server)
	}
}

//go:build wide && linux

package bpf_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/sensor/protocols/bpf"
)

// What looking costs: in pairs of runs, one with the programs and one without, the order
// of which changes, the time on processors of this process, in which the kernel counts
// what it does for its sockets. A long transfer is where a packet costs a look-up; many connections are where
// each is followed.
func TestCost(t *testing.T) {
	const pairs = 20
	for name, work := range map[string]func(*testing.T){"a transfer of 2 GiB": transfer, "2000 connections": connections} {
		work(t)
		var ratios []float64
		for i := range pairs {
			var spent [2]time.Duration // without, with
			for _, with := range [][]bool{{false, true}, {true, false}}[i%2] {
				at := 0
				var p *bpf.Programs
				if with {
					at = 1
					p = load(t, 0)
				}
				before := used(t)
				work(t)
				spent[at] = used(t) - before
				if with {
					p.Close()
				}
			}
			ratios = append(ratios, float64(spent[1])/float64(spent[0]))
		}
		slices.Sort(ratios)
		t.Logf("%s: ratio of processor time %.3f (quartiles %.3f, %.3f)", name, ratios[pairs/2], ratios[pairs/4], ratios[3*pairs/4])
		p := load(t, 0)
		m, err := p.Measure()
		if err != nil {
			t.Fatal(err)
		}
		work(t)
		spent, err := m.Stop()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d calls, %.0f ns each (with the measuring itself)", name, spent.Calls, float64(spent.Time)/float64(spent.Calls))
		p.Close()
	}
}

func used(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func transfer(t *testing.T) {
	listener, _ := listen(t, "127.0.0.1:0")
	pair := connect(t, listener)
	pair.say(t, talks["http"].says)
	go func() {
		buffer := make([]byte, 64<<10)
		for range 2 << 30 / len(buffer) {
			if _, err := pair.server.Write(buffer); err != nil {
				break
			}
		}
		pair.server.CloseWrite()
	}()
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{pair.client}, make([]byte, 64<<10)); err != nil || n != 2<<30 {
		t.Fatal(n, err)
	}
	pair.close()
	listener.Close()
}

func connections(t *testing.T) {
	listener, _ := listen(t, "127.0.0.1:0")
	defer listener.Close()
	request, response := strings.Split(talks["http"].says[0], ": ")[1], strings.Split(talks["http"].says[1], ": ")[1]
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, len(request)))
			_, _ = io.WriteString(c, response)
			c.Close()
		}
	}()
	for range 2000 {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, request)
		if _, err := io.ReadAll(c); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

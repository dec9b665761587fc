//go:build linux

package bpf_test

import (
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// More than the maps hold: the rest is counted, to the last one.
func TestFull(t *testing.T) {
	p := best(t, 20)
	const many = 40
	for i := range many {
		// A flow is told apart by its remote address, of which loopback has 16 million.
		if c, err := net.Dial("tcp", fmt.Sprintf("127.1.%d.%d:9", i>>8, i&255)); err == nil {
			c.Close()
		}
		if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
			defer l.Close() // which keeps its port
		}
	}
	program := probe(t)
	for _, name := range []string{program, filepath.Dir(program), filepath.Dir(filepath.Dir(program))} {
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range many { // an execution, by its user
		c := run(program)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(700_000 + i), Gid: 700_000}}
		if err := c.Run(); err != nil {
			t.Skip("others cannot execute what is in the test's folder:", err)
		}
	}
	quiet(t, p, many, "executions", p.Executions, func(e seen.Execution) uint64 { return e.N },
		func(t seen.Totals) (all, full uint64) { return t.Executions, t.ExecutionsFull })
	quiet(t, p, many, "flows", p.Flows, func(f seen.Flow) uint64 { return f.N },
		func(t seen.Totals) (all, full uint64) { return t.Flows, t.FlowsFull })
	quiet(t, p, many, "listeners", p.Listeners, func(l seen.Listener) uint64 { return l.Listens.N + l.Accepts },
		func(t seen.Totals) (all, full uint64) { return t.Listens + t.Accepts, t.ListenersFull })
}

// quiet compares what a map has with the totals, in a moment in which nothing happens.
func quiet[T any](t *testing.T, p *bpf.Programs, many uint64, kind string, entries func() iter.Seq2[T, error], n func(T) uint64, of func(seen.Totals) (all, full uint64)) {
	t.Helper()
	for {
		before, err := p.Totals()
		if err != nil {
			t.Fatal(err)
		}
		kept := uint64(0)
		for e, err := range entries() {
			if err != nil {
				t.Fatal(err)
			}
			kept += n(e)
		}
		after, err := p.Totals()
		if err != nil {
			t.Fatal(err)
		}
		all, full := of(after)
		if was, _ := of(before); was != all {
			continue
		}
		if full == 0 || all < many || kept+full != all {
			t.Errorf("%d of %d %s are in the map and %d are told missing", kept, all, kind, full)
		}
		return
	}
}

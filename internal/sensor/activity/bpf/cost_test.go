//go:build linux

package bpf_test

import (
	"os/exec"
	"testing"

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
			after, err := p.Totals()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(spent[bpf.Exec])/float64(after.Executions-before.Executions), "ns/execution")
			b.ReportMetric(float64(spent[bpf.Socket])/float64(after.Flows-before.Flows), "ns/connection")
			if n := after.Loads - before.Loads; n > 0 {
				b.ReportMetric(float64(spent[bpf.Map])/float64(n), "ns/load")
			}
		})
	}
}

package usage_test

import (
	"fmt"
	"testing"

	"assay/internal/host"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// BenchmarkOf looks through 300 processes with 40 mapped files each, and asks for 1,000
// packages.
func BenchmarkOf(b *testing.B) {
	h := host.New("")
	add := func(sensor string, r telemetry.Record) {
		telemetry.Stamp(sensor, r)
		h.Add(r)
	}
	for n := range 400 {
		add(telemetry.SensorProcesses, &telemetry.Object{ID: n + 1, Path: fmt.Sprintf("/usr/lib/x86_64-linux-gnu/lib%d.so.1.2", n), Package: fmt.Sprintf("lib%d:amd64", n)})
	}
	for n := range 300 {
		p := &telemetry.Process{PID: n + 10, Name: "p", Exe: "/usr/bin/p", Package: "p"}
		for m := range 40 {
			p.Objects = append(p.Objects, (n+m)%400+1)
		}
		add(telemetry.SensorProcesses, p)
	}
	h.Seal()
	b.ReportAllocs()
	for b.Loop() {
		u := usage.Of(h)
		for n := range 1000 {
			u.Package(fmt.Sprintf("lib%d", n))
		}
	}
}

package inventory_test

import (
	"fmt"
	"testing"

	"assay/internal/host"
	"assay/internal/inventory"
	"assay/internal/telemetry"
)

// BenchmarkOf makes the inventory of a host with a thousand packages.
func BenchmarkOf(b *testing.B) {
	h := host.New("")
	add := func(sensor string, r telemetry.Record) {
		telemetry.Stamp(sensor, r)
		h.Add(r)
	}
	add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Codename: "bookworm", Live: true, Kernel: "6.1.0-18-amd64"})
	for n := range 1000 {
		source := fmt.Sprintf("source-%d", n/2)
		add(telemetry.SensorPackages, &telemetry.Package{Manager: "dpkg", Name: fmt.Sprintf("lib%d", n), Version: "1:3.0.11-1~deb12u2", Arch: "amd64", Source: source, SourceVersion: "1:3.0.11-1~deb12u2", Status: "installed"})
	}
	h.Seal()
	b.ReportAllocs()
	for b.Loop() {
		if len(inventory.Of(h).Components) != 500 {
			b.Fatal("components are missing")
		}
	}
}

package assess

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// packages sends a host's system and packages as its part in a run.
func (w *world) packages(agent, run string, names ...string) {
	w.t.Helper()
	w.beat(agent)
	w.put(agent, run, 1, segmentOf(w.t, header(agent, run, 1, telemetry.SensorSystem), telemetry.SensorSystem,
		&telemetry.System{Hostname: "web-1", OS: "debian", OSVersion: "12", Live: true, CollectedAt: noon},
		&telemetry.Coverage{State: telemetry.Complete, Records: 1}))
	var records []telemetry.Record
	for _, name := range names {
		records = append(records, &telemetry.Package{Manager: "dpkg", Name: name, Version: "1", Source: name, SourceVersion: "1", Status: "installed"})
	}
	records = append(records, &telemetry.Coverage{State: telemetry.Complete, Records: int64(len(names))})
	w.put(agent, run, 2, segmentOf(w.t, header(agent, run, 2, telemetry.SensorPackages), telemetry.SensorPackages, records...))
	if err := w.CompleteCollection(w.t.Context(), agent, run, wire.CompleteRequest{Protocol: wire.Version, Segments: 2}); err != nil {
		w.t.Fatal(err)
	}
}

func TestInventory(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Packages[0].(*fakePackage).sensors = []string{telemetry.SensorSystem, telemetry.SensorPackages}
	})
	agent := w.enrol()
	refused := func(why, agent, run string) {
		t.Helper()
		_, err := w.Inventory(t.Context(), agent, run)
		if e := (&inspector.Err{}); !errors.As(err, &e) || e.Kind != inspector.NoSuchEntity || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "assay-agent collect") {
			t.Errorf("%v, want one about %q", err, why)
		}
	}
	refused("no assessment has collected", agent, "")
	template := w.template(time.Hour)
	first := w.start(template)
	w.packages(agent, first.ID, "bash", "zlib")
	w.mustWork()
	w.clock.add(10 * time.Second)
	w.beat(agent)
	second := w.start(template)
	w.packages(agent, second.ID, "bash")
	w.mustWork()

	got, err := w.Inventory(t.Context(), agent, "")
	if err != nil || got.Run != second.ID || got.Hostname != "web-1" || !got.CollectedAt.Equal(noon) || len(got.Inventory.Components) != 1 || got.Inventory.Systems[0].Ecosystem != "Debian:12" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = w.Inventory(t.Context(), agent, first.ID); err != nil || len(got.Inventory.Components) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	// What the run did not look at is a gap, not an absence.
	if len(got.Inventory.Gaps) == 0 || !strings.Contains(got.Inventory.Gaps[0].Reason+got.Inventory.Gaps[1].Reason, "libraries") {
		t.Errorf("%+v", got.Inventory.Gaps)
	}
	refused("not in the run", "i-00000000000000000", first.ID)
	for _, name := range w.objects() {
		if err := w.blobs.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	refused("is not there", agent, first.ID)
}

package catalog_test

import (
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor/catalog"
	"assay/internal/telemetry"
)

func TestTheCatalogueHasEverySensorOfTheFormat(t *testing.T) {
	if runtime.GOOS != "linux" {
		if n := len(catalog.Sensors()); n != 0 {
			t.Errorf("there are %d sensors on %s, which no test knows", n, runtime.GOOS)
		}
		return
	}
	want := []string{
		telemetry.SensorSystem, telemetry.SensorPackages, telemetry.SensorConfig, telemetry.SensorFiles, telemetry.SensorAccounts,
		telemetry.SensorKernel, telemetry.SensorMounts, telemetry.SensorProcesses, telemetry.SensorSockets, telemetry.SensorNetwork, telemetry.SensorWalk,
		telemetry.SensorLibraries, telemetry.SensorContainers, telemetry.SensorActivity, telemetry.SensorPrograms, telemetry.SensorProtocols,
	}
	var got []string
	for _, s := range catalog.Sensors() {
		d := s.Describe()
		got = append(got, d.Name)
		if d.Summary == "" || len(d.Reads) == 0 {
			t.Errorf("the sensor %s does not say what it reads", d.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestObserveWith(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is observed")
	}
	all := catalog.Sensors()
	chosen, err := catalog.ObserveWith(all, "poll")
	if err != nil || len(chosen) != len(all) {
		t.Fatal(len(chosen), err)
	}
	for i := range all {
		name := chosen[i].Describe().Name
		if same := reflect.DeepEqual(chosen[i], all[i]); name != all[i].Describe().Name || name == telemetry.SensorActivity && same {
			t.Errorf("%s: %+v", name, chosen[i])
		}
	}
	if _, err := catalog.ObserveWith(all, "poll,tarot"); err == nil {
		t.Error("there is a way that nobody knows")
	}
	if same, err := catalog.ObserveWith(all, ""); err != nil || len(same) != len(all) {
		t.Error(len(same), err)
	}
}

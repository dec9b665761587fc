package host_test

import (
	"testing"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// A file that the snapshot has, and that was seen while the run went on, is one.
func TestProgramsOfBothSensors(t *testing.T) {
	h := host.New("")
	by := func(sensor string, p telemetry.Program) *telemetry.Program {
		p.Sensor = sensor
		return &p
	}
	for _, p := range []*telemetry.Program{
		by(telemetry.SensorActivity, telemetry.Program{Device: 1, Inode: 7, Path: "/usr/bin/mail", Executed: true, Mode: 0o700}),
		by(telemetry.SensorPrograms, telemetry.Program{Device: 1, Inode: 7, Path: "/usr/bin/mail", Mapped: true, Mode: 0o755}),
		by(telemetry.SensorActivity, telemetry.Program{Device: 1, Inode: 7, Path: "/usr/bin/mail", Executed: true, Root: true, Mode: 0o700}),
		by(telemetry.SensorActivity, telemetry.Program{Device: 1, Inode: 9, Path: "/usr/bin/true", Executed: true}),
		by(telemetry.SensorActivity, telemetry.Program{Device: 1, Inode: 8, Path: "/usr/bin/mail", Deleted: true}),
	} {
		h.Add(p)
	}
	h.Add(&telemetry.Coverage{Meta: telemetry.Meta{Sensor: telemetry.SensorPrograms}, State: telemetry.Complete, Records: 1})
	all := h.Programs()
	if len(all.Values) != 3 || !all.Complete {
		t.Fatalf("%+v", all)
	}
	if p := all.Values[0]; p.Sensor != telemetry.SensorPrograms || !p.Executed || !p.Mapped || !p.Root || p.Mode != 0o755 {
		t.Errorf("%+v", p)
	}
	if p := all.Values[1]; p.Inode != 8 || !p.Deleted {
		t.Errorf("%+v", p)
	}
	if p := all.Values[2]; p.Path != "/usr/bin/true" {
		t.Errorf("%+v", p)
	}
}

// What the snapshot says of a folder is newer than what was said while the run went on.
func TestProgramFolderOfBothSensors(t *testing.T) {
	h := host.New("")
	for _, f := range []telemetry.File{
		{Meta: telemetry.Meta{Sensor: telemetry.SensorActivity}, Path: "/usr", Mode: 1},
		{Meta: telemetry.Meta{Sensor: telemetry.SensorActivity}, Path: "/usr", Mode: 2},
		{Meta: telemetry.Meta{Sensor: telemetry.SensorPrograms}, Path: "/usr", Mode: 3},
		{Meta: telemetry.Meta{Sensor: telemetry.SensorActivity}, Path: "/usr", Mode: 4},
		{Meta: telemetry.Meta{Sensor: telemetry.SensorActivity}, Path: "/tmp", Mode: 5},
	} {
		h.Add(&f)
	}
	for name, mode := range map[string]uint32{"/usr": 3, "/tmp": 5} {
		if f := h.ProgramFolder(name); !f.OK() || f.Value.Mode != mode {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := h.File("/usr"); f.OK() {
		t.Errorf("it is no file of the sensor of files: %+v", f)
	}
}

package telemetry

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// plainFile is a file as hosts have them by the thousand.
func plainFile() *File {
	return &File{
		Meta: Meta{TypeFile, SensorFiles}, Path: "/usr/bin/[", Kind: Regular, Mode: 0o755, Size: 1 << 40,
		MTime: time.Date(2025, 6, 24, 14, 39, 12, 0, time.UTC), Links: 1, Device: 65024, Inode: 1<<63 - 1,
	}
}

func marshal(t testing.TB, r Record) []byte {
	t.Helper()
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// readPlain reads a line as whichever plain record it is.
func readPlain(line []byte) (Record, bool) {
	typ, err := typeOf(line)
	if err != nil {
		return nil, false
	}
	rec := newRecord(typ)
	p, ok := rec.(plainRecord)
	return rec, ok && p.readPlain(line)
}

// TestPlain: what Writer writes of common records is read without the general
// parser, and all else is left to it.
func TestPlain(t *testing.T) {
	link := plainFile()
	link.Kind, link.Target, link.UID, link.GID = Symlink, "../lib/x", 1000, 1<<32-1
	walked := plainFile()
	walked.Sensor, walked.Kind = SensorWalk, Pipe
	for _, rec := range []Record{
		plainFile(), link, walked,
		&KernelParameter{Meta{TypeKernelParameter, SensorKernel}, "net.ipv4.ip_forward", "1"},
		&Package{Meta: Meta{TypePackage, SensorPackages}, Manager: "rpm", Name: "a", Version: "1:2-3", Source: "b", SourceVersion: "4", Vendor: "Example", Installed: 7},
		&Package{Meta: Meta{TypePackage, SensorPackages}, Manager: "dpkg", Name: "a", Version: "1", Arch: "all", Source: "a", SourceVersion: "1", Status: "installed"},
		&Package{Meta: Meta{TypePackage, SensorContainers}, Manager: "apk", Name: "a", Version: "1", Source: "a", SourceVersion: "1", Status: "installed", Container: "c1"},
	} {
		if got, ok := readPlain(marshal(t, rec)); !ok {
			t.Errorf("%s is not read as plain", marshal(t, rec))
		} else if diff := cmp.Diff(rec, got); diff != "" {
			t.Error(diff)
		}
	}
	line := string(marshal(t, plainFile()))
	for _, change := range [][2]string{
		{"/bin/[", `/bin/\u005b`}, {"/bin/[", "/bin/é"}, {"/bin/[", "/bin/\x01"}, {"/bin/[", "/bin/\xff"},
		{`"uid":0`, `"uid":00`}, {`"uid":0`, `"uid":-1`}, {`"uid":0`, `"uid":4294967296`}, {`"uid":0`, `"uid":1e3`}, {`"uid":0`, `"uid":`},
		{`"uid":0`, `"uid": 0`}, {`"links":1`, `"links":1,"links":1`}, {`"links":1`, `"links":18446744073709551616`},
		{"12Z", "12+01:00"}, {"12Z", "12"}, {"12Z", "62Z"}, {"}", `,"acl":[]}`}, {"}", ""}, {"}", "}}"}, {"}", `,"unknown":1}`},
	} {
		changed := strings.Replace(line, change[0], change[1], 1)
		if changed == line {
			t.Fatalf("%q is not in %s", change[0], line)
		}
		if new(File).readPlain([]byte(changed)) {
			t.Errorf("%s is read as plain", changed)
		}
	}
}

// FuzzPlain: the general parser takes whatever is read as plain, with the same
// result.
func FuzzPlain(f *testing.F) {
	f.Add(marshal(f, plainFile()))
	f.Add(bytes.Replace(marshal(f, plainFile()), []byte("}"), []byte(`,"target":"x"}`), 1))
	for _, s := range samples {
		f.Add(marshal(f, s.record))
	}
	f.Add([]byte(`{"type":"kernel_parameter","sensor":"kernel","name":"a","value":"b"}`))
	f.Add([]byte(`{"type":"package","sensor":"","manager":"","name":"n","version":"v","source":"n","source_version":"v","hold":false,"vendor":"","installed":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := readPlain(line)
		if !ok {
			return
		}
		want := newRecord(got.kind())
		if err := json.Unmarshal(line, want, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%s was read as plain: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

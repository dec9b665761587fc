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

// TestPlainFile: what Writer writes of common files is read without the general
// parser, and all else is left to it.
func TestPlainFile(t *testing.T) {
	link := plainFile()
	link.Kind, link.Target, link.UID, link.GID = Symlink, "../lib/x", 1000, 1<<32-1
	walked := plainFile()
	walked.Sensor, walked.Kind = SensorWalk, Pipe
	for _, f := range []*File{plainFile(), link, walked} {
		got := new(File)
		if line := marshal(t, f); !got.readPlain(line) {
			t.Errorf("%s is not read as plain", line)
		} else if diff := cmp.Diff(f, got); diff != "" {
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

// FuzzPlainFile: the general parser takes whatever is read as plain, with the same
// result.
func FuzzPlainFile(f *testing.F) {
	f.Add(marshal(f, plainFile()))
	f.Add(bytes.Replace(marshal(f, plainFile()), []byte("}"), []byte(`,"target":"x"}`), 1))
	f.Add([]byte(`{"type":"file","sensor":"","path":"","kind":"x","mode":1,"uid":1,"gid":1,"size":1,"mtime":"2025-06-24T14:39:12.5Z","links":1,"device":1,"inode":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, want := new(File), new(File)
		if !got.readPlain(line) {
			t.Skip()
		}
		if err := json.Unmarshal(line, want, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%s was read as plain: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

var day = int64(19000)

// samples has a record of every type.
var samples = []struct {
	sensor string
	record Record
}{
	{SensorSystem, &System{Hostname: "h", Live: true, OS: "debian", CollectedAt: time.Unix(1, 0).UTC()}},
	{SensorSystem, &Processor{Count: 2, Flags: []string{"nx"}}},
	{SensorPackages, &Package{Manager: "dpkg", Name: "a", Version: "1:2-3"}},
	{SensorPackages, &PackageDatabase{Manager: "rpm", Path: "/x"}},
	{SensorConfig, &Text{Path: "/etc/a", Text: "é\n\u0001<>&\u2028", Size: 7, Raw: []byte{0xff}}},
	{SensorFiles, &File{Path: "/etc", Kind: Directory, Mode: 0o7755, ACL: []ACL{{Tag: "user", ID: 7, Perm: 7}}, Unlisted: "x"}},
	{SensorWalk, &File{Path: "/s", Found: []string{"setuid"}}},
	{SensorAccounts, &User{Name: "root", Password: PasswordShadowed, File: "/etc/passwd", Line: 1}},
	{SensorAccounts, &Shadow{Name: "root", Password: PasswordUsable, Max: &day}},
	{SensorAccounts, &Group{Name: "root", Members: []string{"a"}}},
	{SensorKernel, &KernelParameter{Name: "a.b", Value: "1\t2"}},
	{SensorKernel, &KernelModule{Name: "m", Size: 1}},
	{SensorMounts, &Mount{ID: 1, Point: "/"}},
	{SensorProcesses, &Process{PID: 1, Name: "init"}},
	{SensorProcesses, &Object{ID: 1, Path: "/a"}},
	{SensorSockets, &Socket{Protocol: "tcp"}},
	{SensorNetwork, &Interface{Name: "lo"}},
	{SensorNetwork, &Route{Destination: "::/0"}},
	{SensorActivity, &Execution{Device: 1, Inode: 2, Activity: Activity{Count: 3, First: time.Unix(1, 0).UTC()}, Path: "/bin/a", Name: "a"}},
	{SensorActivity, &Connection{Device: 1, Inode: 2, NetNS: 3, Remote: "::1", Port: 4, Local: true}},
	{SensorActivity, &Accepting{NetNS: 1, Family: 4, Port: 22, Foreign: 1}},
	{SensorProcesses, &Looks{Count: 3, Longest: 60.5}},
	{SensorActivity, &Observation{Tier: "ebpf/core", Executions: 1}},
	{SensorActivity, &Load{Device: 1, Inode: 2, ByDevice: 1, ByInode: 3, Path: "/lib/a.so", By: "/bin/a", Name: "a"}},
	{SensorProtocols, &Spoken{NetNS: 1, Family: 4, Port: 21, Protocol: "ftp", Activity: Activity{Count: 1}}},
	{SensorPrograms, &Program{Device: 1, Inode: 2, Path: "/bin/a", Root: true, Above: []string{"/", "/bin"}, ELF: &ELF{Machine: 62, Kind: "pie", Stack: "protected"}}},
	{SensorPrograms, &File{Path: "/bin", Kind: Directory}},
	{SensorLibraries, &Library{Ecosystem: "Go", Name: "golang.org/x/net", Version: "v0.1.0", Path: "/usr/bin/a", Package: "a"}},
	{SensorContainers, &Container{ID: "c1", Runtime: "docker", MountNS: 1, PID: 2, OS: "alpine"}},
	{SensorContainers, &Package{Manager: "apk", Name: "a", Version: "1-r0", Container: "c1"}},
	{SensorConfig, &Coverage{State: Partial, Reason: "r", Records: 1, Scope: []string{"/etc/**"}, Parts: []Part{{Name: "p", State: Denied}}}},
}

func snapshot(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Agent: "i-1", Version: "1", Root: "/", Started: time.Unix(9, 0).UTC(), Run: "r", Sequence: 3, OneSensor: "config"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		if err := w.Write(s.sensor, s.record); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a whole stream.
func read(data []byte, limits Limits) (Header, []Record, error) {
	r, err := NewReader(bytes.NewReader(data), limits)
	if err != nil {
		return Header{}, nil, err
	}
	defer r.Close()
	var records []Record
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return r.Header(), records, nil
		}
		if err != nil {
			return r.Header(), records, err
		}
		records = append(records, rec)
	}
}

func TestRoundTrip(t *testing.T) {
	h, records, err := read(snapshot(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if h.Agent != "i-1" || h.Sequence != 3 || h.Format != Format || !h.Started.Equal(time.Unix(9, 0)) {
		t.Errorf("%+v", h)
	}
	if len(records) != len(samples) {
		t.Fatalf("%d records", len(records))
	}
	for i, s := range samples {
		if d := cmp.Diff(s.record, records[i]); d != "" || SensorOf(records[i]) != s.sensor {
			t.Errorf("%s: %s", SensorOf(records[i]), d)
		}
		if !MayEmit(s.sensor, Kind(s.record)) || MayEmit("other", Kind(s.record)) {
			t.Errorf("%s may emit %s: wrong", s.sensor, Kind(s.record))
		}
		if MessageType(s.record) == "" && Kind(s.record) != TypeCoverage {
			t.Errorf("%s has no message type", Kind(s.record))
		}
		if key := Key(s.record); key == string(Kind(s.record))+":" && Kind(s.record) != TypeSystem && Kind(s.record) != TypeProcessor {
			t.Errorf("%s has no key", Kind(s.record))
		}
	}
	if MayEmit(SensorConfig, TypePackage) {
		t.Error("config may emit packages")
	}
}

// What is not UTF-8 is replaced rather than making a snapshot fail.
func TestNames(t *testing.T) {
	var b bytes.Buffer
	w, _ := NewWriter(&b, Header{})
	if err := w.Write(SensorFiles, &File{Path: "/a\xff"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, records, err := read(b.Bytes(), Limits{}); err != nil || records[0].(*File).Path != "/a\uFFFD" {
		t.Errorf("%v %v", records, err)
	}
}

// Cut off anywhere, a snapshot is refused.
func TestTruncated(t *testing.T) {
	data := snapshot(t)
	for n := range data {
		if _, _, err := read(data[:n], Limits{}); err == nil {
			t.Fatalf("%d of %d bytes were taken for a whole snapshot", n, len(data))
		}
	}
	lines := plain(t, data)
	for n := 1; n < len(lines); n++ {
		_, _, err := read(compress(t, strings.Join(lines[:n], "")), Limits{})
		if !errors.Is(err, ErrTruncated) {
			t.Errorf("%d lines: %v", n, err)
		}
	}
}

func plain(t testing.TB, data []byte) []string {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n")+"\n", "\n")[:strings.Count(string(text), "\n")]
}

func compress(t testing.TB, text string, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, append([]zstd.EOption{zstd.WithWindowSize(windowSize), zstd.WithEncoderConcurrency(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	header  = `{"type":"header","format":1,"version":"1","root":"/","started":"2026-01-01T00:00:00Z"}` + "\n"
	group   = `{"type":"group","sensor":"accounts","name":"root","gid":0,"file":"/etc/group","line":1}` + "\n"
	trailer = `{"type":"trailer","records":%d,"finished":"2026-01-01T00:00:00Z"}` + "\n"
)

func TestRefused(t *testing.T) {
	end := func(n int) string { return fmt.Sprintf(trailer, n) }
	if _, records, err := read(compress(t, header+group+end(1)), Limits{}); err != nil || len(records) != 1 {
		t.Fatalf("the good one: %v", err)
	}
	for name, text := range map[string]string{
		"nothing":                  "",
		"no header":                group + end(1),
		"a second header":          header + header + end(0),
		"another format":           strings.Replace(header, `"format":1`, `"format":2`, 1) + end(0),
		"unknown member":           header + strings.Replace(group, `"gid"`, `"gidd"`, 1) + end(1),
		"unknown member of header": strings.Replace(header, `"root"`, `"toor"`, 1) + end(0),
		"duplicate member":         header + strings.Replace(group, `"gid":0`, `"gid":0,"gid":1`, 1) + end(1),
		"duplicate type":           header + strings.Replace(group, `"sensor"`, `"type":"user","sensor"`, 1) + end(1),
		"unknown type":             header + strings.Replace(group, `"group"`, `"grope"`, 1) + end(1),
		"type not first":           header + `{"sensor":"accounts","type":"group","name":"x","gid":0,"file":"","line":1}` + "\n" + end(1),
		"no sensor":                header + strings.Replace(group, `"sensor":"accounts",`, "", 1) + end(1),
		"wrong kind of value":      header + strings.Replace(group, `"gid":0`, `"gid":"0"`, 1) + end(1),
		"number out of range":      header + strings.Replace(group, `"gid":0`, `"gid":-1`, 1) + end(1),
		"not JSON":                 header + "{\"type\":\"group\",\n" + end(1),
		"not UTF-8":                header + strings.Replace(group, "root", "r\xff", 1) + end(1),
		"an empty line":            header + "\n" + end(0),
		"two values in a line":     header + strings.TrimSuffix(group, "\n") + group + end(1),
		"miscounted":               header + group + end(2),
		"something after the end":  header + group + end(1) + group,
		"no newline at the end":    strings.TrimSuffix(header+end(0), "\n"),
		"deep nesting":             header + `{"type":"group","sensor":` + strings.Repeat("[", 20000) + "\n" + end(1),
		"a long type":              header + `{"type":"` + strings.Repeat("x", 100) + `"}` + "\n" + end(1),
	} {
		if _, _, err := read(compress(t, text), Limits{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, _, err := read([]byte(header+end(0)), Limits{}); err == nil {
		t.Error("a stream that is not compressed was accepted")
	}
}

func TestLimits(t *testing.T) {
	text := header + strings.Repeat(group, 10) + fmt.Sprintf(trailer, 10)
	data := compress(t, text)
	for _, l := range []Limits{{Records: 9}, {Bytes: int64(len(text)) - 1}, {Bytes: 10}} {
		if _, _, err := read(data, l); err == nil || errors.Is(err, ErrTruncated) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if _, records, err := read(data, Limits{Records: 10, Bytes: int64(len(text))}); err != nil || len(records) != 10 {
		t.Errorf("at the limit: %d, %v", len(records), err)
	}
	long := header + `{"type":"group","sensor":"accounts","name":"` + strings.Repeat("x", MaxLine) + "\"}\n" + fmt.Sprintf(trailer, 1)
	if _, _, err := read(compress(t, long), Limits{}); err == nil {
		t.Error("a line that is too long was accepted")
	}
	var b bytes.Buffer
	w, _ := NewWriter(&b, Header{})
	if err := w.Write(SensorConfig, &Text{Text: strings.Repeat("\u0001", 1<<20)}); err != nil {
		t.Errorf("the worst text of 1 MiB: %v", err)
	}
	if err := w.Write(SensorConfig, &Text{Text: strings.Repeat("x", MaxLine)}); err == nil {
		t.Error("a line that is too long was written")
	}
	// It spoils nothing else: that it is missing is for its sensor to say.
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, records, err := read(b.Bytes(), Limits{}); err != nil || len(records) != 1 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

// A stream that asks for a large window, or decodes to a multiple of its size,
// costs no more than the bounds.
func TestBombs(t *testing.T) {
	text := header + strings.Repeat(group, 100_000) + fmt.Sprintf(trailer, 100_000)
	if _, _, err := read(compress(t, text, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false)), Limits{}); err == nil {
		t.Error("a window of 64 MiB was allocated")
	}
	bomb := compress(t, header+strings.Repeat("\x00", 256<<20))
	if len(bomb) > 1<<20 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	r, err := NewReader(bytes.NewReader(bomb), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); err == nil || r.Bytes() > MaxLine {
		t.Errorf("%d bytes were decoded, %v", r.Bytes(), err)
	}
	if cap(r.long) > 2*MaxLine {
		t.Errorf("%d bytes are held", cap(r.long))
	}
}

// Whatever the bytes, reading ends, within its limits, and what it accepted can
// be written and read again.
func FuzzReader(f *testing.F) {
	f.Add(snapshot(f))
	f.Add(compress(f, header+group+fmt.Sprintf(trailer, 1)))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, data []byte) { accept(t, data) })
}

// FuzzLines does the same behind the decompression.
func FuzzLines(f *testing.F) {
	f.Add(strings.Join(plain(f, snapshot(f)), ""))
	f.Add(header + group + fmt.Sprintf(trailer, 1))
	f.Fuzz(func(t *testing.T, text string) { accept(t, compress(t, text)) })
}

func accept(t *testing.T, data []byte) {
	h, records, err := read(data, Limits{Records: 100, Bytes: 1 << 20})
	if len(records) > 100 {
		t.Fatalf("%d records", len(records))
	}
	if err != nil {
		return
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		Key(r)
		if err := w.Write(SensorOf(r), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, again, err := read(b.Bytes(), Limits{})
	if err != nil || len(again) != len(records) {
		t.Fatalf("%d of %d records came back: %v", len(again), len(records), err)
	}
}

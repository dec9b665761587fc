package behavior_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

var update = flag.Bool("update", false, "write the golden files")

func whole(t testing.TB) *hosttest.Snapshot {
	t.Helper()
	text, err := os.ReadFile("testdata/host.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return hosttest.Parse(t, string(text))
}

// TestTranscript: everything that is said of a host, from its telemetry to findings and
// exclusions.
func TestTranscript(t *testing.T) {
	s := whole(t)
	results := evaluate(t, s.Host())
	findings, exclusions := rules.Derive(behavior.Package{}.Describe(), rules.Subject{
		Key: []byte("k"), Now: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), Agent: inspector.Asset{Agent: "i-0123456789abcdef0"},
	}, results)
	var b strings.Builder
	for _, f := range findings {
		said, _, _ := strings.Cut(f.Description, "\n\n")
		fmt.Fprintf(&b, "%s %s: %s\n  %s\n  %s\n", f.Severity, f.Rule, f.Subject, f.Title, said)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  - %s: %s\n", e.Record, e)
		}
		for _, a := range f.Attributes {
			fmt.Fprintf(&b, "  %s=%s\n", a.Key, a.Value)
		}
	}
	for _, e := range exclusions {
		fmt.Fprintf(&b, "exclusion: %s\n", e.Description)
	}
	const path = "testdata/host.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNoVerdictFromAbsence(t *testing.T) {
	rulestest.Sound(t, behavior.Package{}, whole(t), rules.Input{})
	rulestest.CitedMatters(t, behavior.Package{}, whole(t), rules.Input{})
}

// Whatever telemetry says, the rules answer without a fault, with a verdict for each,
// the same in any order of the records; and a record less never makes a finding.
func TestAnyTelemetry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SampledFrom([]string{"/", "//", "", "/a", "/a/b", "/tmp/x", "x/y", "/\uFFFD", "/a/../b", strings.Repeat("/d", 300)})
		small := rapid.Uint32Range(0, 3)
		port := rapid.SampledFrom([]uint16{0, 21, 23, 80, 161, 514, 5900, 9999})
		address := rapid.SampledFrom([]string{"0.0.0.0", "::", "127.0.0.1", "::1", "", "what", "192.0.2.1"})
		acl := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) telemetry.ACL {
			return telemetry.ACL{Tag: rapid.SampledFrom([]string{"user", "group", "mask", "other", "user_obj", "x"}).Draw(t, "tag"), ID: small.Draw(t, "id"), Perm: uint8(small.Draw(t, "perm"))}
		}), 0, 3)
		mode := rapid.Uint32Range(0, 0o7777)
		at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		looked := rapid.SampledFrom([]telemetry.Seen{{}, {First: at}, {First: at, Last: at.Add(time.Hour)}, {Last: at}})
		one := rapid.Custom(func(t *rapid.T) telemetry.Record {
			path, uid := paths.Draw(t, "path"), small.Draw(t, "uid")
			switch rapid.IntRange(0, 7).Draw(t, "kind") {
			case 0:
				return &telemetry.Program{Path: path, Device: 1, Root: true, Mode: mode.Draw(t, "mode"), UID: uid, ACL: acl.Draw(t, "acl"), Deleted: rapid.Bool().Draw(t, "deleted"),
					Above: rapid.SliceOfN(paths, 0, 3).Draw(t, "above"), Container: rapid.SampledFrom([]string{"", "c1"}).Draw(t, "container"),
					ELF: &telemetry.ELF{Stack: rapid.SampledFrom([]string{"missing", "executable", "protected", "?"}).Draw(t, "stack")}}
			case 1:
				return &telemetry.File{Path: path, Kind: telemetry.Directory, Mode: mode.Draw(t, "mode"), UID: uid, ACL: acl.Draw(t, "acl")}
			case 2:
				return &telemetry.Connection{Inode: uint64(uid), Remote: address.Draw(t, "remote"), Port: port.Draw(t, "port"), Path: path, Local: rapid.Bool().Draw(t, "local")}
			case 3:
				return &telemetry.Socket{Seen: looked.Draw(t, "seen"), Gone: rapid.Bool().Draw(t, "gone"), Late: rapid.Bool().Draw(t, "late"), Protocol: rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol"), State: "listen", Local: address.Draw(t, "local"), LocalPort: port.Draw(t, "port")}
			case 4:
				return &telemetry.Accepting{Family: 4, Port: port.Draw(t, "port"), Foreign: uint64(uid)}
			case 5:
				return &telemetry.Observation{}
			case 6:
				return &telemetry.Process{PID: int(uid), Exe: path, Open: int(uid), Seen: looked.Draw(t, "seen"), Gone: rapid.Bool().Draw(t, "gone")}
			}
			return &telemetry.User{Name: "u", UID: uid}
		})
		records := rapid.SliceOfN(one, 0, 20).Draw(t, "records")
		build := func(records []telemetry.Record) *hosttest.Snapshot {
			s := hosttest.New()
			for _, r := range records {
				s = s.Add(sensorOf(r), r)
			}
			return s
		}
		s := build(records)
		results, err := behavior.Package{}.Evaluate(t.Context(), s.Host(), rules.Input{})
		if err != nil {
			t.Fatal(err)
		}
		failed := map[string]bool{}
		seen := map[string]bool{}
		for _, r := range results {
			seen[r.Rule] = true
			failed[r.Rule] = failed[r.Rule] || r.Verdict == rules.Failed
			if r.Verdict == rules.Error || (r.Verdict == rules.Failed || r.Verdict == rules.Passed) && len(r.Evidence) == 0 || r.Reason == "" {
				t.Fatalf("%+v", r)
			}
		}
		if len(seen) != 6 {
			t.Fatalf("verdicts of %d rules", len(seen))
		}
		if len(records) == 0 {
			return
		}
		lost := records[rapid.IntRange(0, len(records)-1).Draw(t, "lost")]
		less, err := behavior.Package{}.Evaluate(t.Context(), s.Lost(telemetry.Key(lost)).Host(), rules.Input{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range less {
			if r.Verdict == rules.Failed && !failed[r.Rule] {
				t.Fatalf("without %s: %+v", telemetry.Key(lost), r)
			}
			if r.Verdict == rules.Passed && failed[r.Rule] {
				t.Fatalf("without %s %s passes", telemetry.Key(lost), r.Rule)
			}
		}
	})
}

func sensorOf(r telemetry.Record) string {
	switch r.(type) {
	case *telemetry.Program, *telemetry.File:
		return telemetry.SensorPrograms
	case *telemetry.Socket:
		return telemetry.SensorSockets
	case *telemetry.Process:
		return telemetry.SensorProcesses
	case *telemetry.User:
		return telemetry.SensorAccounts
	}
	return telemetry.SensorActivity
}

// TestCraftedHosts evaluates hosts that were made to take long, or to say much.
func TestCraftedHosts(t *testing.T) {
	h := host.New("i-1")
	counts := map[string]int64{}
	add := func(r telemetry.Record) {
		telemetry.Stamp(sensorOf(r), r)
		counts[sensorOf(r)]++
		h.Add(r)
	}
	for i := range 4_000 {
		add(&telemetry.User{Name: fmt.Sprint("u", i), UID: uint32(i + 1000)})
		add(&telemetry.Connection{Inode: uint64(i), Remote: "192.0.2.1", Port: 23, Path: fmt.Sprint("/", i)})
		add(&telemetry.Socket{Protocol: "tcp", State: "listen", Local: "0.0.0.0", LocalPort: uint16(i), NetNS: uint64(i)})
	}
	add(&telemetry.Observation{})
	at, above := "", []string{"/"}
	for range 1000 {
		at += "/d"
		above = append(above, at)
		add(&telemetry.File{Path: at, Kind: telemetry.Directory, Mode: 0o777, ACL: make([]telemetry.ACL, 100)})
	}
	add(&telemetry.File{Path: "/", Kind: telemetry.Directory, Mode: 0o755})
	for i := range 4_000 {
		add(&telemetry.Program{Path: fmt.Sprint(at, "/", i), Device: 1, Root: true, Above: above, ACL: make([]telemetry.ACL, 100)})
	}
	for sensor, n := range counts {
		c := &telemetry.Coverage{State: telemetry.Complete, Records: n}
		telemetry.Stamp(sensor, c)
		h.Add(c)
	}
	h.Seal()
	began := time.Now()
	results := evaluate(t, h)
	t.Logf("%d results in %s", len(results), time.Since(began))
	if got := said(results, ofRule["modules"]); !strings.HasSuffix(got, "<not evaluated>") && !strings.HasSuffix(got, "not in full") {
		t.Errorf("the bound was not told: %.200s", got)
	}
	if got := said(results, ofRule["login"]); strings.Count(got, ",") != 500 || !strings.Contains(got, "more") {
		t.Errorf("%.200s", got)
	}
}

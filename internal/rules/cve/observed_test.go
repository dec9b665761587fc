package cve_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

// observedHost is a host that was observed for an hour: sshd listens, curl was executed, the
// library of curl only loaded by it, wget was there at a look, a plug-in was loaded by
// what runs, old code of libfoo ran and is over, vim was not touched, and what Python read is not
// known.
const observedHost = `
system debian 12
package dpkg openssh-server 1 arch=amd64
package dpkg curl 1 arch=amd64
package dpkg libcurl4 1 arch=amd64
package dpkg wget 1 arch=amd64
package dpkg libfoo1 1 arch=amd64
package dpkg vim 1 arch=amd64
package dpkg python3-jwt 1 arch=all
process sshd 0 /usr/sbin/sshd package=openssh-server:amd64 seen=first,last
socket tcp 0.0.0.0 22 pid=101
process wget 33 /usr/bin/wget package=wget:amd64 seen=first,over
process food 0 /opt/food deleted=libfoo1:amd64:/usr/lib/libfoo.so.1 seen=first,over
execution /usr/bin/curl 1000 count=3 package=curl:amd64
execution /usr/bin/curl 0 count=1 package=curl:amd64
execution /usr/sbin/sshd 0 count=2 package=openssh-server:amd64
load /usr/lib/libcurl.so.4 /usr/bin/curl 1000 count=3 package=libcurl4:amd64
observation
`

var packagesOfObserved = []string{"openssh-server", "curl", "libcurl4", "wget", "libfoo1", "vim", "python3-jwt"}

func worldOfObserved() (w world) {
	for n, name := range packagesOfObserved {
		id := strconv.Itoa(n + 1)
		w.records = append(w.records, deb("DSA-"+id+"-1", "CVE-2026-"+id, name, "2"))
	}
	return w
}

// transcript is what is said of the use of what is vulnerable, and whether old code runs.
func transcriptOfUse(results []rules.Result) string {
	var b strings.Builder
	for _, r := range of(results, fixable, rules.Failed) {
		b.WriteString(r.Subject + "\n")
		for _, key := range []string{"RUNTIME_STATE", "PRIORITY", "WHY_FIRST", "OBSERVED", "LAST_LOADED"} {
			if v := attr(r, key); v != "" {
				b.WriteString("    " + key + ": " + v + "\n")
			}
		}
		_, use, _ := strings.Cut(r.Reason, "Severity: ")
		b.WriteString("    reason: " + use + "\n")
		for _, e := range r.Evidence {
			if e.Sensor != "advisories" && e.Sensor != telemetry.SensorPackages {
				b.WriteString("    evidence: " + e.Sensor + " " + e.Record + ": " + e.String() + "\n")
			}
		}
	}
	for _, r := range results {
		if r.Rule == restart {
			b.WriteString(r.Rule + ": " + string(r.Verdict) + ": " + r.Reason + "\n")
		}
	}
	return b.String()
}

// TestObserved: what is said of a host that was observed, in whole, with executions only,
// by lesser means, and not at all.
func TestObserved(t *testing.T) {
	p, s := worldOfObserved().pkg(t), hosttest.Parse(t, observedHost)
	var b strings.Builder
	for _, of := range []struct {
		name string
		s    *hosttest.Snapshot
	}{
		{"completely", s},
		{"without loads", s.Cover(telemetry.SensorActivity, "loads", telemetry.NotCollected, "no way of the kernel's")},
		{"by lesser means", hosttest.Parse(t, strings.Replace(observedHost, "observation", "execution /srv/gone 0 unverified=true\nobservation tier=fanotify", 1))},
		{"not", s.Dropped(telemetry.SensorActivity)},
	} {
		b.WriteString("== observed " + of.name + "\n" + transcriptOfUse(evaluate(t, p, of.s)))
	}
	const path = "testdata/observed.golden"
	if *update {
		must(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := gocmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestObservedSoundly: no verdict turns for what is lost of an observation, and nothing cites it.
func TestObservedSoundly(t *testing.T) {
	p, s := also{worldOfObserved().pkg(t)}, hosttest.Parse(t, strings.Replace(observedHost, "socket", "#", 1))
	rulestest.Sound(t, p, s, rules.Input{Now: now})
	rulestest.CitedMatters(t, p, s, rules.Input{Now: now})
}

// also is the rules package as if its runs observed.
type also struct{ cve.Package }

func (p also) Describe() rules.Description {
	d := p.Package.Describe()
	d.Sensors = append(d.Sensors, d.Also...)
	return d
}

// TestNothingWasSeen: only what saw everything may say that there was nothing.
func TestNothingWasSeen(t *testing.T) {
	p, s := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "vim", "2")}}.pkg(t), hosttest.Parse(t, "system debian 12\npackage dpkg vim 1\nobservation\n")
	lines := func(more string) *hosttest.Snapshot {
		return hosttest.Parse(t, "system debian 12\npackage dpkg vim 1\nobservation\n"+more)
	}
	const strong, executed = "no binary of it was executed or loaded", "no binary of it was executed"
	for name, test := range map[string]struct {
		s    *hosttest.Snapshot
		want string
	}{
		"everything":                    {s, strong + " from 2026-03-01 12:00:00 to 13:00:00 UTC, when each was seen"},
		"not the loads":                 {s.Cover(telemetry.SensorActivity, "loads", telemetry.Partial, "a table was full"), executed + " from 2026-03-01 12:00:00 to 13:00:00 UTC; whether one was loaded is not known in full: the sensor \"activity\" (loads) is partial: a table was full"},
		"not each execution":            {s.Cover(telemetry.SensorActivity, "executions", telemetry.Partial, "a table was full"), "is not known in full: the sensor \"activity\" (executions) is partial: a table was full"},
		"nothing for sure":              {s.Partial(telemetry.SensorActivity), "whether it was used from"},
		"by looks":                      {hosttest.Parse(t, "system debian 12\npackage dpkg vim 1\nobservation tier=poll\n"), "is not known in full: not each is seen by the tier poll"},
		"a program that is not known":   {lines("execution /usr/bin/vim 0 unverified=true\n"), "is not known in full: which file vim was"},
		"a library that is not known":   {lines("load /usr/lib/x.so /usr/bin/x 0 unverified=true\n"), "whether one was loaded is not known in full: which file what x loaded was"},
		"a record that got lost":        {lines("execution /usr/bin/x 0 package=x\n").Lost("execution:1/7001/0"), "is not known in full: the sensor \"activity\" (executions) is partial: 1 of the 2 records"},
		"a namespace that is not known": {s.Add(telemetry.SensorActivity, &telemetry.Execution{Inode: 5, Path: "/usr/bin/vim", Name: "vim", MountNS: 9}), "is not known in full: to which package /usr/bin/vim of another mount namespace belongs"},
		"nobody":                        {s.Absent("observation:2026-03-01T12:00:00Z"), ""},
	} {
		if name == "nobody" {
			test.s = hosttest.Parse(t, "system debian 12\npackage dpkg vim 1\n")
		}
		r := of(evaluate(t, p, test.s), fixable, rules.Failed)
		if len(r) != 1 || attr(r[0], "RUNTIME_STATE") != "installed" || !strings.Contains(r[0].Reason, test.want) {
			t.Errorf("%s: %+v", name, r)
		}
		if strong := strings.Contains(r[0].Reason, strong); strong != (name == "everything") {
			t.Errorf("%s: %s", name, r[0].Reason)
		}
		if r := r[0]; name == "nobody" && (attr(r, "OBSERVED") != "" || !strings.HasSuffix(r.Reason, "Installed, and not loaded by any process.")) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestMoreObservationNeverLowers: whatever else is told of an observation, nothing becomes
// less urgent, and what listens or is loaded stays so.
func TestMoreObservationNeverLowers(t *testing.T) {
	p := worldOfObserved().pkg(t)
	words := func(t *rapid.T, label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	rapid.Check(t, func(t *rapid.T) {
		pkg := func(label string) string {
			return words(t, label, "", "curl:amd64", "libcurl4:amd64", "wget", "vim:amd64", "vim:i386", "python3-jwt", "openssh-server:amd64", ":")
		}
		at := func(label string) string {
			return words(t, label, "", "/usr/bin/curl", "/usr/sbin/sshd", "/usr/lib/libcurl.so.4", "/usr/bin/python3.11", "/usr/bin/vim", "/opt/x")
		}
		s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true, CollectedAt: now})
		for _, name := range packagesOfObserved {
			s = s.Add(telemetry.SensorPackages, dpkg(name, "1", name, "1"))
		}
		s = s.Add(telemetry.SensorProcesses, &telemetry.Looks{Began: now})
		for n := range rapid.IntRange(0, 3).Draw(t, "processes") {
			s = s.Add(telemetry.SensorProcesses, &telemetry.Object{ID: n, Path: at("object"), Package: pkg("object's"), Deleted: rapid.Bool().Draw(t, "deleted")},
				&telemetry.Process{PID: n + 1, Name: "x", Exe: at("exe"), Package: pkg("exe's"), Objects: []int{n}, Seen: telemetry.Seen{First: now}})
			if rapid.Bool().Draw(t, "listens") {
				s = s.Add(telemetry.SensorSockets, &telemetry.Socket{Protocol: "tcp", State: "listen", Local: words(t, "local", "127.0.0.1", "0.0.0.0"), LocalPort: 1, Owners: []telemetry.Owner{{PID: n + 1}}})
			}
		}
		if rapid.Bool().Draw(t, "partial") {
			s = s.Partial(telemetry.SensorProcesses)
		}
		more := s
		for n := range rapid.IntRange(1, 6).Draw(t, "more") {
			inode := uint64(n)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				more = more.Add(telemetry.SensorActivity, &telemetry.Execution{Inode: inode, Path: at("path"), Package: pkg("package"), Unverified: rapid.Bool().Draw(t, "unverified")})
			case 1:
				more = more.Add(telemetry.SensorActivity, &telemetry.Load{Inode: inode, Path: at("path"), By: at("by"), Package: pkg("package"), Unverified: rapid.Bool().Draw(t, "unverified")})
			case 2:
				more = more.Add(telemetry.SensorActivity, &telemetry.Observation{Began: now, Ended: now, Tier: words(t, "tier", "ebpf/core", "poll")})
			case 3:
				more = more.Add(telemetry.SensorProcesses, &telemetry.Object{ID: 10 + n, Path: at("path"), Package: pkg("package")},
					&telemetry.Process{PID: 1, Started: int64(n + 1), Name: "x", Exe: at("exe"), Package: pkg("exe's"), Objects: []int{10 + n}, Gone: true, Seen: telemetry.Seen{First: now, Last: now}})
			}
		}
		before, after := uses(evaluateAs(t, p, s)), uses(evaluateAs(t, p, more))
		if len(before) != len(packagesOfObserved) || len(after) != len(before) {
			t.Fatalf("%v, %v", before, after)
		}
		for subject, was := range before {
			is := after[subject]
			if is.priority < was.priority || was.state != is.state && (was.state != "installed" && was.state != "unknown" || is.state != "was loaded" && is.state != "unknown") {
				t.Fatalf("%s: %+v, with more %+v", subject, was, is)
			}
		}
	})
}

type inUse struct {
	state    string
	priority int
}

func uses(results []rules.Result) map[string]inUse {
	all := map[string]inUse{}
	for _, r := range of(results, fixable, rules.Failed) {
		n, _ := strconv.Atoi(attr(r, "PRIORITY"))
		all[r.Subject] = inUse{attr(r, "RUNTIME_STATE"), n}
	}
	return all
}

func evaluateAs(t rapid.TB, p rules.Package, s *hosttest.Snapshot) []rules.Result {
	results, err := p.Evaluate(context.Background(), s.Host(), rules.Input{Now: now})
	must(t, err)
	return results
}

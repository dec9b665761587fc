package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

var booted = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// server is a host with sshd for everybody, PostgreSQL for itself, a cron that nobody
// talks to, old code of an OpenSSL, a container, and a JVM.
func server() *hosttest.Snapshot {
	return hosttest.New().
		Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true, BootedAt: booted}).
		Add(telemetry.SensorContainers, &telemetry.Container{ID: "c1", MountNS: 77}).
		Add(telemetry.SensorProcesses,
			&telemetry.Object{ID: 1, Path: "/usr/sbin/sshd", Package: "openssh-server"},
			&telemetry.Object{ID: 2, Path: "/usr/lib/x86_64-linux-gnu/libc.so.6", Device: 1, Inode: 2, Package: "libc6:amd64"},
			&telemetry.Object{ID: 3, Path: "/usr/lib/x86_64-linux-gnu/libcrypto.so.3.0.11", Deleted: true},
			&telemetry.Object{ID: 4, Path: "/usr/lib/x86_64-linux-gnu/libcrypto.so.3.0.12", Package: "libssl3:amd64"},
			&telemetry.Object{ID: 5, Path: "/usr/sbin/cron", Deleted: true, Package: "cron"},
			&telemetry.Object{ID: 6, Path: "/usr/bin/java", Package: "openjdk-17-jre-headless:amd64"},
			&telemetry.Object{ID: 7, Path: "/memfd:jit", Deleted: true, Package: "jit"},
			&telemetry.Object{ID: 8, Path: "/app/server", MountNS: 77},
			&telemetry.Object{ID: 9, Path: "/usr/lib/x86_64-linux-gnu/libc.so.6", Device: 1, Inode: 2, MountNS: 55},
			&telemetry.Object{ID: 10, Path: "/opt/app", Package: ""},
			&telemetry.Object{ID: 11, Path: "/usr/lib/i386-linux-gnu/libc.so.6", Package: "libc6:i386"},
			&telemetry.Process{PID: 300, Name: "cron", Exe: "/usr/sbin/cron", Deleted: true, Package: "cron", Started: 1000, Objects: []int{5, 2, 7}},
			&telemetry.Process{PID: 100, Name: "sshd", Exe: "/usr/sbin/sshd", Package: "openssh-server", Started: 250, Objects: []int{1, 2, 3}},
			&telemetry.Process{PID: 200, Name: "postgres", UID: 107, Exe: "/usr/lib/postgresql/15/bin/postgres", Package: "postgresql-15", MountNS: 55, Objects: []int{4, 9}},
			&telemetry.Process{PID: 400, Name: "java", Exe: "/usr/bin/java", Package: "openjdk-17-jre-headless:amd64", Objects: []int{6, 99}},
			&telemetry.Process{PID: 500, Name: "server", Exe: "/app/server", MountNS: 77, Objects: []int{8}},
			&telemetry.Process{PID: 600, Name: "app", Exe: "/opt/app", Objects: []int{10, 11}},
			&telemetry.Object{ID: 12, Path: "/usr/lib/x86_64-linux-gnu/libc.so.6", Device: 1, Inode: 3, MountNS: 58, Deleted: true},
			&telemetry.Object{ID: 13, Path: "/usr/lib/x86_64-linux-gnu/libc.so.6", Device: 7, Inode: 2, MountNS: 59},
			&telemetry.Object{ID: 14, Path: "[heap]", Package: "heap"},
			&telemetry.Process{PID: 2, Name: "kthreadd", Kernel: true},
		).
		Add(telemetry.SensorSockets,
			listen("tcp", "0.0.0.0", 22, 100), listen("tcp", "::", 22, 100), listen("tcp", "127.0.0.1", 5432, 200),
			listen("tcp", "::1", 5432, 200), listen("tcp", "::ffff:127.0.0.1", 5433, 200), listen("tcp", "::", 8080, 500),
			&telemetry.Socket{Protocol: "tcp", Family: 4, State: "established", Local: "10.0.0.1", LocalPort: 40000, Owners: []telemetry.Owner{{PID: 300}}},
		)
}

func listen(protocol, local string, port uint16, pid int) *telemetry.Socket {
	return &telemetry.Socket{Protocol: protocol, Family: 4, State: "listen", Local: local, LocalPort: port, Owners: []telemetry.Owner{{PID: pid, Name: "x"}}}
}

func TestPackages(t *testing.T) {
	u := usage.Of(server().Host())
	for name, want := range map[string]string{
		"openssh-server":                "exposed 100",
		"libc6":                         "exposed 100 200 300 600",
		"libc6:amd64":                   "exposed 100 200 300",
		"libc6:i386":                    "loaded 600",
		"libssl3:amd64":                 "exposed 100 200 old 100",
		"postgresql-15":                 "listening 200",
		"postgresql-15:amd64":           "listening 200",
		"cron":                          "loaded 300 old 300",
		"openjdk-17-jre-headless":       "loaded 400",
		"openjdk-17-jre-headless:amd64": "loaded 400",
		"vim":                           "installed",
		"jit":                           "installed",
		"liblog4j2-java":                "unknown 400",
		"python3-requests":              "installed",
	} {
		if got := summary(u.Package(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	want := []usage.Process{{PID: 200, Name: "postgres", Exe: "/usr/lib/postgresql/15/bin/postgres", UID: 107, Started: booted.Unix(),
		Files: []string{"/usr/lib/postgresql/15/bin/postgres"}, Record: "process:200",
		Listens: []string{"tcp 127.0.0.1:5432", "tcp [::1]:5432", "tcp [::ffff:127.0.0.1]:5433"}}}
	if diff := cmp.Diff(want, u.Package("postgresql-15").Processes); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if p := u.Package("cron").Old[0]; p.Started != booted.Unix()+10 {
		t.Errorf("started %d", p.Started)
	}
	if a := u.Package("vim"); a.Reason == "" { // a script of Java's may be in it
		t.Errorf("%+v", a)
	}
}

// TestOtherNamespaces has the same path in mount namespaces of services: one file that was
// replaced, and one that is another file (as snaps have).
func TestOtherNamespaces(t *testing.T) {
	with := func(object int) *usage.Usage {
		return usage.Of(server().Add(telemetry.SensorProcesses, &telemetry.Process{PID: 800, Name: "x", Objects: []int{object}}).Host())
	}
	if got := summary(with(12).Package("libc6:amd64")); got != "exposed 100 200 300 800 old 800" {
		t.Error(got)
	}
	if u := with(13); summary(u.Package("libc6:amd64")) != "exposed 100 200 300" || u.Package("vim").State != usage.Unknown {
		t.Errorf("%+v, %+v", u.Package("libc6:amd64"), u.Package("vim"))
	}
	if got := summary(with(14).Package("heap")); got != "installed" {
		t.Error(got)
	}
}

// summary is "state pids old pids".
func summary(a usage.Answer) string {
	var b strings.Builder
	b.WriteString(string(a.State))
	pids := map[int]bool{}
	for _, p := range a.Processes {
		pids[p.PID] = true
	}
	for n := range 1000 {
		if pids[n] {
			fmt.Fprintf(&b, " %d", n)
		}
	}
	if len(a.Old) > 0 {
		b.WriteString(" old")
		for _, p := range a.Old {
			fmt.Fprintf(&b, " %d", p.PID)
		}
	}
	return b.String()
}

func TestOld(t *testing.T) {
	var got []string
	for _, o := range usage.Of(server().Host()).Old() {
		got = append(got, fmt.Sprint(o.Package, " ", o.Processes[0].PID))
	}
	if diff := cmp.Diff([]string{"cron 300", "libssl3:amd64 100"}, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestFiles(t *testing.T) {
	u := usage.Of(server().Host())
	for _, c := range []struct{ container, path, want string }{
		{"", "/opt/app", "loaded 600"},
		{"", "/usr/bin/other", "installed"},
		{"", "/opt/lib/log4j-core-2.14.1.jar", "unknown 400"},
		{"", "/usr/lib/python3/dist-packages/requests-2.28.1.egg-info", "installed"},
		{"", "/app/server", "installed"},
		{"c1", "/app/server", "exposed 500"},
		{"c1", "/app/other", "installed"},
		{"c1", "/app/lib.jar", "installed"},
		{"c2", "/app/server", "unknown"},
	} {
		if got := summary(u.File(c.container, c.path)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.container, c.path, got, c.want)
		}
	}
	if got := summary(u.Container("c1", "libc6")); got != "unknown 500" {
		t.Error(got)
	}
}

// TestNotCollected takes knowledge away: what is not seen is not known any more, and
// what was seen stays.
func TestNotCollected(t *testing.T) {
	for name, s := range map[string]*hosttest.Snapshot{
		"partial": server().Partial(telemetry.SensorProcesses),
		"lost":    server().Lost("process:600"),
		"owners": server().Add(telemetry.SensorProcesses,
			&telemetry.Object{ID: 50, Path: "/usr/sbin/apache2", MountNS: 56},
			&telemetry.Process{PID: 700, Name: "apache2", MountNS: 56, Objects: []int{50}}),
	} {
		u := usage.Of(s.Host())
		for _, pkg := range []string{"vim", "liblog4j2-java", "apache2"} {
			if a := u.Package(pkg); a.State != usage.Unknown || a.Reason == "" {
				t.Errorf("%s: %s: %+v", name, pkg, a)
			}
		}
		if a := u.Package("openssh-server"); a.State != usage.Exposed {
			t.Errorf("%s: %+v", name, a)
		}
		if u.OldReason() == "" {
			t.Errorf("%s: all old code is known", name)
		}
	}
	u := usage.Of(server().Partial(telemetry.SensorSockets).Host())
	if a := u.Package("cron"); a.State != usage.Loaded || a.Reason == "" {
		t.Errorf("%+v", a)
	}
	if a := u.Package("openssh-server"); a.Reason != "" {
		t.Errorf("%+v", a)
	}
	// The holders of sockets tell by themselves.
	u = usage.Of(server().Dropped(telemetry.SensorProcesses).Add(telemetry.SensorSockets, &telemetry.Socket{
		Protocol: "tcp", State: "listen", Local: "10.0.0.1", LocalPort: 80,
		Owners: []telemetry.Owner{{PID: 900, Name: "nginx", Exe: "/usr/sbin/nginx", Package: "nginx"}},
	}).Host())
	if got := summary(u.Package("nginx")); got != "exposed 900" {
		t.Error(got)
	}
	if a := u.Package("vim"); a.State != usage.Unknown || a.Reason == "" {
		t.Errorf("%+v", a)
	}
}

// TestAnything gives it what no host sends.
func TestAnything(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "a", "a:b", "a:c", ":", "/usr/bin/a", "/usr/lib/x.so.1.2", "/usr/lib/x.so.1.3", "/memfd:x", "java", "/", "c1"})
	small := rapid.IntRange(-1, 4)
	rapid.Check(t, func(t *rapid.T) {
		s := hosttest.New()
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				s = s.Add(telemetry.SensorProcesses, &telemetry.Object{ID: small.Draw(t, "id"), Path: words.Draw(t, "path"), Inode: uint64(small.Draw(t, "inode") + 1),
					MountNS: uint64(small.Draw(t, "ns") + 1), Package: words.Draw(t, "package"), Deleted: rapid.Bool().Draw(t, "deleted")})
			case 1:
				s = s.Add(telemetry.SensorProcesses, &telemetry.Process{PID: small.Draw(t, "pid"), Exe: words.Draw(t, "exe"), Package: words.Draw(t, "package"),
					Container: words.Draw(t, "container"), MountNS: uint64(small.Draw(t, "ns") + 1), Objects: rapid.SliceOfN(small, 0, 6).Draw(t, "objects")})
			case 2:
				s = s.Add(telemetry.SensorSockets, &telemetry.Socket{State: "listen", Local: words.Draw(t, "local"), Owners: []telemetry.Owner{{PID: small.Draw(t, "owner"), Package: words.Draw(t, "package"), Exe: words.Draw(t, "exe")}}})
			case 3:
				s = s.Add(telemetry.SensorContainers, &telemetry.Container{ID: words.Draw(t, "container"), MountNS: uint64(small.Draw(t, "ns") + 1)})
			}
		}
		h := s.Host()
		u, again := usage.Of(h), usage.Of(h)
		if diff := cmp.Diff(u.Old(), again.Old()); diff != "" {
			t.Fatal(diff)
		}
		name := words.Draw(t, "name")
		for _, pair := range [][2]usage.Answer{
			{u.Package(name), again.Package(name)}, {u.File("", name), again.File("", name)},
			{u.File("c1", name), again.File("c1", name)}, {u.Container("c1", name), again.Container("c1", name)},
		} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Fatal(diff)
			}
			if a := pair[0]; a.State == "" || a.State == usage.Unknown && a.Reason == "" || a.State == usage.Installed && (len(a.Processes) > 0 || len(a.Old) > 0) {
				t.Fatalf("%+v", a)
			}
		}
	})
}

// TestExecuted has programs that nobody sees run: they ended within the run.
func TestExecuted(t *testing.T) {
	at := func(second int64) telemetry.Activity {
		return telemetry.Activity{Count: 3, First: booted, Last: time.Unix(booted.Unix()+second, 0)}
	}
	u := usage.Of(server().Add(telemetry.SensorActivity,
		&telemetry.Execution{Device: 1, Inode: 10, Path: "/usr/bin/vim", Name: "vim", Package: "vim", Activity: at(1)},
		&telemetry.Execution{Device: 1, Inode: 10, UID: 5, Path: "/usr/bin/vim", Name: "vim", Package: "vim", Activity: at(2)},
		&telemetry.Execution{Device: 1, Inode: 11, Path: "/usr/bin/ldd", Name: "ldd", Package: "libc6:i386", Activity: at(3)},
		&telemetry.Execution{Device: 1, Inode: 12, Path: "/usr/bin/vim", Name: "vim", Container: "c1", Activity: at(4)},
		&telemetry.Execution{Device: 1, Inode: 13, Name: "gone", Activity: at(5)},
	).Host())
	for name, want := range map[string]int{"vim": 2, "vim:amd64": 2, "libc6": 1, "libc6:i386": 1, "libc6:amd64": 0, "cron": 0} {
		if got := u.Package(name).Executed; len(got) != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	a := u.Package("vim")
	if e := a.Executed[0]; a.State != usage.WasLoaded || e.UID != 5 || e.Count != 3 || e.Last != booted.Unix()+2 || e.First != booted.Unix() || e.Record == "" {
		t.Errorf("%+v", a)
	}
	if got := u.File("c1", "/usr/bin/vim").Executed; len(got) != 1 || got[0].Container != "c1" {
		t.Errorf("%+v", got)
	}
	if got := u.File("", "/usr/bin/vim").Executed; len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// What was loaded while the run went on and is over is told beside the state, which is
// that of the end: by processes that were seen at looks, and by what only the kernel saw.
func TestPast(t *testing.T) {
	at := booted.Add(time.Hour)
	seen := telemetry.Seen{First: at, Last: at.Add(2 * time.Minute)}
	counted := telemetry.Activity{Count: 3, First: at, Last: at.Add(time.Minute)}
	s := server().
		Add(telemetry.SensorProcesses,
			&telemetry.Object{ID: 20, Path: "/usr/bin/curl", Package: "curl"},
			&telemetry.Object{ID: 21, Path: "/usr/lib/libcurl.so.4", Package: "libcurl4:amd64"},
			&telemetry.Process{PID: 300, Started: 9, Name: "curl", Exe: "/usr/bin/curl", Package: "curl", Objects: []int{20, 21, 3}, Gone: true, Seen: seen},
		).
		Add(telemetry.SensorActivity,
			&telemetry.Load{Path: "/usr/lib/libnss.so.2", Package: "libnss:amd64", By: "/usr/bin/id", Name: "id", UID: 7, Activity: counted},
			&telemetry.Load{Path: "/usr/lib/x86_64-linux-gnu/libc.so.6", Package: "libc6:amd64", By: "/usr/sbin/cron", Name: "cron", Inode: 1, Activity: counted},
			&telemetry.Load{Path: "/app/lib.so", By: "/app/x", Container: "c1", Inode: 2, Activity: counted},
		)
	u := usage.Of(s.Host())
	curl := usage.Past{PID: 300, Name: "curl", Exe: "/usr/bin/curl", Files: []string{"/usr/bin/curl"}, First: at.Unix(), Last: at.Unix() + 120, Record: "process:300@9"}
	if got := u.Package("curl"); got.State == usage.Loaded || !cmp.Equal(got.Past, []usage.Past{curl}) {
		t.Errorf("%+v", got)
	}
	if got := u.Package("libcurl4").Past; len(got) != 1 || got[0].Files[0] != "/usr/lib/libcurl.so.4" {
		t.Errorf("%+v", got)
	}
	if got := u.Package("libcurl4:i386"); len(got.Past) != 0 {
		t.Errorf("of another architecture: %+v", got)
	}
	// The process that has its number now, and the state, are as they were.
	if got := u.Package("cron"); summary(got) != "loaded 300 old 300" || len(got.Past) != 0 {
		t.Errorf("%+v", got)
	}
	if got := u.Package("libnss:amd64").Past; len(got) != 1 || got[0].Count != 3 || got[0].PID != 0 || got[0].Exe != "/usr/bin/id" || got[0].UID != 7 {
		t.Errorf("what the kernel saw: %+v", got)
	}
	// That cron loads its C library is told of the process that still has it.
	if got := u.Package("libc6:amd64"); len(got.Past) != 0 {
		t.Errorf("%+v", got.Past)
	}
	if got := u.File("c1", "/app/lib.so").Past; len(got) != 1 || got[0].Exe != "/app/x" {
		t.Errorf("in a container: %+v", got)
	}
}

// TestObserved: what is over raises a state, and only if it is known to have been the
// package's; what interpreters read is not known.
func TestObserved(t *testing.T) {
	observed := func(more ...telemetry.Record) *usage.Usage {
		records := append(more, &telemetry.Observation{Began: booted, Ended: booted.Add(time.Hour), Tier: "ebpf/core"})
		return usage.Of(server().Dropped(telemetry.SensorProcesses).Partial(telemetry.SensorSockets).Add(telemetry.SensorActivity, records...).Host())
	}
	ran := func(path, pkg string) *telemetry.Execution {
		return &telemetry.Execution{Inode: 1, Path: path, Package: pkg, Name: "x"}
	}
	u := observed(ran("/usr/bin/vim", "vim"))
	if a := u.Package("vim"); a.State != usage.WasLoaded || a.Reason == "" || len(a.Processes) != 0 {
		t.Errorf("of a host whose processes are not known: %+v", a)
	}
	if a := u.Package("nano"); a.State != usage.Unknown {
		t.Errorf("%+v", a)
	}
	if o := u.Observed(); o == nil || o.Executions != "" || o.Loads != "" || o.Began != booted.Unix() || o.Ended != booted.Unix()+3600 || o.Record == "" {
		t.Errorf("%+v", o)
	}
	other := ran("/usr/bin/vim", "vim")
	other.Unverified = true
	u = observed(other)
	if a, o := u.Package("vim"), u.Observed(); a.State != usage.Unknown || len(a.Executed) != 0 || o.Executions == "" || o.Loads != "" {
		t.Errorf("of a file that was another: %+v, %+v", a, o)
	}
	inside := ran("/app/lib.so", "vim")
	inside.MountNS = 77
	u = observed(inside)
	if a, b := u.Package("vim"), u.File("c1", "/app/lib.so"); a.State != usage.Unknown || b.State != usage.WasLoaded {
		t.Errorf("in a container: %+v, %+v", a, b)
	}
	if o := usage.Of(server().Host()).Observed(); o != nil {
		t.Errorf("nobody has observed: %+v", o)
	}
}

// TestInterpretersThatRan are over, and what they have read is not known.
func TestInterpretersThatRan(t *testing.T) {
	s := server().Add(telemetry.SensorActivity, &telemetry.Execution{Inode: 1, Path: "/usr/bin/python3.11", Package: "python3.11-minimal:amd64", Name: "python3"})
	for name, want := range map[string]usage.State{"python3-requests": usage.Unknown, "libfoo-perl": usage.Installed, "vim": usage.Installed} {
		if a := usage.Of(s.Host()).Package(name); a.State != want || a.Reason == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

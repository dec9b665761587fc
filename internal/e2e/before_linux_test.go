package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/telemetry"
)

// TestHostIsAsBefore runs the agent on an overlay of this host: it enrols, does a
// whole assessment, ends, and collects into a file. Afterwards the overlay holds
// what it held before, down to access times, and the running system is the same.
// The agent has opened no port and started no program.
func TestHostIsAsBefore(t *testing.T) {
	w := newWorld(t, "")
	w.startService("")
	s := newStage(t)
	packages := s.hotDatabase()
	lifted := s.lift("/etc") + s.lift("/var/lib/rpm") + s.lift("/var/lib/dpkg") + s.lift("/usr/lib/os-release")
	before, kernel := picture(t, s.upper, false), kernelPicture(t)
	t.Logf("%d paths in the overlay, %d files with access times, %d facts of the running system", len(before), lifted, len(kernel))

	s.startAgent(w)
	watch := s.watch(w.agent.cmd.Process)
	w.heard()
	sdk := w.sdk()
	run := sdk.startRun(sdk.template())
	if state := sdk.finish(run); !strings.HasPrefix(state, "COMPLETED") {
		t.Fatalf("the run is %s", state)
	}
	if found, looks := watch(); looks == 0 || len(found) > 0 {
		t.Errorf("in %d looks the agent had listeners or children: %q", looks, found)
	} else {
		t.Logf("%d looks at the agent's sockets and children", looks)
	}
	s.stop(w)
	s.same("after an assessment", before)

	records := readSnapshot(t, s.collect())
	if got := rpms(records); got != packages {
		t.Errorf("%d rpm packages were collected, not the %d of the database and its log", got, packages)
	}
	s.same("after collect", before)
	if d := cmp.Diff(kernel, kernelPicture(t)); d != "" {
		t.Errorf("the running system has changed (before -, after +):\n%s", d)
	}
	s.collectImage(packages)
	s.control()
}

// same compares the overlay with what it was.
func (s *stage) same(when string, before map[string]string) {
	s.t.Helper()
	if d := changes(before, picture(s.t, s.upper, false)); len(d) > 0 {
		s.t.Errorf("%s the host is not as before:\n%s", when, strings.Join(d, "\n"))
	}
}

// changes are the differences between two pictures, one a path.
func changes(before, after map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now, ok := after[name]; !ok {
			list = append(list, name+": gone")
		} else if now != before[name] {
			list = append(list, fmt.Sprintf("%s:\n  was %s\n  is  %s", name, before[name], now))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			list = append(list, name+": new: "+after[name])
		}
	}
	return list
}

// collectImage collects a mounted image, on a file system that keeps the access
// times of folders too.
func (s *stage) collectImage(packages int) {
	s.t.Helper()
	s.mount("tmpfs", "/mnt", "tmpfs", unix.MS_STRICTATIME, "mode=0755,size=256m")
	for _, name := range []string{"/etc", "/usr/lib/os-release", "/usr/lib/sysctl.d", "/usr/lib/systemd/system", "/var/lib/rpm", "/var/lib/dpkg/status", "/var/lib/dpkg/info"} {
		must(s.t, os.MkdirAll(s.path("/mnt", filepath.Dir(name)), 0o755))
		if _, err := os.Stat(s.path(name)); err != nil {
			continue
		}
		if out, err := s.command("/bin/cp", "-a", name, "/mnt"+filepath.Dir(name)).CombinedOutput(); err != nil {
			s.t.Fatalf("cp %s: %v\n%s", name, err, out)
		}
	}
	// Whoever reads makes a difference that the clock can tell.
	time.Sleep(20 * time.Millisecond)
	image, host := picture(s.t, s.path("/mnt"), true), picture(s.t, s.upper, false)
	records := readSnapshot(s.t, s.collect("-root", "/mnt"))
	if got := rpms(records); got != packages {
		s.t.Errorf("%d rpm packages of the image were collected, want %d", got, packages)
	}
	if d := changes(image, picture(s.t, s.path("/mnt"), true)); len(d) > 0 {
		s.t.Errorf("the image is not as before:\n%s", strings.Join(d, "\n"))
	}
	s.t.Logf("%d paths in the image, %d records", len(image), len(records))
	if d := changes(host, picture(s.t, s.upper, false)); len(d) > 0 {
		s.t.Errorf("after collecting an image the host is not as before:\n%s", strings.Join(d, "\n"))
	}
	if _, err := os.ReadDir(s.path("/mnt/etc")); err != nil {
		s.t.Fatal(err)
	}
	if d := changes(image, picture(s.t, s.path("/mnt"), true)); len(d) != 1 || !strings.HasPrefix(d[0], "/etc:") {
		s.t.Errorf("reading a folder of the image shows as %q", d)
	}
}

// control shows that every kind of change would have been seen.
func (s *stage) control() {
	s.t.Helper()
	before := picture(s.t, s.upper, false)
	kinds := []struct{ script, path string }{
		{"touch -c -d @1 /usr/bin/env", "/usr/bin/env"},
		{"chmod g+w /etc/hostname", "/etc/hostname"},
		{"cat /etc/passwd >/dev/null", "/etc/passwd"},
		{": >>/etc/group; touch -c /etc/group", "/etc/group"},
		{"rm /usr/bin/yes", "/usr/bin/yes"},
		{"mkdir /srv/new", "/srv/new"},
		{": >/var/lib/rpm/rpmdb.sqlite-shm", "/var/lib/rpm/rpmdb.sqlite-shm"},
		{"chown 1 /etc/profile", "/etc/profile"},
	}
	for _, kind := range kinds {
		if out, err := s.command("/bin/sh", "-c", kind.script).CombinedOutput(); err != nil {
			s.t.Fatalf("%s: %v\n%s", kind.script, err, out)
		}
	}
	found := changes(before, picture(s.t, s.upper, false))
	for _, kind := range kinds {
		if !slices.ContainsFunc(found, func(d string) bool { return strings.HasPrefix(d, kind.path+":") }) {
			s.t.Errorf("%s is not seen: %q", kind.script, found)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	defer l.Close()
	if found := listeners(os.Getpid()); !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, "tcp ") }) {
		s.t.Errorf("a socket that listens is not seen: %q", found)
	}
	child := s.command("/bin/sleep", "60")
	must(s.t, child.Start())
	if found := children("/proc", os.Getpid()); len(found) == 0 {
		s.t.Error("a child is not seen")
	}
	child.Process.Kill()
	child.Wait()
}

// hotDatabase plants an rpm database whose last transaction is only in the
// write-ahead log, and tells how many packages it has.
func (s *stage) hotDatabase() (packages int) {
	s.t.Helper()
	dir := s.t.TempDir()
	db := filepath.Join(dir, "db")
	rpmtest.Install(s.t, db, rpmtest.Build(s.t, dir, rpmtest.Spec(10)))
	file := filepath.Join(db, "rpmdb.sqlite")
	conn := rpmtest.OpenSQLite(s.t, file)
	for _, statement := range []string{"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "DELETE FROM Packages WHERE hnum = 2"} {
		_, err := conn.Exec(statement)
		must(s.t, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(file + suffix)
		if err != nil || len(data) < 4096 {
			s.t.Fatalf("%s%s has %d bytes: %v", file, suffix, len(data), err)
		}
		s.write("/var/lib/rpm/rpmdb.sqlite"+suffix, string(data))
	}
	return len(rpmtest.Query(s.t, db))
}

func rpms(records []telemetry.Record) (n int) {
	for _, r := range records {
		if p, ok := r.(*telemetry.Package); ok && p.Manager == "rpm" {
			n++
		}
	}
	return n
}

// watch looks again and again whether a process listens or has children, until the
// function that it returns is called.
func (s *stage) watch(p *os.Process) (stop func() (found []string, looks int)) {
	s.t.Helper()
	pid := s.pid(p)
	folder, err := os.Open(s.path("/proc")) // which only this goroutine finds by its path
	must(s.t, err)
	proc := fmt.Sprintf("/proc/self/fd/%d", folder.Fd())
	done := make(chan struct{})
	var all []string
	var looks int
	var wait sync.WaitGroup
	wait.Go(func() {
		defer folder.Close()
		for {
			if _, err := os.Stat(fmt.Sprintf("%s/%d", proc, pid)); err != nil {
				all = append(all, err.Error())
			}
			all = append(append(all, listeners(p.Pid)...), children(proc, pid)...)
			looks++
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() ([]string, int) {
		close(done)
		wait.Wait()
		return all, looks
	}
}

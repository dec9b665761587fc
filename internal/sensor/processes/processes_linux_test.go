package processes

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

type snapshot struct {
	processes map[int]*telemetry.Process
	objects   map[int]*telemetry.Object
	coverage  telemetry.Coverage
	text      string
}

func collect(t *testing.T) snapshot {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	s := snapshot{processes: map[int]*telemetry.Process{}, objects: map[int]*telemetry.Object{}}
	s.coverage, err = New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		switch r := r.(type) {
		case *telemetry.Process:
			for _, id := range r.Objects {
				if s.objects[id] == nil {
					t.Errorf("process %d refers to object %d before it was emitted", r.PID, id)
				}
			}
			s.processes[r.PID] = r
		case *telemetry.Object:
			s.objects[r.ID] = r
		}
		line, _ := json.Marshal(r)
		s.text += string(line) + "\n"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts a program that waits until the test ends.
func start(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process.Pid
}

// waiting gives a program time to be the one that was asked for: between fork and
// exec it is still the test.
func waiting(t *testing.T, pid int, exe string) {
	t.Helper()
	for range 10_000 {
		if got, _ := os.Readlink("/proc/" + itoa(pid) + "/exe"); strings.HasPrefix(got, exe) {
			if maps, _ := os.ReadFile("/proc/" + itoa(pid) + "/maps"); strings.Contains(string(maps), "libc.so") {
				return
			}
		}
	}
	t.Fatalf("process %d never became %s", pid, exe)
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestKnownProcess(t *testing.T) {
	cat := testenv.Need(t, "cat", "coreutils")
	testenv.Need(t, "dpkg-query", "dpkg")
	real, err := filepath.EvalSymlinks(cat)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "canary-7c1f0e"
	cmd := exec.Command(cat, "-u", "-", "--", "/dev/null/"+secret)
	cmd.Args = []string{cat, "-", secret}
	cmd.Env = []string{"TOKEN=" + secret}
	pid := start(t, cmd)
	waiting(t, pid, real)

	s := collect(t)
	p := s.processes[pid]
	if p == nil {
		t.Fatal("the process was not seen")
	}
	if p.Exe != real || p.Deleted || p.Name != "cat" || p.Parent != os.Getpid() || p.UID != uint32(os.Geteuid()) || p.Package != "coreutils" {
		t.Errorf("%+v", p)
	}
	if !slices.ContainsFunc(p.Objects, func(id int) bool {
		o := s.objects[id]
		return strings.HasPrefix(filepath.Base(o.Path), "libc.so") && strings.HasPrefix(o.Package, "libc6") && o.Inode != 0
	}) {
		t.Errorf("libc.so of libc6 is not among its objects %v", p.Objects)
	}
	info, err := os.Stat(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range p.Objects {
		if o := s.objects[id]; o.Path == real && o.Inode != info.Sys().(*syscall.Stat_t).Ino {
			t.Errorf("%+v has another inode than %s", o, real)
		}
	}
	if strings.Contains(s.text, secret) {
		t.Error("an argument or a variable of the environment is in the telemetry")
	}
	if s.coverage.State != wantState() {
		t.Errorf("coverage %+v, want %s", s.coverage, wantState())
	}
}

// A service with a mount namespace of its own has the host's files, as far as they are
// the same ones.
func TestOwnMountNamespace(t *testing.T) {
	cat := testenv.Need(t, "cat", "coreutils")
	testenv.Need(t, "dpkg-query", "dpkg")
	real, err := filepath.EvalSymlinks(cat)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(cat)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		t.Skip("needs to be root, to make a mount namespace")
	}
	pid := start(t, cmd)
	waiting(t, pid, real)
	s := collect(t)
	p := s.processes[pid]
	if p == nil || p.MountNS == s.processes[os.Getpid()].MountNS {
		t.Fatalf("%+v", p)
	}
	if p.Container != "" {
		t.Skip("the test runs in a container, and so does what it starts")
	}
	if p.Package != "coreutils" || !slices.ContainsFunc(p.Objects, func(id int) bool {
		return s.objects[id].MountNS == p.MountNS && strings.HasPrefix(s.objects[id].Package, "libc6")
	}) {
		t.Errorf("%+v", p)
	}
}

// What only has the path of one of the host's files is not that file.
func TestIsHosts(t *testing.T) {
	info, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	inode := info.Sys().(*syscall.Stat_t).Ino
	s := newScan(New().(processes).proc)
	s.contained[2] = true
	for _, c := range []struct {
		o    telemetry.Object
		want bool
	}{
		{telemetry.Object{ID: 1, Path: self, Inode: inode}, true},
		{telemetry.Object{ID: 1, Path: self, Inode: inode, MountNS: 5}, true},
		{telemetry.Object{ID: 1, Path: self, Inode: inode + 1, MountNS: 5}, false},
		{telemetry.Object{ID: 1, Path: self, Inode: inode + 1, MountNS: 5, Deleted: true}, true},
		{telemetry.Object{ID: 2, Path: self, Inode: inode, MountNS: 5}, false},
		{telemetry.Object{ID: 2, Path: self, Inode: inode, MountNS: 5, Deleted: true}, false},
		{telemetry.Object{ID: 1, Path: "/no/such", Inode: inode, MountNS: 5}, false},
	} {
		if got := s.isHosts(fs, &c.o); got != c.want {
			t.Errorf("%+v: %v", c.o, got)
		}
	}
}

// An executable that was deleted, or replaced by an update, still runs.
func TestDeletedExecutable(t *testing.T) {
	data, err := os.ReadFile(testenv.Need(t, "cat", "coreutils"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "a name\nwith a line")
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		t.Fatal(err)
	}
	pid := start(t, exec.Command(copied))
	waiting(t, pid, filepath.Dir(copied))
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	s := collect(t)
	p := s.processes[pid]
	if p == nil || !p.Deleted || p.Exe != copied || p.Package != "" {
		t.Fatalf("%+v", p)
	}
	if !slices.ContainsFunc(p.Objects, func(id int) bool { return s.objects[id].Deleted && s.objects[id].Path == copied }) {
		t.Error("its mapping is not told as deleted")
	}
}

// Processes that come and go while they are looked at are no fault.
func TestChurn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			exec.Command("true").Run()
		}
	}()
	for range 5 {
		s := collect(t)
		if s.coverage.State != wantState() {
			t.Errorf("coverage %+v, want %s", s.coverage, wantState())
		}
	}
	cancel()
	<-done
}

func TestStopsWhenTold(t *testing.T) {
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	full := errors.New("the spool is full")
	if _, err := New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(telemetry.Record) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if coverage, err := New().Collect(t.Context(), &sensor.Host{FS: fs}, nil); err != nil || coverage.State != telemetry.NotCollected {
		t.Errorf("an image: %+v, %v", coverage, err)
	}
}

// wantState is complete, unless the kernel keeps process 1 from us: it does from
// a normal user, and from a root that has fewer capabilities than process 1.
func wantState() telemetry.State {
	if _, err := os.Readlink("/proc/1/exe"); err != nil {
		return telemetry.Partial
	}
	return telemetry.Complete
}

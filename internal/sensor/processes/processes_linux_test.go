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

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/roots/rootstest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	os.Exit(m.Run())
}

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

// A file of a package that was replaced or deleted keeps its path, and its package:
// that is how code is found that still runs after an update. A process in a container
// has the packages of the container, and a service with a mount namespace of its own
// the host's.
func TestPackagesOfMappedFiles(t *testing.T) {
	libc := ""
	files := map[string]string{"etc/os-release": "ID=made\n", "var/lib/dpkg/status": "Package: made\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"}
	tree := rootstest.Tree(t, files)
	list := "/.\n" + rootstest.Program + "\n"
	for _, path := range rootstest.Libraries(t) {
		list += path + "\n"
		if strings.HasPrefix(filepath.Base(path), "libc.so") {
			libc = path
		}
	}
	if err := os.MkdirAll(tree+"/var/lib/dpkg/info", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tree+"/var/lib/dpkg/info/made.list", []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, how := range []rootstest.How{rootstest.Pivot, rootstest.Chroot} {
		pid := rootstest.Start(t, how, tree)
		same := rootstest.Start(t, rootstest.Private, "")
		// An update: another file under the name.
		data, err := os.ReadFile(libc)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tree+"/new", data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tree+"/new", tree+libc); err != nil {
			t.Fatal(err)
		}
		s := collect(t)
		p := s.processes[pid]
		if p == nil || p.Container == "" || p.Package != "made" || p.Deleted {
			t.Errorf("%s: %+v", how, p)
			continue
		}
		var old *telemetry.Object
		for _, id := range p.Objects {
			if strings.HasSuffix(s.objects[id].Path, libc) {
				old = s.objects[id]
			}
		}
		if old == nil || !old.Deleted || old.Package != "made" {
			t.Errorf("%s: the library that was replaced: %+v", how, old)
		}
		p = s.processes[same]
		if p == nil || p.Container != "" || p.Package != "coreutils" || p.MountNS == 0 {
			t.Errorf("a service: %+v", p)
		}
		for _, id := range p.Objects {
			if o := s.objects[id]; filepath.Base(o.Path) == filepath.Base(libc) && !strings.HasPrefix(o.Package, "libc6") {
				t.Errorf("a service's library: %+v", o)
			}
		}
		if len(s.coverage.Parts) > 0 && s.coverage.State == telemetry.Complete {
			t.Errorf("%+v", s.coverage)
		}
	}
}

// TestUpgrade lets dpkg itself install a program, and upgrade it while it runs.
func TestUpgrade(t *testing.T) {
	dpkg, build := testenv.Need(t, "dpkg", "dpkg"), testenv.Need(t, "dpkg-deb", "dpkg")
	tree := rootstest.Tree(t, map[string]string{"etc/os-release": "ID=made\n", "var/lib/dpkg/info/": "", "var/lib/dpkg/updates/": "", "var/lib/dpkg/status": ""})
	install := func(version string) {
		t.Helper()
		dir := t.TempDir()
		program, err := os.ReadFile(rootstest.Program)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{
			"DEBIAN/control": "Package: made\nVersion: " + version + "\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n",
			"bin/cat":        string(program),
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		deb := filepath.Join(t.TempDir(), "made.deb")
		for _, args := range [][]string{{build, "--build", dir, deb}, {dpkg, "--root=" + tree, "--log=/dev/null", "--install", deb}} {
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
	}
	install("1")
	pid := rootstest.Start(t, rootstest.Pivot, tree)
	if p := collect(t).processes[pid]; p == nil || p.Deleted || p.Package != "made" {
		t.Errorf("before: %+v", p)
	}
	install("2")
	s := collect(t)
	p := s.processes[pid]
	if p == nil || !p.Deleted || p.Exe != rootstest.Program || p.Package != "made" {
		t.Fatalf("after: %+v", p)
	}
	if !slices.ContainsFunc(p.Objects, func(id int) bool {
		o := s.objects[id]
		return o.Deleted && o.Path == rootstest.Program && o.Package == "made"
	}) {
		t.Error("its mapping is not told as deleted")
	}
}

// That the packages of a container are not known says nothing of the host's.
func TestContainerWhosePackagesAreNotKnown(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": "ID=made\n", "var/lib/": ""}), t.TempDir()+"=var/lib")
	s := collect(t)
	if p := s.processes[pid]; p == nil || p.Package != "" {
		t.Errorf("%+v", p)
	}
	if s.coverage.State != wantState() || s.coverage.Part("containers").State != telemetry.Partial {
		t.Errorf("%+v", s.coverage)
	}
}

// Memory that is shared is mapped like a file, and is none.
func TestMemoryIsNoFile(t *testing.T) {
	fd, err := unix.MemfdCreate("jit", 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, 4096); err != nil {
		t.Fatal(err)
	}
	memory, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Munmap(memory)
	s := collect(t)
	for _, id := range s.processes[os.Getpid()].Objects {
		if o := s.objects[id]; strings.HasPrefix(o.Path, "/memfd:") {
			if o.Package != "" || !o.Deleted || o.Path != "/memfd:jit" {
				t.Errorf("%+v", o)
			}
			return
		}
	}
	t.Error("the memory is not among the mappings")
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

// TestOpenMemory maps memory that can be written and executed, which the process has
// one more of then.
func TestOpenMemory(t *testing.T) {
	before := collect(t).processes[os.Getpid()].Open
	memory, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Skip("the kernel refuses such memory:", err)
	}
	defer unix.Munmap(memory)
	if after := collect(t).processes[os.Getpid()].Open; after != before+1 {
		t.Errorf("%d before, %d after", before, after)
	}
}

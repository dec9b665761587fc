package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages/rpmtest"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/sensor/roots/rootstest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	os.Exit(m.Run())
}

const (
	release = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_CODENAME=bookworm\n"
	status  = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-2\nSource: src (1)\n\n"
	apk     = "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n"
)

// result is what the sensor told.
type result struct {
	containers map[int]*telemetry.Container // by PID
	inside     map[string][]string          // by container: what is in it
	coverage   telemetry.Coverage
	text       string
}

// collect looks at these processes only: the machine may have containers of its own.
func collect(t *testing.T, b bounds, pids ...int) result {
	t.Helper()
	r, err := collectInto(t.Context(), t, b, nil, pids...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func collectInto(ctx context.Context, t *testing.T, b bounds, happens func(telemetry.Record) error, pids ...int) (result, error) {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	p := proc.New("/proc")
	slices.Sort(pids)
	table, err := roots.Scan(t.Context(), p, fs, os.Getpid(), pids)
	if err != nil {
		t.Fatal(err)
	}
	return gather(ctx, t, b, happens, fs, table)
}

func gather(ctx context.Context, t *testing.T, b bounds, happens func(telemetry.Record) error, fs *hostfs.FS, table *roots.Table) (result, error) {
	t.Helper()
	r := result{containers: map[int]*telemetry.Container{}, inside: map[string][]string{}}
	c := &collection{containers: containers{proc.New("/proc"), b}, host: &sensor.Host{FS: fs, Live: true}, names: readNames(fs), end: time.Now().Add(b.total)}
	c.emit = func(rec telemetry.Record) error {
		line, err := json.Marshal(rec)
		if err != nil {
			t.Error(err)
		}
		r.text += string(line) + "\n"
		switch rec := rec.(type) {
		case *telemetry.Container:
			r.containers[rec.PID] = rec
		case *telemetry.Package:
			r.inside[rec.Container] = append(r.inside[rec.Container], fmt.Sprintln(rec.Manager, rec.Name, rec.Version, rec.Source, rec.SourceVersion, rec.Arch))
		case *telemetry.PackageDatabase:
			r.inside[rec.Container] = append(r.inside[rec.Container], fmt.Sprintln("database", rec.Path, rec.Packages, rec.Problem))
		case *telemetry.Library:
			r.inside[rec.Container] = append(r.inside[rec.Container], fmt.Sprintln(rec.Ecosystem, rec.Name, rec.Version, rec.Path, rec.Package))
		}
		if happens != nil {
			return happens(rec)
		}
		return nil
	}
	err := c.collect(ctx, table.Containers)
	r.coverage = c.coverage(table)
	return r, err
}

// of is what is in the container of a process.
func (r result) of(t *testing.T, pid int) string {
	t.Helper()
	c := r.containers[pid]
	if c == nil {
		t.Fatalf("no container of process %d among %v", pid, r.containers)
	}
	return strings.Join(r.inside[c.ID], "")
}

func TestContainers(t *testing.T) {
	debian := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{
		"etc/os-release": release, "var/lib/dpkg/status": status,
		"usr/lib/python3/dist-packages/x-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 1\n\n",
		"var/lib/dpkg/info/a.list":                             "/.\n/usr/lib/python3/dist-packages/x-1.dist-info/METADATA\n",
	}))
	alpine := rootstest.Start(t, rootstest.Chroot, rootstest.Tree(t, map[string]string{
		"usr/lib/os-release": "ID=alpine\nVERSION_ID=3.20.1\n", "lib/apk/db/installed": apk,
	}))
	service := rootstest.Start(t, rootstest.Private, "")
	r := collect(t, usual, debian, alpine, service, os.Getpid())

	want := "dpkg a 1-2 src 1 amd64\ndatabase /var/lib/dpkg/status 1 \nPyPI x 1 /usr/lib/python3/dist-packages/x-1.dist-info/METADATA a\n"
	if diff := cmp.Diff(want, r.of(t, debian)); diff != "" {
		t.Errorf("Debian: want -, got +\n%s", diff)
	}
	if diff := cmp.Diff("apk musl 1.2.5-r0 musl 1.2.5-r0 x86_64\ndatabase /lib/apk/db/installed 1 \n", r.of(t, alpine)); diff != "" {
		t.Errorf("Alpine: want -, got +\n%s", diff)
	}
	if len(r.containers) != 2 || r.coverage.State != telemetry.Complete {
		t.Errorf("%d containers, %+v", len(r.containers), r.coverage)
	}
	for _, p := range r.coverage.Parts {
		if p.State != telemetry.Complete {
			t.Errorf("%+v", p)
		}
	}
	c := r.containers[debian]
	if c.OS != "debian" || c.OSVersion != "12" || c.Codename != "bookworm" || c.OSName != "Debian GNU/Linux 12" || c.Problem != "" {
		t.Errorf("%+v", c)
	}
	ns, _ := proc.New("/proc").Namespace(debian, "mnt")
	if c.MountNS != ns || c.ID != fmt.Sprintf("mnt-%d", ns) || !strings.HasPrefix(r.containers[alpine].ID, "chroot-") {
		t.Errorf("%+v, %+v", c, r.containers[alpine])
	}
	if strings.Contains(r.text, "canary-5f0e") {
		t.Error("a variable of the environment is in the telemetry")
	}
}

func TestRPM(t *testing.T) {
	testenv.Need(t, "rpmbuild", "rpm")
	dir := t.TempDir()
	rpmtest.Install(t, dir+"/db", rpmtest.Build(t, dir, rpmtest.Spec(5)))
	db, err := os.ReadFile(dir + "/db/rpmdb.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{
		"etc/os-release": "ID=fedora\nVERSION_ID=40\n", "usr/lib/sysimage/rpm/rpmdb.sqlite": string(db), "var/lib/rpm": "-> ../../usr/lib/sysimage/rpm",
	}))
	r := collect(t, usual, pid)
	want := len(rpmtest.Query(t, dir+"/db"))
	if n := strings.Count(r.of(t, pid), "rpm "); n != want || r.coverage.State != telemetry.Complete {
		t.Errorf("%d packages, want %d: %+v\n%s", n, want, r.coverage, r.of(t, pid))
	}
}

// A container in a user namespace of its own is read like the others.
func TestRootless(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Rootless, rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/dpkg/status": status}))
	r := collect(t, usual, pid)
	if want := "dpkg a 1-2 src 1 amd64\ndatabase /var/lib/dpkg/status 1 \n"; r.of(t, pid) != want || r.coverage.State != telemetry.Complete {
		t.Errorf("%s, %+v", r.of(t, pid), r.coverage)
	}
}

// What a container of nothing but a program has is known; what an unknown
// distribution has is not.
func TestWithoutDatabase(t *testing.T) {
	id := strings.Repeat("0f", 32)
	bare := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, nil))
	rootstest.Group(t, bare, "cri-containerd-"+id+".scope")
	r := collect(t, usual, bare)
	if c := r.containers[bare]; c == nil || c.ID != id || c.Runtime != "containerd" || c.Problem != "" || r.coverage.State != telemetry.Complete {
		t.Errorf("%+v, %+v", c, r.coverage)
	}
	unknown := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": "ID=void\n"}))
	r = collect(t, usual, unknown)
	if c := r.containers[unknown]; c == nil || !strings.Contains(c.Problem, "no package database") || r.coverage.Part("packages").State != telemetry.Partial {
		t.Errorf("%+v, %+v", c, r.coverage)
	}
}

// TestHostile lets a container do what it can to be read wrongly, or for ever.
func TestHostile(t *testing.T) {
	shadow, err := os.ReadFile("/etc/shadow")
	if err != nil {
		t.Skip(err)
	}
	tree := rootstest.Tree(t, map[string]string{
		"etc/os-release":         "ID=" + strings.Repeat("x", 5000) + "\nPRETTY_NAME=\xff\n",
		"var/lib/dpkg/status.d/": "", "var/lib/dpkg/status.d/x": "-> /etc/shadow",
		"var/lib/dpkg/status.d/y": "-> ../../../../../../../../etc/passwd",
		"var/lib/dpkg/status.d/z": "-> /proc/1/root/etc/passwd",
		"var/lib/dpkg/status.d/k": "-> /dev/kmsg",
		"var/lib/dpkg/status.d/w": "Package: \xff\xfe\nVersion: 1\n",
		"lib/apk/db/":             "", "usr/lib/apk/db/installed": "-> installed",
		"var/lib/pacman/local/x/": "", "var/lib/rpm/": "", "loop": "-> loop",
	})
	must(t, unix.Mkfifo(filepath.Join(tree, "var/lib/dpkg/status"), 0o666))
	must(t, unix.Mkfifo(filepath.Join(tree, "var/lib/pacman/local/x/desc"), 0o666))
	must(t, os.MkdirAll(filepath.Join(tree, "dev"), 0o755))
	must(t, unix.Mknod(filepath.Join(tree, "var/lib/rpm/rpmdb.sqlite"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))) // /dev/zero
	huge, err := os.Create(filepath.Join(tree, "lib/apk/db/installed"))
	must(t, err)
	must(t, huge.Truncate(4<<30))
	huge.Close()

	pid := rootstest.Start(t, rootstest.Pivot, tree)
	r := collect(t, usual, pid)
	c := r.containers[pid]
	if c == nil || r.coverage.State != telemetry.Partial || c.Problem == "" || len(c.Problem) > 2*maxProblem || len(c.OS) > 256 {
		t.Fatalf("%+v, %+v", c, r.coverage)
	}
	for line := range strings.Lines(string(shadow)) {
		if _, hash, _ := strings.Cut(line, ":"); len(hash) > 20 && strings.Contains(r.text, strings.TrimSpace(hash)) {
			t.Error("a line of the host's shadow is in the telemetry")
		}
	}
	if strings.Contains(r.text, "root:x:0") {
		t.Errorf("the host's passwd is in the telemetry:\n%s", r.text)
	}
	for _, path := range []string{"/var/lib/dpkg/status ", "/var/lib/dpkg/status.d ", "/lib/apk/db/installed ", "/usr/lib/apk/db/installed ", "/var/lib/pacman/local ", "/var/lib/rpm/rpmdb.sqlite "} {
		inside := r.of(t, pid)
		at := strings.Index(inside, "database "+path)
		if at < 0 {
			t.Errorf("nothing is told of %s:\n%s", path, inside)
			continue
		}
		if line, _, _ := strings.Cut(inside[at:], "\n"); strings.HasSuffix(line, " ") {
			t.Errorf("no problem is told of it: %s", line)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A volume of the host's is not the container's: neither its packages nor its
// libraries are told, and that the database may be there is.
func TestVolumes(t *testing.T) {
	volume := rootstest.Tree(t, map[string]string{"dpkg/status": status, "x-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 1\n\n"})
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/": "", "srv/": "", "lib/apk/db/installed": apk}), volume+"=var/lib", volume+"=srv")
	r := collect(t, usual, pid)
	inside := r.of(t, pid)
	if strings.Contains(inside, "dpkg a 1-2") || strings.Contains(inside, "PyPI") || !strings.Contains(inside, "apk musl") {
		t.Errorf("%s", inside)
	}
	if c := r.containers[pid]; !strings.Contains(c.Problem, hostfs.ErrOtherMount.Error()) || r.coverage.Part("packages").State != telemetry.Partial {
		t.Errorf("%+v, %+v", c, r.coverage)
	}
}

// File systems that never answer, as one of a server that is gone, keep nobody
// waiting: they are not asked.
func TestSilentMounts(t *testing.T) {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		testenv.Missing(t, "/dev/fuse")
	}
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{
		"etc/os-release": release, "lib/apk/db/installed": apk, "srv/data/": "", "var/lib/dpkg/": "", "x/node_modules/y/": "",
	}), rootstest.Silent+"=srv/data", rootstest.Silent+"=var/lib/dpkg", rootstest.Silent+"=x/node_modules/y")
	r := collect(t, usual, pid)
	if inside := r.of(t, pid); !strings.Contains(inside, "apk musl") || !strings.Contains(inside, hostfs.ErrOtherMount.Error()) {
		t.Errorf("%s", inside)
	}
	if c := r.containers[pid]; r.coverage.Part("packages").State != telemetry.Partial || r.coverage.Part("libraries").State != telemetry.Complete {
		t.Errorf("%+v, %+v", c, r.coverage)
	}
}

func TestBounds(t *testing.T) {
	many := ""
	for i := range 50 {
		many += strings.Replace(status, "Package: a", fmt.Sprint("Package: a", i), 1)
	}
	files := map[string]string{"etc/os-release": release, "var/lib/dpkg/status": many}
	one, two := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files)), rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files))
	for name, change := range map[string]func(*bounds){
		"containers": func(b *bounds) { b.containers = 1 },
		"records":    func(b *bounds) { b.records = 60 },
		"each":       func(b *bounds) { b.each = 20 },
		"time":       func(b *bounds) { b.time = 0 },
		"total":      func(b *bounds) { b.total = -time.Second },
	} {
		b := usual
		change(&b)
		r := collect(t, b, one, two)
		n := 0
		for _, lines := range r.inside {
			n += len(lines)
			if len(lines) > b.each {
				t.Errorf("%s: %d records of one container", name, len(lines))
			}
		}
		if n > b.records || len(r.containers) > b.containers {
			t.Errorf("%s: %d records of %d containers", name, n, len(r.containers))
		}
		if p := r.coverage.Part("packages"); r.coverage.State != telemetry.Partial || p.State != telemetry.Partial || p.Reason == "" {
			t.Errorf("%s: %+v", name, r.coverage)
		}
	}
}

// A container that ends before it is looked into is counted; one that ends while it
// is read is read to its end.
func TestEnds(t *testing.T) {
	files := map[string]string{"etc/os-release": release, "var/lib/dpkg/status": status}
	first, second := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files)), rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files))
	killed := false
	r, err := collectInto(t.Context(), t, usual, func(rec telemetry.Record) error {
		if !killed && telemetry.Kind(rec) == telemetry.TypePackage {
			killed = true
			end(t, first)
			end(t, second)
		}
		return nil
	}, first, second)
	must(t, err)
	if want := "dpkg a 1-2 src 1 amd64\ndatabase /var/lib/dpkg/status 1 \n"; r.of(t, first) != want {
		t.Errorf("%s", r.of(t, first))
	}
	if r.containers[second] != nil || r.coverage.State != telemetry.Partial || !strings.Contains(r.coverage.Reason, "1 containers ended") {
		t.Errorf("%+v, %+v", r.containers[second], r.coverage)
	}
	if p := r.coverage.Part("libraries"); p.State != telemetry.Partial {
		t.Errorf("%+v", p)
	}
}

func end(t *testing.T, pid int) {
	t.Helper()
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	for {
		if _, err := proc.New("/proc").Root(pid); err != nil {
			return
		}
	}
}

func TestStopsWhenTold(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/dpkg/status": status}))
	full := errors.New("the spool is full")
	if _, err := collectInto(t.Context(), t, usual, func(telemetry.Record) error { return full }, pid); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := collectInto(ctx, t, usual, nil, pid); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if coverage, err := New().Collect(t.Context(), &sensor.Host{}, nil); err != nil || coverage.State != telemetry.NotCollected {
		t.Errorf("an image: %+v, %v", coverage, err)
	}
}

// TestSensor runs the sensor itself, on all processes of this machine.
func TestSensor(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/dpkg/status": status}))
	fs, err := hostfs.Open("/")
	must(t, err)
	defer fs.Close()
	var packages int
	var found bool
	// The machine may have containers of its own, and large ones.
	brief := usual
	brief.search, brief.total = time.Second, 20*time.Second
	coverage, err := containers{proc.New("/proc"), brief}.Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(rec telemetry.Record) error {
		if !telemetry.MayEmit(telemetry.SensorContainers, telemetry.Kind(rec)) {
			t.Errorf("a record of the type %s", telemetry.Kind(rec))
		}
		switch rec := rec.(type) {
		case *telemetry.Package:
			packages++
		case *telemetry.Container:
			found = found || rec.PID == pid
		}
		return nil
	})
	if err != nil || !found || packages == 0 {
		t.Errorf("%+v, %v: found %t, %d packages", coverage, err, found, packages)
	}
}

// A normal user is told that he sees no containers but his own.
func TestUnprivileged(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release}))
	fs, err := hostfs.Open("/")
	must(t, err)
	defer fs.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread is not released, and ends with its goroutine. Package syscall
		// would change all of them.
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			t.Errorf("setresuid: %v", errno)
			return
		}
		coverage, err := New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(rec telemetry.Record) error {
			if c, ok := rec.(*telemetry.Container); ok && c.PID == pid {
				t.Errorf("a container of root's was seen: %+v", c)
			}
			return nil
		})
		if err != nil || coverage.State == telemetry.Complete || !strings.Contains(coverage.Reason, "run the agent as root") {
			t.Errorf("%+v, %v", coverage, err)
		}
		for _, p := range coverage.Parts {
			if p.State != coverage.State || p.Reason == "" {
				t.Errorf("%+v", p)
			}
		}
	}()
	<-done
}

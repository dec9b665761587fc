package looks

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/processes"
	"assay/internal/sensor/programs"
	"assay/internal/sensor/roots/rootstest"
	"assay/internal/sensor/sockets"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	os.Exit(m.Run())
}

// A process between the first look and the last one is seen, with what it had mapped,
// and told to be gone; one in a container, too.
func TestProcesses(t *testing.T) {
	d := drive(t, processes.New(), NewTurn())
	d.told()
	cat := exec.Command(testenv.Need(t, "cat", "coreutils"))
	stdin, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Process.Kill(); cat.Wait() })
	for maps := ""; !strings.Contains(maps, "/cat") || !strings.Contains(maps, "libc.so"); {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(cat.Process.Pid) + "/maps")
		if err != nil {
			t.Fatal(err)
		}
		maps = string(b)
	}
	within := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": "ID=made\n"}))
	d.look()
	records := d.told()
	objects := map[int]bool{}
	for _, o := range of(records, func(*telemetry.Object) bool { return true }) {
		objects[o.ID] = true
	}
	for pid, container := range map[int]bool{cat.Process.Pid: false, within: true} {
		found := of(records, func(p *telemetry.Process) bool { return p.PID == pid })
		if len(found) != 1 || found[0].Gone || found[0].First.IsZero() || len(found[0].Objects) == 0 || (found[0].Container != "") != container {
			t.Errorf("while process %d lives: %+v", pid, found)
		}
	}
	stdin.Close()
	if err := cat.Wait(); err != nil {
		t.Fatal(err)
	}
	// It is left to be a zombie, which executes nothing any more.
	if err := unix.Kill(within, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, within, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	c := d.end()
	records = d.told()
	for _, pid := range []int{cat.Process.Pid, within} {
		found := of(records, func(p *telemetry.Process) bool { return p.PID == pid && p.Exe != "" })
		if len(found) != 1 || !found[0].Gone || found[0].Last.Before(found[0].First) || len(found[0].Objects) == 0 {
			t.Errorf("after the end of process %d: %+v", pid, found)
		}
	}
	if c.State == telemetry.Failed || c.Part("looks").State != telemetry.Partial {
		t.Errorf("%+v", c)
	}
}

// What a process has executed is told once, and that nobody has it any more.
func TestPrograms(t *testing.T) {
	testenv.NeedRoot(t)
	d := drive(t, programs.New(), NewTurn())
	d.told()
	tree := rootstest.Tree(t, map[string]string{"etc/os-release": "ID=made\n"})
	pid := rootstest.Start(t, rootstest.Pivot, tree)
	d.look()
	is := func(p *telemetry.Program) bool { return p.Path == rootstest.Program && p.Container != "" }
	found := of(d.told(), is)
	if len(found) != 1 || !found[0].Executed || found[0].ELF == nil || found[0].Gone {
		t.Errorf("while it is executed: %+v", found)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	d.end()
	if found = of(d.told(), is); len(found) != 1 || !found[0].Gone || found[0].Last.IsZero() {
		t.Errorf("after its end: %+v", found)
	}
}

// A listener that opens and closes within the run is late and gone; one that is opened
// again at the same address is another one; one that stays is confirmed at the end.
func TestListeners(t *testing.T) {
	listen := func(address string) (net.Listener, uint16) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l, uint16(l.Addr().(*net.TCPAddr).Port)
	}
	_, stays := listen("127.0.0.1:0")
	again, port := listen("127.0.0.1:0")
	d := drive(t, sockets.New(), NewTurn())
	short, between := listen("127.0.0.1:0")
	at := func(port uint16) func(*telemetry.Socket) bool {
		return func(s *telemetry.Socket) bool { return s.LocalPort == port && s.Listening() }
	}
	if found := of(d.told(), at(stays)); len(found) != 1 || found[0].Late || !found[0].Last.IsZero() {
		t.Errorf("at the first look: %+v", found)
	}
	again.Close()
	again, _ = listen(again.Addr().String())
	d.look()
	if found := of(d.told(), at(between)); len(found) != 1 || !found[0].Late || found[0].Gone || len(found[0].Owners) != 1 || found[0].Owners[0].PID != os.Getpid() {
		t.Errorf("while it is open: %+v", found)
	}
	short.Close()
	d.end()
	records := d.told()
	if found := of(records, at(between)); len(found) != 1 || !found[0].Late || !found[0].Gone {
		t.Errorf("after it was closed: %+v", found)
	}
	if found := of(records, at(stays)); len(found) != 1 || found[0].Late || found[0].Gone || found[0].Last.IsZero() {
		t.Errorf("what stays: %+v", found)
	}
	if found := of(records, at(port)); len(found) != 1 || !found[0].Late || found[0].Gone {
		t.Errorf("what was opened again: %+v", found)
	}
	again.Close()
}

// BenchmarkLooks compares a look of a series with one that is the only one.
func BenchmarkLooks(b *testing.B) {
	for _, s := range []sensor.Sensor{processes.New(), programs.New(), sockets.New()} {
		name := s.Describe().Name
		b.Run(name+"/collect", func(b *testing.B) { cost(b, once(b, s)) })
		b.Run(name+"/look", func(b *testing.B) {
			d := drive(b, s, NewTurn())
			d.told()
			cost(b, d.look)
			b.ReportMetric(float64(len(d.told()))/float64(b.N), "records/look")
			d.end()
		})
	}
}

func once(b *testing.B, s sensor.Sensor) func() {
	fs, err := hostfs.Open("/")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { fs.Close() })
	return func() {
		if _, err := s.Collect(b.Context(), &sensor.Host{FS: fs, Live: true}, func(telemetry.Record) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// cost reports the processor time of work.
func cost(b *testing.B, work func()) {
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	for b.Loop() {
		work()
	}
	b.ReportMetric(float64(used()-before)/float64(b.N)/1e6, "cpu-ms/op")
}

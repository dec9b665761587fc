//go:build linux

package activity_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/activity"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_PROBE") != "" {
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// observed is what came of the sensor, of records with one key the last.
type observed struct {
	mu      sync.Mutex
	records map[string]telemetry.Record
}

func (o *observed) emit(r telemetry.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records[telemetry.Key(r)] = r
	return nil
}

// find is the first record of which a function is true; nil if there is none.
func find[T telemetry.Record](o *observed, is func(T) bool) (found T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		if t, ok := r.(T); ok && is(t) {
			return t
		}
	}
	return found
}

// observe begins an observation; the function that it returns ends it.
func observe(t *testing.T) (*observed, func() telemetry.Coverage) {
	t.Helper()
	testenv.NeedRoot(t)
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	o := &observed{records: map[string]telemetry.Record{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan telemetry.Coverage, 1)
	go func() {
		c, err := activity.New().Observe(ctx, &sensor.Host{FS: fs, Live: true}, o.emit)
		if err != nil {
			t.Error(err)
		}
		done <- c
	}()
	t.Cleanup(func() { cancel(); fs.Close() })
	return o, func() telemetry.Coverage { cancel(); return <-done }
}

// until waits; the test's own time limit ends a wait in vain.
func until(ok func() bool) {
	for !ok() {
		time.Sleep(20 * time.Millisecond)
	}
}

func TestWhatHappens(t *testing.T) {
	o, end := observe(t)
	program := testenv.Probe(t, 0o700)
	run := func() {
		command := exec.Command(program)
		command.Env = []string{"ASSAY_PROBE=1"}
		if err := command.Run(); err != nil {
			t.Error(err)
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(program, &st); err != nil {
		t.Fatal(err)
	}
	probe := func(e *telemetry.Execution) bool { return e.Inode == st.Ino && e.Device == st.Dev }
	// The programs may not be in the kernel yet: the first sight says that they are.
	until(func() bool { run(); return find(o, probe) != nil })
	ran := find(o, probe).Count

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	const times = 5
	for range times {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		client.Close()
		server.Close()
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
		run()
	}
	until(func() bool { return find(o, func(c *telemetry.Connection) bool { return c.Port == port }) != nil })
	gone := once(t)
	c := end()
	t.Logf("%+v", c)
	if c.State != telemetry.Complete || len(c.Parts) != 5 {
		t.Errorf("%+v", c)
	}
	if e := find(o, probe); e == nil || e.Count < ran+times || e.Name != "assay-probe" || e.Path != program || e.First.IsZero() || time.Since(e.Last) > time.Minute {
		t.Errorf("%+v", e)
	}
	// It is over before anybody can look at it, and is found by its file.
	if e := find(o, func(e *telemetry.Execution) bool { return e.Name == "true" }); e == nil || e.Path != "/usr/bin/true" || e.Package != "coreutils" || e.Count < times {
		t.Errorf("%+v", e)
	}
	self2, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if f := find(o, func(c *telemetry.Connection) bool { return c.Port == port }); f == nil || f.Count != times || !f.Local || f.Remote != "127.0.0.1" || !f.Agent || f.Path != self2 {
		t.Errorf("%+v", f)
	}
	if l := find(o, func(l *telemetry.Accepting) bool { return l.Port == port }); l == nil || l.Count != times || l.Foreign != 0 || l.Listens != 1 || l.Family != 4 {
		t.Errorf("%+v", l)
	}
	// Its file is gone, too: what it was called is all that there is to tell, if the agent
	// has not had a look at it before.
	if e := find(o, func(e *telemetry.Execution) bool { return e.Path == gone }); e == nil || e.Count != 1 || !e.Root || e.Package != "" {
		t.Errorf("%+v", e)
	}
	for _, name := range []string{program, "/usr/bin/true"} {
		if p := find(o, func(p *telemetry.Program) bool { return p.Path == name }); p == nil || !p.Executed || !p.Root || p.ELF == nil || len(p.Above) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if f := find(o, func(f *telemetry.File) bool { return f.Path == filepath.Dir(program) }); f == nil || f.Kind != telemetry.Directory || f.Problem != "" {
		t.Errorf("%+v", f)
	}
	loads(t, o, c.Part("loads"))
	if w := find(o, func(*telemetry.Observation) bool { return true }); w == nil || !w.Ended.After(w.Began) || w.Executions < times || w.Tier == "" {
		t.Errorf("%+v", w)
	}
}

// once executes a program that is there for as long only, and is its path.
func once(t *testing.T) string {
	t.Helper()
	name := testenv.Probe(t, 0o700)
	command := exec.Command(name)
	command.Env = []string{"ASSAY_PROBE=1"}
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	return name
}

// Where the kernel tells what is mapped, the library of what was over in no time is among it.
func loads(t *testing.T, o *observed, c telemetry.Part) {
	l := find(o, func(l *telemetry.Load) bool { return l.By == "/usr/bin/true" && strings.Contains(l.Path, "/libc.so") })
	if c.State == telemetry.NotCollected {
		if l != nil || c.Reason == "" {
			t.Errorf("%+v, %+v", c, l)
		}
		return
	}
	if l == nil || l.Package == "" || l.Count == 0 || l.Name != "true" {
		t.Errorf("%+v", l)
	}
	if p := find(o, func(p *telemetry.Program) bool { return l != nil && p.Path == l.Path }); p == nil || !p.Mapped || !p.Root || p.ELF == nil {
		t.Errorf("%+v", p)
	}
	if own := find(o, func(l *telemetry.Load) bool { return l.Path == l.By && l.Path != "" }); own != nil {
		t.Errorf("a program's own code: %+v", own)
	}
}

// A snapshot cannot tell what happens.
func TestCollect(t *testing.T) {
	c, err := activity.New().Collect(t.Context(), &sensor.Host{Live: true}, nil)
	if err != nil || c.State != telemetry.NotCollected || c.Reason == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

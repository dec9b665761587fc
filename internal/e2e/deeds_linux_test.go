package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// hostile is the program that does what the deeds are.
const hostile = "/opt/hostile/hostile"

// hostileBuilt is the program as gcc makes it, once for all tests.
var hostileBuilt struct {
	once    sync.Once
	program []byte
	tiny    []byte // one that only ends
	err     error
}

func buildHostile(gcc string) {
	b := &hostileBuilt
	var dir string
	if dir, b.err = os.MkdirTemp("", "assay-hostile-"); b.err != nil {
		return
	}
	defer os.RemoveAll(dir)
	build := func(flags ...string) (program []byte) {
		out := filepath.Join(dir, "built")
		if b.err == nil {
			var said []byte
			if said, b.err = exec.Command(gcc, append(flags, "-w", "-static", "-o", out)...).CombinedOutput(); b.err != nil {
				os.Stderr.Write(said)
				return nil
			}
			program, b.err = os.ReadFile(out)
		}
		return program
	}
	b.program = build("-O1", "-pthread", "testdata/hostile.c")
	b.tiny = build("-nostdlib", "-s", "-Wl,--build-id=none,-N", "testdata/tiny.c")
}

// deeds has hostile programs run on a stage.
type deeds struct{ *stage }

func newDeeds(s *stage) *deeds {
	s.t.Helper()
	gcc := testenv.Need(s.t, "gcc", "gcc")
	hostileBuilt.once.Do(func() { buildHostile(gcc) })
	must(s.t, hostileBuilt.err)
	s.mount("tmpfs", filepath.Dir(hostile), "tmpfs", 0, "mode=0755,size=256m")
	s.mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755,size=16m")
	executable(s.t, s.path(hostile), hostileBuilt.program)
	executable(s.t, s.path(filepath.Dir(hostile), "tiny"), hostileBuilt.tiny)
	return &deeds{s}
}

// executable writes a program. One that is open for writing in a child of this process
// that has only forked cannot be executed: golang.org/issue/22315.
func executable(t *testing.T, name string, data []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, data, 0o755))
}

func (d *deeds) command(args ...string) *exec.Cmd { return d.as(hostile, args...) }

// as is a deed by another name of the program, in a folder of its own.
func (d *deeds) as(name string, args ...string) *exec.Cmd {
	d.t.Helper()
	cmd := d.stage.command(name, args...)
	dir, err := os.MkdirTemp(d.path(filepath.Dir(hostile)), "at-")
	must(d.t, err)
	cmd.Dir = strings.TrimPrefix(dir, d.root)
	return cmd
}

// run runs a program to its end.
func (d *deeds) run(cmd *exec.Cmd) {
	d.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Errorf("%.200q: %v\n%s", cmd.Args, err, out)
	}
}

// hold starts a program, and waits until it is ready. It ends with the test.
func (d *deeds) hold(cmd *exec.Cmd) {
	d.t.Helper()
	out, err := cmd.StdoutPipe()
	must(d.t, err)
	cmd.Stderr = os.Stderr
	must(d.t, cmd.Start())
	d.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	said := make([]byte, 6)
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "ready\n" {
		d.t.Fatalf("%.200q: it says %q, %v", cmd.Args, said, err)
	}
}

// sensors that observe, and those that look at what runs.
const observing = "system,processes,programs,sockets,network,activity,protocols"

// maxMemory is what an agent may take that observes a hostile host, in KiB: see TestHostile.
const maxMemory = 128 << 10

// observed has the agent observe in a way, and does something again and again until it
// has ended.
func (d *deeds) observed(way, how string, do func()) (records []telemetry.Record, said string) {
	d.t.Helper()
	var out bytes.Buffer
	agent := d.agent("collect", "-o", own+"/snapshot", "-sensors", observing, "-observe", how, "-observe-with", way)
	agent.Stdout, agent.Stderr = &out, &out
	must(d.t, agent.Start())
	ended := make(chan error, 1)
	go func() { ended <- agent.Wait() }()
	peak := watchMemory(agent.Process.Pid)
	for {
		do()
		select {
		case err := <-ended:
			if err != nil && !strings.Contains(out.String(), "the snapshot was written") {
				d.t.Fatalf("collect: %v\n%s", err, out.String())
			}
			most := peak()
			d.t.Logf("the agent took at most %d KiB; it says %v %s", most, err, out.String())
			if most == 0 || most > maxMemory {
				d.t.Errorf("the agent took %d KiB of memory, more than %d", most, maxMemory)
			}
			return readSnapshot(d.t, d.path(own, "snapshot")), out.String()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var highest = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// watchMemory asks the kernel again and again how much memory a process has had at most,
// in KiB: not what the program had that it was before.
func watchMemory(pid int) (peak func() int) {
	most := make(chan int, 1)
	go func() {
		n := 0
		for {
			status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
			found := highest.FindSubmatch(status)
			if err != nil || found == nil { // a zombie has none
				most <- n
				return
			}
			if exe, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); strings.HasSuffix(exe, "/assay-agent") {
				now, _ := strconv.Atoi(string(found[1]))
				n = max(n, now)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return func() int { return <-most }
}

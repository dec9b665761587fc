package groundtruth

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// observed observes while do does something, and returns all that was told. The
// observation is proven to go on before do begins.
func (s *stage) observed(ways string, do func()) []telemetry.Record {
	s.t.Helper()
	self, err := os.Executable()
	must(s.t, err)
	file := s.path("telemetry")
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envFile+"="+file, envWays+"="+ways)
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	end, err := cmd.StdinPipe()
	must(s.t, err)
	out, err := cmd.StdoutPipe()
	must(s.t, err)
	if ways == "connector" {
		s.machine.enter() // the kernel tells nobody elsewhere
	} else {
		s.here.enter()
	}
	must(s.t, cmd.Start())
	s.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	said := bufio.NewScanner(out)
	// Each sensor has looked once.
	s.wait(said, saying(telemetry.SensorSockets, s.path("far")), saying(telemetry.SensorSockets, s.path("near")),
		saying(telemetry.SensorProcesses, s.path("user")), saying(telemetry.SensorPrograms, s.path("user")))
	s.probe(said)
	do()
	must(s.t, end.Close())
	io.Copy(io.Discard, out)
	must(s.t, cmd.Wait())
	records, err := readTelemetry(file)
	must(s.t, err)
	return records
}

// wait waits until the observer has said these, in any order.
func (s *stage) wait(said *bufio.Scanner, lines ...string) {
	s.t.Helper()
	for said.Scan() {
		if lines = slices.DeleteFunc(lines, func(l string) bool { return l == said.Text() }); len(lines) == 0 {
			return
		}
		if strings.HasPrefix(said.Text(), saying(telemetry.SensorActivity, ended)) {
			s.t.Fatalf("nothing is observed: %s", said.Text())
		}
	}
	s.t.Fatalf("the observer never said %q: %v", lines, said.Err())
}

// probe executes a program again and again until the observation has told of it. It
// lives long enough for those who only look now and then; there is one at a time.
func (s *stage) probe(said *bufio.Scanner) {
	s.t.Helper()
	probe, done := s.program("probe", "short", "ms,1500"), make(chan struct{})
	ctx, stop := context.WithCancel(s.t.Context())
	defer func() { stop(); <-done }()
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			one := exec.CommandContext(ctx, probe.Path, probe.Args[1:]...)
			if err := one.Run(); err != nil && ctx.Err() == nil {
				s.t.Errorf("probe: %v", err)
				return
			}
		}
	}()
	s.wait(said, saying(telemetry.SensorActivity, probe.Path))
}

// asHost is what the service makes of the records. Connections elsewhere on this machine
// are left out: another stage may be on it, with the same clients.
func (s *stage) asHost(records []telemetry.Record) *host.Host {
	h := host.New("i-0123456789abcdef0")
	left := int64(0)
	for _, r := range records {
		if c, ok := r.(*telemetry.Connection); ok && s.place(c.NetNS) == "" {
			left++
			continue
		}
		if c, ok := r.(*telemetry.Coverage); ok && c.Sensor == telemetry.SensorActivity {
			c.Records -= left
		}
		h.Add(r)
	}
	h.Seal()
	return h
}

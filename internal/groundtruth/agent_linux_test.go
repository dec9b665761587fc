package groundtruth

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"assay/internal/rules/behavior"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// collected is observed by the agent's program, for longer than the deeds take.
func (s *stage) collected(do func()) []telemetry.Record {
	s.t.Helper()
	agent, file := s.path("assay-agent"), s.path("telemetry")
	build := exec.Command("go", "build", "-o", agent, "assay/cmd/assay-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	s.here.run(build)
	cmd := exec.Command(agent, "collect", "-o", file, "-observe", "8s", "-sensors", strings.Join(behavior.Package{}.Describe().Sensors, ","))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stderr = &said
	s.here.enter()
	must(s.t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	s.t.Cleanup(func() { cmd.Process.Kill() })
	for !observing(cmd.Process.Pid) {
		select {
		case err := <-done:
			testenv.Missing(s.t, "eBPF ("+said.String()+"; "+err.Error()+")")
		case <-time.After(20 * time.Millisecond):
		}
	}
	do()
	select {
	case <-done:
		s.t.Fatalf("the deeds took longer than the observation: %s", said.String())
	default:
	}
	// That some of this machine could not be looked at is no failure here.
	if err := <-done; err != nil && !strings.Contains(said.String(), "the snapshot was written") {
		s.t.Fatalf("%v: %s", err, said.String())
	}
	records, err := readTelemetry(file)
	must(s.t, err)
	return records
}

// observing tells whether a process has attached both of its programs in the kernel.
func observing(pid int) bool {
	files, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	links := 0
	for _, f := range files {
		if to, _ := os.Readlink(f); strings.Contains(to, "bpf_link") || strings.Contains(to, "bpf-link") {
			links++
		}
	}
	return links >= 2
}

package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/agent/gatewaytest"
	"assay/internal/sensor/catalog"
	"assay/internal/wire"
)

// BenchmarkAgent measures the real program on this host: memory while it idles
// and at its highest, processor time of a full collection and of idling.
func BenchmarkAgent(b *testing.B) {
	program := build(b)
	g := gatewaytest.New(b)
	dir := b.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, g.CA, 0o600); err != nil {
		b.Fatal(err)
	}
	args := []string{"-state", filepath.Join(dir, "state"), "-server", g.URL, "-ca", ca}
	if out, err := exec.Command(program, append([]string{"enroll", "-token", gatewaytest.Token}, args...)...).CombinedOutput(); err != nil {
		b.Fatalf("enrol: %v\n%s", err, out)
	}
	agent := exec.Command(program, "run", "-state", filepath.Join(dir, "state"))
	if err := agent.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { agent.Process.Kill(); agent.Wait() }()
	pid := agent.Process.Pid
	wait(b, func() bool { return len(g.Beats()) > 1 })
	idle := memory(b, pid, "VmRSS")

	var names []string
	for _, s := range catalog.Sensors() {
		if !s.Describe().Observes { // a run with it would go on for all of the hour
			names = append(names, s.Describe().Name)
		}
	}
	n := 0
	var cpu float64
	for b.Loop() {
		n++
		run := fmt.Sprint("0-", n)
		before := processor(b, pid)
		g.Do(func() {
			g.Orders = []any{wire.Instruction{ID: run, Action: wire.ActionOn, Run: run, Sensors: names, Until: time.Now().Add(time.Hour).UTC()}}
		})
		wait(b, func() bool { return g.Run(run).Complete != nil })
		cpu += processor(b, pid) - before
	}
	b.ReportMetric(idle, "idle-MB")
	b.ReportMetric(memory(b, pid, "VmHWM"), "peak-MB")
	b.ReportMetric(cpu/float64(n), "cpu-s/collection")

	g.Do(func() { g.Orders = nil })
	beats, before := len(g.Beats()), processor(b, pid)
	wait(b, func() bool { return len(g.Beats()) >= beats+10 })
	b.ReportMetric(memory(b, pid, "VmRSS"), "after-MB")
	b.ReportMetric((processor(b, pid)-before)/10*1000, "cpu-ms/heartbeat")
}

func wait(b *testing.B, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("the agent did not do it")
		}
	}
}

// memory reads a line of /proc/PID/status, in megabytes.
func memory(b *testing.B, pid int, name string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	b.Fatalf("/proc/%d/status has no %s", pid, name)
	return 0
}

// processor is the processor time of a process so far, in seconds (proc(5): in
// hundredths).
func processor(b *testing.B, pid int) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("read /proc/%d/stat: %v %v", pid, err1, err2)
	}
	return (user + system) / 100
}

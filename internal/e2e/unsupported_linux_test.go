package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/telemetry"
)

// TestKernelWithoutBTF has the agent observe a host whose kernel seems to have no BTF: it
// observes by lesser means, and of the kernel there is exactly one finding.
func TestKernelWithoutBTF(t *testing.T) {
	s := newStage(t)
	if _, err := os.Stat("/sys/kernel/btf"); err == nil {
		s.mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, "")
	}
	records := readSnapshot(t, s.collect("-sensors", "system,sockets,processes,activity", "-observe", "1500ms"))
	h := host.New("i-1")
	var saw *telemetry.Observation
	for _, r := range records {
		h.Add(r)
		if o, ok := r.(*telemetry.Observation); ok {
			saw = o
		}
	}
	h.Seal()
	if saw == nil || strings.HasPrefix(saw.Tier, "ebpf") || !strings.HasPrefix(saw.Unsupported, telemetry.KernelRefused+": it has no BTF") {
		t.Fatalf("%+v", saw)
	}
	t.Logf("%+v", saw)
	p := behavior.Package{}
	results, err := p.Evaluate(t.Context(), h, rules.Input{})
	must(t, err)
	findings, exclusions := rules.Derive(p.Describe(), rules.Subject{Key: []byte("k")}, results)
	if len(findings) != 1 || findings[0].Title != inspector.TitleUnsupported || len(exclusions) != 0 {
		t.Errorf("%+v, %+v", findings, exclusions)
	}
	if !slices.ContainsFunc(records, func(r telemetry.Record) bool { _, ok := r.(*telemetry.Process); return ok }) {
		t.Error("other sensors have seen nothing")
	}
}

// TestMayNotObserve has the agent run without what it needs for programs in the kernel and
// for fanotify: it observes by what is left, and the kernel is not blamed.
func TestMayNotObserve(t *testing.T) {
	s := newStage(t)
	keepOnly(t, "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_NET_ADMIN CAP_FOWNER CAP_SYS_CHROOT")
	saw, coverage := observed(t, s)
	if strings.HasPrefix(saw.Tier, "ebpf") || saw.Tier == "fanotify" || saw.Unsupported != "" || !strings.Contains(coverage.Reason, "CAP_BPF") {
		t.Errorf("%+v, %+v", saw, coverage)
	}
}

// TestUnitMayObserve has the agent run with what its unit for systemd leaves it.
func TestUnitMayObserve(t *testing.T) {
	unit, err := os.ReadFile("../../packaging/assay-agent.service")
	must(t, err)
	_, set, _ := strings.Cut(string(unit), "\nCapabilityBoundingSet=")
	set, _, _ = strings.Cut(set, "\n")
	s := newStage(t)
	keepOnly(t, set+" CAP_SYS_CHROOT") // onto the stage
	if saw, coverage := observed(t, s); !strings.HasPrefix(saw.Tier, "ebpf") {
		t.Errorf("%+v, %+v", saw, coverage)
	}
}

// observed is what the agent tells of an observation, but for what it saw.
func observed(t *testing.T, s *stage) (saw *telemetry.Observation, c *telemetry.Coverage) {
	t.Helper()
	for _, r := range readSnapshot(t, s.collect("-sensors", telemetry.SensorActivity, "-observe", "500ms")) {
		switch r := r.(type) {
		case *telemetry.Observation:
			saw = r
		case *telemetry.Coverage:
			c = r
		}
	}
	if saw == nil || c == nil {
		t.Fatal("the agent did not observe")
	}
	return saw, c
}

// keepOnly takes all other capabilities from the programs that this test's thread will
// start, for good.
func keepOnly(t *testing.T, names string) {
	t.Helper()
	numbers := map[string]uintptr{
		"CAP_DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH, "CAP_FOWNER": unix.CAP_FOWNER, "CAP_NET_ADMIN": unix.CAP_NET_ADMIN, "CAP_SYS_CHROOT": unix.CAP_SYS_CHROOT,
		"CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_BPF": unix.CAP_BPF,
	}
	kept := map[uintptr]bool{}
	for name := range strings.FieldsSeq(names) {
		number, ok := numbers[name]
		if !ok {
			t.Fatalf("the test does not know %s", name)
		}
		kept[number] = true
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if kept[c] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL { // an older kernel has fewer
			t.Fatal(err)
		}
	}
}

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

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

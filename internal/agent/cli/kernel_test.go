package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/agent"
	"assay/internal/wire"
	"assay/support"
)

// A kernel of the list is found in it, with what passed in its mode.
func TestKernelOf(t *testing.T) {
	list, err := support.Kernels()
	if err != nil || len(list.Kernels) == 0 {
		t.Fatal(list, err)
	}
	listed, modes := list.Kernels[0], map[string]string{"off": "[none] integrity confidentiality", "integrity": "none [integrity] confidentiality", "confidentiality": "none integrity [confidentiality]"}
	for _, m := range listed.Modes {
		lsm := "lockdown,capability"
		if m.BPF {
			lsm += ",bpf"
		}
		k, err := kernelOf(listed.Release, modes[m.Lockdown], lsm)
		if err != nil || !k.Listed || k.Nearest != listed.Release || !strings.Contains(k.words(), "is on the list") {
			t.Errorf("%+v, %v", k, err)
		}
		if d := cmp.Diff(m.Passed, k.Passed); d != "" {
			t.Error(d)
		}
		if len(m.Passed) > 0 && !strings.Contains(k.words(), "activity by ") {
			t.Errorf("it says %q", k.words())
		}
	}
	for _, release := range []string{"4.4.0-generic", "", "nonsense", "\n"} {
		k, err := kernelOf(release, "", "")
		if err != nil || k.Listed || k.Passed != nil || !strings.Contains(k.words(), "is not on the list") {
			t.Errorf("%+v, %v", k, err)
		}
	}
}

func TestStatusTellsTiers(t *testing.T) {
	now := time.Now()
	since := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	st := agent.Status{Tiers: []agent.Tier{
		{SensorTier: wire.SensorTier{Sensor: "activity", Tier: "ebpf/direct", Since: since, Short: []string{"loads: not\nproven"}}, Executions: 7, Connections: 8, Accepted: 9},
		{SensorTier: wire.SensorTier{Sensor: "other", Tier: "poll", Expected: true}},
		{SensorTier: wire.SensorTier{Sensor: "", Expected: true, Short: []string{"not root"}}},
	}}
	var out bytes.Buffer
	if err := printStatus(&out, statusOf{Status: &st, Kernel: kernel{Tested: "6.1 is tested"}}, now); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Activity     observes by ebpf/direct since 2026-11-26T09:00:00Z: 7 executions, 8 connections, 9 accepted\n  loads: not; proven\n",
		"Other        is expected to observe by poll when a run asks for it\n", "could not observe\n  not root\n", "Kernel       6.1 is tested\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"assay/internal/agent/hostfacts"
	"assay/support"
)

// kernel is the running kernel, and what the published list says of it.
type kernel struct {
	Release  string `json:"release"`
	Tested   string `json:"tested"` // a sentence
	Listed   bool   `json:"listed"` // this very kernel
	Nearest  string `json:"nearest,omitempty"`
	Lockdown string `json:"lockdown,omitempty"` // how it is locked down: kernel_lockdown(7)

	// Passed has what has passed the tests in the listed kernel, or in the nearest one, in
	// this kernel's mode: tiers by sensor.
	Passed map[string][]string `json:"passed,omitempty"`
}

// thisKernel asks the running kernel for its release and how it is locked down.
func thisKernel() (kernel, error) {
	read := func(name string) string {
		text, err := os.ReadFile("/sys/kernel/security/" + name)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	return kernelOf(hostfacts.Collect().Kernel, read("lockdown"), read("lsm"))
}

// kernelOf is a kernel in the list, by its release and by what the kernel says of its
// security modules (securityfs): "none [integrity] confidentiality", "lockdown,bpf".
func kernelOf(release, lockdown, lsm string) (kernel, error) {
	answer, err := support.Lookup(release)
	if err != nil {
		return kernel{}, fmt.Errorf("read the list of tested kernels: %w", err)
	}
	k := kernel{Release: release, Tested: answer.String(), Listed: answer.Standing == support.Listed}
	_, chosen, _ := strings.Cut(lockdown, "[")
	k.Lockdown, _, _ = strings.Cut(chosen, "]")
	if answer.Standing == support.NotListed {
		return k, nil
	}
	k.Nearest = answer.Kernel.Release
	mode := map[string]string{"none": "off", "integrity": "integrity", "confidentiality": "confidentiality"}[k.Lockdown]
	if m, ok := answer.Kernel.Mode(mode, slices.Contains(strings.Split(lsm, ","), "bpf")); ok {
		k.Passed = m.Passed
	}
	return k, nil
}

// words is the kernel for people.
func (k kernel) words() string {
	text := k.Tested
	var passed []string
	for _, sensor := range slices.Sorted(maps.Keys(k.Passed)) {
		passed = append(passed, sensor+" by "+strings.Join(k.Passed[sensor], ", "))
	}
	if len(passed) > 0 {
		text += "; passed with lockdown=" + k.Lockdown + ": " + strings.Join(passed, "; ")
	}
	return text
}

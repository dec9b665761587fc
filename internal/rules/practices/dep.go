package practices

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// dataExecutionPrevention is about pages that the processor refuses to execute.
//
// On x86 it takes three things. The processor's flag nx: /proc/cpuinfo lists it
// where CPUID reports it, and it goes on listing it with noexec=off, which only
// changes the page tables (arch/x86/mm/setup_nx.c). A kernel that uses 64-bit
// page table entries: x86_64, or 32-bit with CONFIG_X86_PAE, without which "NX
// cannot be enabled: non-PAE kernel". And no noexec=off on the command line, an
// option that Linux 5.19 no longer knows; noexec32=off of 64-bit kernels does the
// same for 32-bit programs (arch/x86/mm/init_64.c).
//
// On the architectures of alwaysNX the permission to execute is part of every
// page table entry, and nothing turns it off.
var dataExecutionPrevention = check{
	rule: rules.Rule{
		ID:       "dep",
		Title:    "Enable DEP",
		Finding:  "Instance <id> does not have DEP enabled",
		Severity: inspector.Medium,
		Description: "This rule helps determine whether the host's processor and kernel support data execution prevention: " +
			"without it, what an attacker writes into a program's memory can be run.",
		Recommendation: "Use a processor with the NX or XD bit, enabled in the firmware, with a 64-bit kernel or a 32-bit one with PAE, " +
			"and remove noexec=off and noexec32=off from the kernel's command line.",
	},
	evaluate: evaluateDEP,
}

// alwaysNX are the machines, as uname -m names them, whose page tables always
// tell executable pages from others.
var alwaysNX = []string{"aarch64", "armv7l", "armv8l", "riscv64", "ppc64", "ppc64le", "loongarch64"}

func evaluateDEP(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
	const remedy = "Collect the sensors system and config on the running host."
	system := h.System()
	switch {
	case !system.OK():
		return untold(fmt.Errorf("the host's system is not known: %s", system.Reason), remedy)
	case !system.Value.Live:
		return untold(fmt.Errorf("this is the image of a host: what its processor and kernel protect is not known"), "Assess the running host.")
	}
	s := system.Value
	machine := rules.Evidence{Sensor: telemetry.SensorSystem, Record: telemetry.Key(s), Found: excerpt("Linux " + s.Kernel + " on " + s.Architecture)}
	if slices.Contains(alwaysNX, s.Architecture) {
		return []rules.Result{{Verdict: rules.Passed, Reason: "On " + s.Architecture + " the kernel always keeps data from being executed.", Evidence: []rules.Evidence{machine}}}
	}
	switch s.Architecture {
	case "x86_64", "i386", "i486", "i586", "i686":
	default:
		return untold(fmt.Errorf("how %q keeps data from being executed is not known", s.Architecture), "Look at the documentation of the processor and the kernel.")
	}
	processor := h.Processor()
	if !processor.OK() {
		return untold(fmt.Errorf("the processor is not known: %s", processor.Reason), remedy)
	}
	return []rules.Result{judgeNX(h, s, processor.Value, machine)}
}

// judgeNX judges a running x86 kernel.
func judgeNX(h *host.Host, s *telemetry.System, p *telemetry.Processor, machine rules.Evidence) rules.Result {
	flag := rules.Evidence{Sensor: telemetry.SensorSystem, Record: telemetry.Key(p), File: "/proc/cpuinfo", Found: "flags with nx", Expected: "nx among the flags"}
	if len(p.Flags) == 0 {
		return untold(fmt.Errorf("the processor's flags were not collected"), "Collect the sensor system on the running host.")[0]
	}
	if !slices.Contains(p.Flags, "nx") {
		flag.Found = "flags without nx"
		return rules.Result{Verdict: rules.Failed, Reason: "The processor has no NX bit, or the firmware hides it.", Evidence: []rules.Evidence{flag, machine}}
	}
	text := h.Text(cmdline)
	if !text.OK() {
		return untold(fmt.Errorf("the kernel's command line is not known: %s", notThere(text.Reason)), "Collect the sensor config on the running host.")[0]
	}
	options := rules.Evidence{Sensor: telemetry.SensorConfig, Record: telemetry.Key(text.Value), File: cmdline, Line: 1, Found: "neither noexec=off nor noexec32=off", Expected: "neither noexec=off nor noexec32=off"}
	if off := turnedOff(text.Value.Text, s); off != "" {
		options.Found = off
		what := "The kernel's command line lets programs execute data"
		if strings.HasPrefix(off, "noexec32") {
			what += ", those of 32 bits"
		}
		return rules.Result{Verdict: rules.Failed, Reason: what + ".", Evidence: []rules.Evidence{options, machine}}
	}
	evidence := []rules.Evidence{flag, machine, options}
	if s.Architecture != "x86_64" {
		pae, with, err := pageTables(h, s)
		switch {
		case err != nil:
			return untold(err, "Collect /boot/config-"+excerpt(s.Kernel)+" with the sensor config.")[0]
		case !with:
			return rules.Result{Verdict: rules.Failed, Reason: "The kernel is one of 32 bits without PAE, which cannot use the NX bit.", Evidence: []rules.Evidence{pae, machine}}
		}
		evidence = append(evidence, pae)
	}
	return rules.Result{Verdict: rules.Passed, Reason: "The processor has the NX bit, and the kernel uses it.", Evidence: evidence}
}

func notThere(reason string) string {
	if reason == "" {
		return "there is no " + cmdline
	}
	return reason
}

// turnedOff is the option that turns the protection off, if there is one. The
// kernel takes the last of several, and looks at the beginning of the value only.
func turnedOff(line string, s *telemetry.System) string {
	var all, narrow string
	for _, word := range strings.Fields(line) {
		if word == "--" {
			break
		}
		switch {
		case strings.HasPrefix(word, "noexec=on"):
			all = ""
		case strings.HasPrefix(word, "noexec=off"):
			all = word
		case strings.HasPrefix(word, "noexec32=on"):
			narrow = ""
		case strings.HasPrefix(word, "noexec32=off") && s.Architecture == "x86_64":
			narrow = word
		}
	}
	if all != "" && before(s.Kernel, []int{5, 19}) {
		return all
	}
	return narrow
}

// pageTables tells whether a 32-bit kernel was built with PAE: by its release as
// distributions name it, else by its configuration.
func pageTables(h *host.Host, s *telemetry.System) (rules.Evidence, bool, error) {
	if strings.HasSuffix(strings.ToLower(s.Kernel), "pae") {
		return rules.Evidence{Sensor: telemetry.SensorSystem, Record: telemetry.Key(s), Found: excerpt(s.Kernel), Expected: "a kernel with PAE"}, true, nil
	}
	name := "/boot/config-" + s.Kernel
	config := h.Text(name)
	if !config.OK() || config.Value.Truncated {
		return rules.Evidence{}, false, fmt.Errorf("whether the 32-bit kernel %s was built with PAE is not known", excerpt(s.Kernel))
	}
	e := rules.Evidence{Sensor: telemetry.SensorConfig, Record: telemetry.Key(config.Value), File: name, Found: "no CONFIG_X86_PAE=y", Expected: "CONFIG_X86_PAE=y"}
	number := 0
	for line := range strings.Lines(config.Value.Text) {
		number++
		if strings.TrimSpace(line) == "CONFIG_X86_PAE=y" {
			e.Line, e.Found = number, "CONFIG_X86_PAE=y"
			return e, true, nil
		}
	}
	return e, false, nil
}

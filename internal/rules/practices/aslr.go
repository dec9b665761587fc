package practices

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/sysctl"
	"assay/internal/telemetry"
)

const (
	randomize = "kernel.randomize_va_space"
	cmdline   = "/proc/cmdline"
)

// addressSpaceRandomization is about the running kernel's
// kernel.randomize_va_space: 2 places stack, libraries, mappings and heap at
// random, 1 leaves the heap out, 0 (also "norandmaps" on the command line) turns
// it off. Of an image only the configuration can be seen: one that sets less
// than 2 fails; one that does not says nothing about the value at run time.
var addressSpaceRandomization = check{
	rule: rules.Rule{
		ID:       "aslr",
		Title:    "Enable ASLR",
		Finding:  "Instance <id> does not have ASLR enabled",
		Severity: inspector.Medium,
		Description: "This rule helps determine whether address space layout randomization is enabled on the host: " +
			"without it, memory errors of programs are easier to exploit.",
		Recommendation: "Run sysctl -w kernel.randomize_va_space=2, set it in a file of /etc/sysctl.d, and remove norandmaps from the kernel's command line.",
	},
	evaluate: evaluateASLR,
}

func evaluateASLR(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
	p := h.Parameter(randomize)
	system := h.System()
	switch {
	case p.OK():
		return []rules.Result{judgeRandomization(h, p.Value)}
	case system.OK() && !system.Value.Live:
		return configuredRandomization(h)
	case p.Presence == host.Absent:
		return untold(fmt.Errorf("the running kernel has no %s", randomize), "Look at the kernel's documentation, or run one that has the parameter.")
	}
	return untold(fmt.Errorf("%s of the running kernel was not collected: %s", randomize, p.Reason), "Collect the sensor kernel on the running host.")
}

func judgeRandomization(h *host.Host, p *telemetry.KernelParameter) rules.Result {
	value := strings.TrimSpace(p.Value)
	r := rules.Result{Verdict: rules.Failed, Evidence: []rules.Evidence{{
		Sensor: telemetry.SensorKernel, Record: telemetry.Key(p), File: "/proc/sys/kernel/randomize_va_space",
		Found: excerpt(randomize + " = " + value), Expected: randomize + " = 2",
	}}}
	switch value {
	case "2":
		r.Verdict, r.Reason = rules.Passed, "The kernel places all parts of a program's memory at random."
		return r
	case "0":
		r.Reason = "The kernel does not place programs in memory at random."
	case "1":
		r.Reason = "The kernel does not place the heap of programs at random."
	default:
		return untold(fmt.Errorf("%s is %q, which is no value that is known", randomize, excerpt(value)), "Look at the kernel's documentation.")[0]
	}
	if e, ok := bootOption(h, "norandmaps"); ok {
		r.Evidence = append(r.Evidence, e)
	}
	return r
}

// bootOption finds an option on the running kernel's command line.
func bootOption(h *host.Host, option string) (rules.Evidence, bool) {
	text := h.Text(cmdline)
	if !text.OK() {
		return rules.Evidence{}, false
	}
	for _, word := range strings.Fields(text.Value.Text) {
		if word == option {
			return rules.Evidence{Sensor: telemetry.SensorConfig, Record: telemetry.Key(text.Value), File: cmdline, Line: 1, Found: word, Expected: "no " + option}, true
		}
		if word == "--" { // what follows is for init
			break
		}
	}
	return rules.Evidence{}, false
}

// configuredRandomization judges an image by its sysctl.d.
func configuredRandomization(h *host.Host) []rules.Result {
	const wait = "Assess the running host: only its kernel tells the value in force."
	var files []sysctl.File
	for _, folder := range sysctl.Folders {
		all := h.Texts(folder + "/*.conf")
		if !all.Complete {
			return untold(fmt.Errorf("%s was not collected: %s", folder, all.Reason), wait)
		}
		for _, t := range all.Values {
			files = append(files, sysctl.File{Path: t.Path, Text: t.Text})
		}
	}
	conf := h.Text(sysctl.Conf)
	if conf.OK() {
		files = append(files, sysctl.File{Path: sysctl.Conf, Text: conf.Value.Text})
	}
	system := h.System()
	alone := system.OK() && host.FamilyOf(system.Value) == host.FamilyAlpine
	if alone && conf.Presence == host.NotCollected {
		return untold(fmt.Errorf("%s was not collected: %s", sysctl.Conf, conf.Reason), wait)
	}
	e, found := sysctl.Lookup(sysctl.Order(files, alone), randomize)
	value, err := strconv.Atoi(e.Value)
	if !found || err != nil || value >= 2 {
		return untold(fmt.Errorf("this is the image of a host, and its configuration does not turn randomization off; the value in force is not known"), wait)
	}
	return []rules.Result{{Verdict: rules.Failed, Reason: "The configuration turns off that programs are placed in memory at random.",
		Evidence: []rules.Evidence{{Sensor: telemetry.SensorConfig, Record: "text:" + e.File, File: e.File, Line: e.Line, Found: excerpt(e.Text), Expected: randomize + " = 2"}}}}
}

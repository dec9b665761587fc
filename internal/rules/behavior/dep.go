package behavior

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// dataExecution is about programs whose data can be executed: by what their files ask
// for, and by what processes have mapped. Of a file that has no PT_GNU_STACK the
// kernel and the C library decide by architecture (arch/x86/include/asm/elf.h; glibc's
// stackinfo.h): on arm64 its stack is not executable. Programs of Go have stacks of
// their own, which never are.
//
// Engines that compile at run time (JavaScript, Java, regular expressions) map memory
// both writable and executable on purpose; better ones switch between the two. That is
// told as well, because an attacker can use such memory whoever has made it, but with
// a lower severity: it is rarely in the operator's hand.
var dataExecution = check{
	rule: rules.Rule{
		ID: "software-without-dep", Title: "Software without DEP", Severity: inspector.Medium,
		Finding: "Instance <id> runs software without data execution prevention (DEP)",
		Description: "This rule detects the presence of third-party software that is compiled without support for data execution prevention (DEP). " +
			"DEP prevents that an attacker who can write to a program's stack or heap has it executed there.",
		Recommendation: "Update the software, or ask its vendor for a build with DEP. A file whose mark alone is wrong can be corrected (execstack -c, patchelf --clear-execstack).",
	},
	evaluate: evaluateDEP,
}

const emAArch64 = 183 // elf.h

func evaluateDEP(h *host.Host) answer {
	a := answer{passed: "No program or library that is in use asks for executable data, and no process has memory that is both writable and executable.", remedy: "Assess the host again, with its agent run as root."}
	programs, processes := h.Programs(), h.Processes()
	a.gap(programs.Complete, programs.Reason)
	a.gap(processes.Complete, processes.Reason)
	for _, p := range programs.Values {
		if p.ELF == nil {
			if p.Problem != "" {
				a.gap(false, fmt.Sprintf("%s was not read: %s", p.Path, p.Problem))
			}
			continue
		}
		why := executable(p.ELF)
		if why == "" {
			a.saw(programEvidence(p, "stack "+p.ELF.Stack, ""))
			continue
		}
		f := a.fail(within(p.Container, p.Path))
		f.reason = fmt.Sprintf("%s %s.", owned(p.Path, p.Package), why)
		f.add(programEvidence(p, why, "data that is not executable"))
		f.attributes = []inspector.Attribute{
			{Key: "EXECUTABLE", Value: p.Path}, {Key: "package_name", Value: strings.ToLower(p.Package)}, {Key: "CONTAINER", Value: p.Container},
		}
	}
	open(h.SeenProcesses().Values, &a)
	return a
}

// executable says what of a file's data can be executed; empty: nothing.
func executable(e *telemetry.ELF) string {
	switch {
	case e.Go || e.Kind == "other":
		return ""
	case e.Stack == "executable":
		return "asks for an executable stack (PT_GNU_STACK)"
	case e.Stack == "missing" && e.Machine != emAArch64:
		return "does not say that its stack need not be executable (it has no PT_GNU_STACK)"
	case e.Writable:
		return "has a segment that is both writable and executable"
	}
	return ""
}

// open is about processes with memory that is both writable and executable. Those of
// programs that ask for it are told already.
func open(processes []*telemetry.Process, a *answer) {
	for _, p := range processes {
		if p.Open == 0 || a.failed[within(p.Container, p.Exe)] != nil {
			continue
		}
		f := a.fail(within(p.Container, p.Exe) + " memory")
		f.severity = inspector.Low
		f.reason = fmt.Sprintf("%s runs with memory that is both writable and executable. Engines that compile at run time (JavaScript, Java, regular expressions) do that on purpose; other programs should not.", owned(p.Exe, p.Package))
		f.evidence = append(f.evidence, rules.Evidence{
			Sensor: telemetry.SensorProcesses, Record: telemetry.Key(p), File: p.Exe, Expected: "none",
			Found: fmt.Sprintf("process %d (%s), uid %d; mappings both writable and executable: %d", p.PID, p.Name, p.UID, p.Open) + when(p.Gone, false, p.Seen),
		})
		f.attributes = []inspector.Attribute{
			{Key: "EXECUTABLE", Value: p.Exe}, {Key: "PROCESS_NAME", Value: p.Name}, {Key: "package_name", Value: strings.ToLower(p.Package)}, {Key: "CONTAINER", Value: p.Container},
		}
	}
}

func programEvidence(p *telemetry.Program, found, expected string) rules.Evidence {
	var how []string
	if p.Executed {
		how = append(how, "executed")
	}
	if p.Mapped {
		how = append(how, "mapped")
	}
	if p.Deleted {
		how = append(how, "gone from disk")
	}
	if p.Container != "" {
		how = append(how, fmt.Sprintf("in container %.12s", p.Container))
	}
	words := strings.Join(slices.Concat([]string{owned(p.Path, p.Package)}, how), ", ") + when(p.Gone, false, p.Seen)
	return rules.Evidence{Sensor: cmp.Or(p.Sensor, telemetry.SensorPrograms), Record: telemetry.Key(p), File: p.Path, Found: words + ": " + found, Expected: expected}
}

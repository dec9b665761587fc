package system

import (
	"errors"
	"slices"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// maxCPUInfo holds some 4,000 processors.
const maxCPUInfo = 16 << 20

func processor(host *hostfs.FS) (*telemetry.Processor, error) {
	data, more, err := host.ReadFile("/proc/cpuinfo", maxCPUInfo)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, errors.New("/proc/cpuinfo is larger than 16 MiB")
	}
	return parseCPUInfo(string(data))
}

// parseCPUInfo parses /proc/cpuinfo: a block of "name : value" for each
// processor. A flag counts only if every processor has it.
func parseCPUInfo(text string) (*telemetry.Processor, error) {
	p := &telemetry.Processor{}
	var flags []string
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "processor":
			p.Count++
		case "vendor_id", "CPU implementer":
			p.Vendor = value
		case "model name", "cpu model", "cpu":
			p.Model = value
		case "flags", "Features", "features", "isa":
			flags = common(flags, strings.Fields(value))
		}
	}
	// IBM Z numbers its processors in another form: "processor 0: version = ...".
	if p.Count == 0 {
		p.Count = strings.Count("\n"+text, "\nprocessor ")
	}
	if p.Count == 0 {
		return nil, errors.New("/proc/cpuinfo names no processor")
	}
	p.Flags = flags
	return p, nil
}

// common are the flags in both lists; of the first processor, its own.
func common(before, now []string) []string {
	if before == nil {
		return now
	}
	if slices.Equal(before, now) {
		return before
	}
	has := map[string]bool{}
	for _, f := range now {
		has[f] = true
	}
	return slices.DeleteFunc(before, func(f string) bool { return !has[f] })
}

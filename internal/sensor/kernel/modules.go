package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

const (
	modulesFile     = "/proc/modules"
	maxModulesBytes = 4 << 20 // some 40,000 modules
)

func collectModules(host *hostfs.FS, emit sensor.Emit) (telemetry.Coverage, error) {
	data, more, err := host.ReadFile(modulesFile, maxModulesBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A kernel without loadable modules has no such file, and no module.
		return telemetry.Coverage{State: telemetry.Complete}, nil
	case errors.Is(err, fs.ErrPermission):
		return telemetry.Coverage{State: telemetry.Denied, Reason: err.Error()}, nil
	case err != nil:
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	modules, missing := parseModules(string(data))
	if more {
		missing = append(missing, fmt.Sprintf("%s is larger than %d bytes", modulesFile, maxModulesBytes))
	}
	for _, m := range modules {
		if err := emit(m); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return sensor.Covered(missing), nil
}

// parseModules parses lines like "ext4 983040 1 - Live 0x0000000000000000". The
// address is left out: it would tell where the kernel is.
func parseModules(text string) (modules []*telemetry.KernelModule, missing []string) {
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var size int64
		var err error
		if len(f) > 1 {
			size, err = strconv.ParseInt(f[1], 10, 64)
		}
		if len(f) < 2 || err != nil {
			missing = append(missing, fmt.Sprintf("%s, line %d, is not a module", modulesFile, number+1))
			continue
		}
		m := &telemetry.KernelModule{Name: f[0], Size: size}
		if len(f) > 4 {
			m.State = strings.ToLower(f[4])
		}
		modules = append(modules, m)
	}
	return modules, missing
}

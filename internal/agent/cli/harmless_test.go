package cli

import (
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/catalog"
	"assay/internal/telemetry"
)

// TestHostileNames: files that any user can name neither rule the terminal of who runs
// the agent nor write lines of their own.
func TestHostileNames(t *testing.T) {
	all := catalog.Sensors()
	if len(all) == 0 {
		t.Skip("there are no sensors on this system")
	}
	err := incomplete([]sensor.Sensor{all[0]}, []telemetry.Coverage{{State: telemetry.Partial, Reason: "/home/eve/\x1b[2J\u202e\x9b\u0085x\n  packages: complete: permission denied"}}, true)
	got := harmless(err.Error())
	if strings.ContainsAny(got, "\x1b\u202e\u009b\u0085") || strings.Count(got, "\n") != 1 || !strings.Contains(got, "permission denied") {
		t.Errorf("%q", got)
	}
}

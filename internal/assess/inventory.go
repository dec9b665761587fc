package assess

import (
	"context"
	"errors"
	"time"

	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/store"
	"assay/internal/telemetry"
)

// HostInventory is the software of a host, as its telemetry in one run tells.
type HostInventory struct {
	Hostname    string
	Run         string    // the id
	CollectedAt time.Time // by the host's clock; zero if the telemetry does not tell
	Inventory   inventory.Inventory
}

// Inventory is the software of an agent's host by its telemetry in a run; empty: the
// newest that is still there. It reads all of the host's telemetry into memory.
func (s *Service) Inventory(ctx context.Context, agent, run string) (HostInventory, error) {
	if run == "" {
		stored, err := s.newestTelemetry(ctx, &s.Store.Reader, []string{agent}, []string{telemetry.SensorPackages})
		if err != nil {
			return HostInventory{}, err
		}
		newest := stored[agent]
		if newest.Usable != store.Usable {
			return HostInventory{}, noTelemetry(agent, unusable(newest))
		}
		run = newest.Run.ID
	}
	part, ok, err := s.Store.RunAgent(ctx, run, agent)
	if err != nil {
		return HostInventory{}, err
	}
	if !ok {
		return HostInventory{}, noTelemetry(agent, "it was not in the run "+run)
	}
	seen, err := s.read(ctx, part, inventory.Sensors())
	if bad := (*damage)(nil); errors.As(err, &bad) {
		return HostInventory{}, noTelemetry(agent, bad.reason)
	}
	if err != nil {
		return HostInventory{}, err
	}
	out := HostInventory{Run: run, Inventory: inventory.Of(seen.host)}
	if system := seen.host.System(); system.OK() {
		out.Hostname, out.CollectedAt = system.Value.Hostname, system.Value.CollectedAt
	}
	return out, nil
}

// noTelemetry says that there is nothing to read, and what to do about it.
func noTelemetry(agent, why string) error {
	return inspector.Errorf(inspector.NoSuchEntity, "TELEMETRY_DOES_NOT_EXIST",
		"there is no telemetry of the agent %s to read: %s. Assess the host with a rules package that looks at packages (assay assess), or collect a snapshot on it (assay-agent collect -o FILE, then assay sbom -snapshot FILE)", agent, why)
}

// Package config is the sensor of configuration texts. It reads the files of a
// published allow-list, redacts secrets in them (package redact), and leaves
// everything else alone: what is not on the list cannot leave the host.
//
// A symbolic link is followed if what it leads to is on the list as well, or is
// /dev/null, by which systemd and others are told to ignore a file. A link that
// leads elsewhere is reported with that as its problem. It is the file at the
// path that was judged which is read, even if links change meanwhile.
package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/sensor"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// Bounds of one snapshot. Beyond them the coverage is partial.
const (
	maxText    = 1 << 20 // of a file, the rest is cut off
	maxFiles   = 20_000
	maxBytes   = 64 << 20 // of all texts
	maxEntries = 10_000   // of a folder
	maxDepth   = 8        // of folders below a "**"
)

type config struct{}

// New returns the sensor.
func New() sensor.Sensor { return config{} }

func (config) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorConfig,
		Summary: "Text of configuration files, at most 1 MiB of each, secrets in it replaced by " + telemetry.RedactedMarker + ".",
		Reads:   slices.Concat(scope, liveScope),
		Never:   never,
	}
}

func (config) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	mounts, err := mountinfo.ForRoot(host.FS)
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: "what is mounted is not known: " + err.Error()}, nil
	}
	c := &collection{ctx: ctx, fs: host.FS, emit: emit, away: mounts.Away, only: host.Only,
		allowed: scope, folders: map[string]*folder{}, seen: map[string]bool{}}
	if host.Live {
		c.allowed = slices.Concat(scope, liveScope)
	}
	wanted := c.wanted()
	for _, pattern := range wanted {
		if err := c.expand("/", elements(pattern)); err != nil {
			return telemetry.Coverage{}, err
		}
		if c.full != "" {
			break
		}
	}
	coverage := telemetry.Coverage{State: telemetry.Complete, Bytes: c.bytes}
	if c.full != "" {
		coverage.State, coverage.Reason = telemetry.Partial, c.full
	}
	coverage.Scope = telemetry.Narrow(wanted, host.Only)
	return coverage, nil
}

// wanted are the patterns that are looked for on this host. Where /lib is a link
// to /usr/lib, units below it are those below /usr/lib, collected once: a rule
// that asks for /lib/systemd is told that it is outside the scope.
func (c *collection) wanted() []string {
	real, err := c.fs.Follow("/lib", c.away)
	if err != nil || real == "/lib" {
		return c.allowed
	}
	return slices.DeleteFunc(slices.Clone(c.allowed), func(p string) bool { return strings.HasPrefix(p, "/lib/systemd/") })
}

func elements(pattern string) []string { return strings.Split(strings.Trim(pattern, "/"), "/") }

// permitted is the objection to reading the file at a path without links.
func (c *collection) permitted(real string) error {
	switch {
	case telemetry.InScope(never, real):
		return fmt.Errorf("%s is never read: by its name it may hold secrets", real)
	case !telemetry.InScope(c.allowed, real):
		return fmt.Errorf("leads to %s, which is outside of what is read", real)
	}
	return nil
}

package assess

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay/internal/inspector"
	"assay/internal/wire"
)

// Bounds of what an agent may say of its host. What is beyond them is cut off:
// a heartbeat is not refused for the sake of a long host name.
const (
	maxFact      = 255
	maxProblem   = 500
	maxAddresses = 64
	maxSensors   = 64
	maxTiers     = 8
	maxShort     = 8   // texts of a tier
	maxShortText = 320 // bytes of one
	maxProblems  = 16
)

// applyFacts puts what an agent says of its host into its row.
func applyFacts(a *inspector.Agent, f wire.HostFacts, version string) {
	a.Hostname = clean(f.Hostname, maxFact)
	a.OS = clean(f.OSName, maxFact)
	a.Platform = clean(f.OS, 32)
	if a.OS == "" {
		a.OS = a.Platform
	}
	a.Kernel = clean(f.Kernel, maxFact)
	a.Architecture = clean(f.Architecture, 32)
	a.Version = clean(version, 64)
	a.Addresses = addresses(f.IPv4Addresses)
}

// addresses keeps what is an IPv4 address.
func addresses(given []string) []string {
	var kept []string
	for _, s := range given {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() && len(kept) < maxAddresses {
			kept = append(kept, a.String())
		}
	}
	return kept
}

// cleanAll cleans a list; empty strings are left out.
func cleanAll(given []string, most, length int) []string {
	var kept []string
	for _, s := range given {
		if s = clean(s, length); s != "" && len(kept) < most {
			kept = append(kept, s)
		}
	}
	return kept
}

// clean makes a foreign string fit for a log, a table and a page: valid UTF-8,
// no control or formatting characters, at most most bytes.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut-- // a character is not cut in two
		}
		s = s[:cut]
	}
	return strings.TrimSpace(s)
}

// cleanTiers are what an agent says of the ways by which its sensors observe, within
// bounds.
func cleanTiers(given []wire.SensorTier) []inspector.SensorTier {
	var kept []inspector.SensorTier
	for _, t := range given[:min(len(given), maxTiers)] {
		kept = append(kept, inspector.SensorTier{
			Sensor: clean(t.Sensor, 64), Tier: clean(t.Tier, 64), Expected: t.Expected, Since: t.Since.UTC().Truncate(time.Second),
			Short: cleanAll(t.Short, maxShort, maxShortText),
		})
	}
	return kept
}

package inventory

import (
	"slices"
	"strings"

	"assay/internal/host"
)

// What os-release does not say, the configuration of the package manager does: which
// repositories beside the usual ones a host takes updates from.

// addRepositories adds what the host's repositories say of its system.
func addRepositories(h *host.Host, s *System) {
	switch s.ID {
	case "ubuntu":
		s.More = append(s.More, pro(aptSources(h), s.Ecosystem)...)
	case "debian":
		// Testing and unstable have the same os-release.
		if s.Release == "" && onlyUnstable(aptSources(h)) {
			s.Ecosystem, s.CPE = "Debian:sid", "cpe:/o:debian:debian_linux:sid"
		}
	case "rhel":
		s.More = append(s.More, streams(h, s.Release)...)
	}
}

// source is an entry of apt's sources.list(5).
type source struct{ uri, suite string }

// aptSources are the enabled entries, of both forms.
func aptSources(h *host.Host) []source {
	var all []source
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list"} {
		for _, t := range h.Texts(pattern).Values {
			all = append(all, listSources(t.Text)...)
		}
	}
	for _, t := range h.Texts("/etc/apt/sources.list.d/*.sources").Values {
		for _, paragraph := range strings.Split(strings.ReplaceAll(t.Text, "\r", ""), "\n\n") {
			all = append(all, deb822Sources(paragraph)...)
		}
	}
	return all
}

// listSources reads the form of a line: "deb [options] uri suite component...".
func listSources(text string) (all []source) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if words := strings.Fields(rest); len(words) >= 2 {
			all = append(all, source{words[0], words[1]})
		}
	}
	return all
}

// deb822Sources reads a paragraph: URIs and Suites, each with those of the other.
func deb822Sources(paragraph string) (all []source) {
	fields := map[string]string{}
	name := ""
	for line := range strings.Lines(paragraph) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			fields[name] += line
		default:
			key, value, _ := strings.Cut(line, ":")
			name = strings.ToLower(strings.TrimSpace(key))
			fields[name] = value
		}
	}
	if strings.EqualFold(strings.TrimSpace(fields["enabled"]), "no") || !slices.Contains(strings.Fields(fields["types"]), "deb") {
		return nil
	}
	for _, uri := range strings.Fields(fields["uris"]) {
		for _, suite := range strings.Fields(fields["suites"]) {
			all = append(all, source{uri, suite})
		}
	}
	return all
}

// proServices are the repositories of Ubuntu Pro that OSV has ecosystems for
// (https://documentation.ubuntu.com/pro-client/), and what those are called.
var proServices = []struct{ path, name string }{
	{"/infra/ubuntu", "Pro"},
	{"/infra-legacy/ubuntu", "Pro"},
	{"/apps/ubuntu", "Pro"},
	{"/fips/ubuntu", "Pro:FIPS"},
	{"/fips-updates/ubuntu", "Pro:FIPS-updates"},
	{"/fips-preview/ubuntu", "Pro:FIPS-preview"},
	{"/realtime/ubuntu", "Pro:Realtime"},
}

// pro names the ecosystems of Ubuntu Pro that the host takes updates from. Its client
// writes such sources when the host is attached, and removes them when it no more is.
func pro(sources []source, ecosystem string) (more []string) {
	release, ok := strings.CutPrefix(ecosystem, "Ubuntu:")
	if !ok {
		return nil
	}
	for _, s := range sources {
		_, path, ok := strings.Cut(s.uri, "://esm.ubuntu.com")
		if !ok {
			continue
		}
		for _, service := range proServices {
			name := "Ubuntu:" + service.name + ":" + release
			if strings.TrimRight(path, "/") == service.path && !slices.Contains(more, name) {
				more = append(more, name)
			}
		}
	}
	slices.Sort(more)
	return more
}

// onlyUnstable tells whether Debian's packages come from unstable alone.
func onlyUnstable(sources []source) bool {
	unstable := false
	for _, s := range sources {
		switch s.suite {
		case "sid", "unstable":
			unstable = true
		case "testing", "forky", "testing-security", "forky-security", "duke", "duke-security":
			return false
		}
	}
	return unstable
}

// extended are the streams of updates for minor releases of RHEL, as they are in the
// ids of its repositories and in the CPEs of its advisories
// (https://access.redhat.com/support/policy/updates/errata).
var extended = []string{"eus", "aus", "tus", "e4s", "els"}

// streams names the extended streams that a host of RHEL takes updates from, by the
// repositories that subscription-manager has enabled.
func streams(h *host.Host, version string) (more []string) {
	for _, t := range h.Texts("/etc/yum.repos.d/*.repo").Values {
		for _, id := range enabledRepositories(t.Text) {
			for _, stream := range extended {
				at := version
				if stream == "els" {
					at = major(version)
				}
				name := "Red Hat:rhel_" + stream + ":" + at
				if strings.Contains(id, "-"+stream+"-") && !slices.Contains(more, name) {
					more = append(more, name)
				}
			}
		}
	}
	slices.Sort(more)
	return more
}

// enabledRepositories are the ids in a file of yum's: sections without "enabled = 0".
func enabledRepositories(text string) (ids []string) {
	id, off := "", false
	end := func() {
		if id != "" && !off {
			ids = append(ids, id)
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if section, ok := strings.CutPrefix(line, "["); ok {
			end()
			id, off = strings.TrimSuffix(section, "]"), false
		} else if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "enabled" {
			off = slices.Contains([]string{"0", "no", "false", "off"}, strings.ToLower(strings.TrimSpace(value)))
		}
	}
	end()
	return ids
}

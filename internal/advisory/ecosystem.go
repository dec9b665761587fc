package advisory

import (
	"strings"

	"assay/internal/version"
)

// Scheme is the order of an ecosystem's versions, by its name in OSV, with or
// without a release: "Debian:12", "PyPI". version.Unknown for those that we have
// no order for (CRAN, Hackage, ...): nothing can be said of a version there but
// whether it is one that an advisory lists.
//
// The names: https://ossf.github.io/osv-schema/#defined-ecosystems. "Amazon Linux"
// is ours, OSV has none.
func Scheme(ecosystem string) version.Scheme {
	family, _, _ := strings.Cut(ecosystem, ":")
	switch family {
	case "Debian", "Ubuntu", "Echo", "Raspbian":
		return version.Deb
	case "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "Amazon Linux",
		"Fedora", "Mageia", "openEuler", "Photon OS", "Azure Linux", "Oracle Linux":
		return version.RPM
	case "Alpine", "Chainguard", "Wolfi", "MinimOS", "Alpaquita", "BellSoft Hardened Containers":
		return version.APK
	case "Arch Linux":
		return version.Pacman
	case "Go":
		return version.Go
	case "npm":
		return version.NPM
	case "crates.io", "Hex", "Pub", "SwiftURL", "GitHub Actions", "Bitnami":
		return version.SemVer
	case "PyPI":
		return version.PyPI
	case "RubyGems":
		return version.RubyGems
	case "Maven":
		return version.Maven
	case "NuGet":
		return version.NuGet
	case "Packagist":
		return version.Packagist
	}
	return version.Unknown
}

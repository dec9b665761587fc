package host

import (
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// Family is a family of distributions: systems that build and configure the same
// software in the same way.
type Family string

// The families. FamilyUnknown is every other system.
const (
	FamilyUnknown Family = ""
	FamilyDebian  Family = "debian" // Debian, Ubuntu and what is made of them
	FamilyRedHat  Family = "redhat" // Red Hat Enterprise Linux, its rebuilds, Fedora, Amazon Linux
	FamilySUSE    Family = "suse"
	FamilyAlpine  Family = "alpine"
	FamilyArch    Family = "arch"
)

// families are the values of ID and ID_LIKE in os-release(5) of each family.
var families = []struct {
	family Family
	ids    []string
}{
	{FamilyDebian, []string{"debian", "ubuntu"}},
	{FamilyRedHat, []string{"rhel", "fedora", "centos", "rocky", "almalinux", "ol", "amzn"}},
	{FamilySUSE, []string{"suse", "sles", "sled", "opensuse", "opensuse-leap", "opensuse-tumbleweed"}},
	{FamilyAlpine, []string{"alpine"}},
	{FamilyArch, []string{"arch", "archarm"}},
}

// FamilyOf is the family of a system by its os-release: its own ID first, then
// what it says it is like.
func FamilyOf(s *telemetry.System) Family {
	for _, id := range append([]string{s.OS}, strings.Fields(s.OSLike)...) {
		for _, f := range families {
			if slices.Contains(f.ids, id) {
				return f.family
			}
		}
	}
	return FamilyUnknown
}

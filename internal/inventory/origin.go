package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// managers are the package managers of the ecosystems of operating systems, by their
// names without a release. All others have rpm.
var managers = map[string]string{"Debian": "dpkg", "Ubuntu": "dpkg", "Alpine": "apk", "Wolfi": "apk", "Chainguard": "apk"}

// covers tells whether a system's advisories can be about packages of a manager: they
// count versions as theirs does. The database of another manager is there where somebody
// unpacks its packages.
func (s *System) covers(manager string) bool {
	family, _, _ := strings.Cut(s.Ecosystem, ":")
	return s.Ecosystem != "" && cmp.Or(managers[family], "rpm") == manager
}

// vendors are parts of what distributions write into their own packages as the vendor
// (rpm's Vendor, dpkg's Origin), by os-release's ID, in lower case.
var vendors = map[string][]string{
	"debian": {"debian"}, "ubuntu": {"ubuntu", "canonical", "debian"},
	"rhel": {"red hat"}, "almalinux": {"almalinux"}, "rocky": {"rocky"}, "ol": {"oracle"}, "fedora": {"fedora"}, "amzn": {"amazon"},
	"sles": {"suse"}, "sles_sap": {"suse"}, "sled": {"suse"}, "opensuse-leap": {"suse"}, "opensuse-tumbleweed": {"suse"},
}

// isForeign tells whether a package says that it is of another vendor than the system.
// Many say nothing.
func (s *System) isForeign(vendor string) bool {
	own, known := vendors[s.ID]
	vendor = strings.ToLower(vendor)
	return known && vendor != "" && !slices.ContainsFunc(own, func(v string) bool { return strings.Contains(vendor, v) })
}

// addOriginGaps tells of packages that no advisory can be about, although the system
// has advisories.
func (b *builder) addOriginGaps() {
	type origin struct{ container, what string }
	counts := map[origin]int{}
	for n := range b.inv.Components {
		c := &b.inv.Components[n]
		s := b.system(c.Container)
		switch {
		case c.Kind != Package || s.Ecosystem == "":
		case c.Ecosystem == "":
			counts[origin{c.Container, "of a package manager that is not " + s.ID + "'s"}]++
		case c.Foreign:
			counts[origin{c.Container, "of another vendor (" + c.Vendor + ")"}]++
		}
	}
	told := map[string]int{}
	for _, o := range slices.SortedFunc(maps.Keys(counts), func(x, y origin) int {
		return cmp.Or(cmp.Compare(x.container, y.container), cmp.Compare(x.what, y.what))
	}) {
		if told[o.container]++; told[o.container] > maxOrigins {
			continue
		}
		b.gap(Gap{
			Container: o.container, Kind: Package,
			Reason: fmt.Sprintf("%d source packages are %s: the advisories of %s are not about them", counts[o], o.what, b.system(o.container).Ecosystem),
			Remedy: "Follow the announcements of whoever made them.",
		})
	}
}

// maxOrigins bounds the vendors that a system's gaps name.
const maxOrigins = 20

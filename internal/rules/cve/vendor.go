package cve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/inventory"
	"assay/internal/rules"
)

// vendors are words by which a distribution's packages name their vendor (rpm's Vendor,
// dpkg's Origin), by its ID in os-release(5). Debian's and Ubuntu's own seldom do.
var vendors = map[string][]string{
	"debian": {"debian"}, "ubuntu": {"ubuntu", "canonical", "debian"}, "rhel": {"red hat"}, "almalinux": {"almalinux"}, "rocky": {"rocky"},
	"fedora": {"fedora"}, "ol": {"oracle"}, "amzn": {"amazon"}, "sles": {"suse"}, "sled": {"suse"}, "sles_sap": {"suse"},
	"opensuse-leap": {"suse"}, "opensuse-tumbleweed": {"suse"},
}

// isForeign tells packages that say that they are of another vendor than the
// distribution: its advisories are not about them.
func (e *evaluation) isForeign(c *inventory.Component) bool {
	words := vendors[e.system(c.Container).ID]
	return c.Kind == inventory.Package && c.Vendor != "" && len(words) > 0 &&
		!slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(c.Vendor), w) })
}

// foreign is the result for packages of other vendors, whose advisories nobody reads:
// they were compared by their names, and that tells little.
func (e *evaluation) foreign(a area) []rules.Result {
	by := map[string][]string{}
	n := 0
	for i := range e.inventory.Components {
		c := &e.inventory.Components[i]
		if areaOf(c) == a && e.isForeign(c) {
			by[c.Vendor] = append(by[c.Vendor], c.Name)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	var texts []string
	for vendor, names := range by {
		texts = append(texts, fmt.Sprintf("%s (%s)", vendor, listed(unique(names), 10)))
	}
	slices.SortFunc(texts, cmp.Compare[string])
	return []rules.Result{{Verdict: rules.NotEvaluated, Subject: "other vendors",
		Reason: fmt.Sprintf("%s of other vendors than the distribution's, whose advisories are not about them: %s", count(n, "package"), listed(texts, 10)),
		Remedy: "Follow the announcements of these vendors."}}
}

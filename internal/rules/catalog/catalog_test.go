package catalog_test

import (
	"regexp"
	"slices"
	"testing"

	"assay/internal/advisory/index"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/catalog"
	"assay/internal/telemetry"
)

// TestDescriptions: what clients show of packages and rules is there, and ids
// are unique.
func TestDescriptions(t *testing.T) {
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	packages := map[inspector.PackageID]bool{}
	for _, p := range catalog.Packages(&index.Current{}) {
		d := p.Describe()
		if d.ID == "" || packages[d.ID] || d.Name == "" || d.Version == "" || d.Text == "" || len(d.Sensors) == 0 || len(d.Rules) == 0 {
			t.Errorf("package %q is not described, or twice", d.ID)
		}
		packages[d.ID] = true
		rules := map[string]bool{}
		for _, r := range d.Rules {
			if !id.MatchString(r.ID) || rules[r.ID] {
				t.Errorf("%s: rule %q: the id is no id, or taken", d.ID, r.ID)
			}
			if r.Title == "" || r.Severity == "" || r.Description == "" || r.Recommendation == "" {
				t.Errorf("%s: rule %q is not described: %+v", d.ID, r.ID, r)
			}
			rules[r.ID] = true
		}
	}
}

// Only who asks for first bytes has them looked at.
func TestLookAtFirstBytes(t *testing.T) {
	asked := func(packages []rules.Package) bool {
		return slices.ContainsFunc(packages, func(p rules.Package) bool {
			return slices.Contains(p.Describe().Sensors, telemetry.SensorProtocols)
		})
	}
	if asked(catalog.Packages(&index.Current{})) {
		t.Error("first bytes are looked at without being asked for")
	}
	if packages := []rules.Package{behavior.Package{}}; asked(packages) || !asked(catalog.LookAtFirstBytes(packages)) {
		t.Error("first bytes are not looked at where they are asked for, or before")
	}
}

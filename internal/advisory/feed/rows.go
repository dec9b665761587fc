package feed

import (
	"slices"
	"strings"

	"assay/internal/advisory"
)

// Rows gathers what an advisory says of packages, where it says the same once an
// architecture: that becomes one row of every architecture. A row of a single
// architecture keeps it.
type Rows struct {
	rows  []advisory.Affected
	index map[string]int
}

// NewRows is an empty one.
func NewRows() *Rows { return &Rows{index: map[string]int{}} }

// Add takes a row. Its ranges and versions tell rows apart, as all else but the
// architecture does.
func (r *Rows) Add(a advisory.Affected) {
	if a.Arch == "noarch" {
		a.Arch = ""
	}
	parts := []string{a.Ecosystem, a.Package, a.Module, string(a.Status), a.Note, string(a.Severity)}
	for _, x := range a.Ranges {
		parts = append(parts, x.Introduced, x.Fixed, x.LastAffected)
	}
	if a.Arch == "src" {
		parts = append(parts, "src")
	}
	key := strings.Join(append(parts, a.Versions...), "\x00")
	i, seen := r.index[key]
	if !seen {
		r.index[key] = len(r.rows)
		r.rows = append(r.rows, a)
	} else if r.rows[i].Arch != a.Arch {
		r.rows[i].Arch = ""
	}
}

// Affected are the rows in the order in which they first came, without those of
// source packages whose binaries are there at the same versions.
func (r *Rows) Affected() []advisory.Affected {
	type build struct{ ecosystem, module, fixed string }
	of := func(a advisory.Affected) build { return build{a.Ecosystem, a.Module, a.Ranges[0].Fixed} }
	built := map[build]bool{}
	for _, a := range r.rows {
		if a.Arch != "src" && len(a.Ranges) > 0 && a.Status == advisory.Fixed {
			built[of(a)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.rows), func(a advisory.Affected) bool {
		return a.Arch == "src" && len(a.Ranges) > 0 && a.Status == advisory.Fixed && built[of(a)]
	})
}

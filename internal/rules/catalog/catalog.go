// Package catalog is the list of the rules packages that a service evaluates: a
// package that is not on it does not exist for anyone.
package catalog

import (
	"assay/internal/rules"
	"assay/internal/rules/practices"
)

// Packages lists them, in the order in which they are shown.
func Packages() []rules.Package {
	return []rules.Package{practices.Package{}}
}

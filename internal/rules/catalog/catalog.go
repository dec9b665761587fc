// Package catalog is the list of the rules packages that a service evaluates: a
// package that is not on it does not exist for anyone.
package catalog

import (
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/cve"
	"assay/internal/rules/practices"
)

// Packages lists them, in the order in which they are shown. Vulnerabilities are told
// by the advisories that are in use when a host is evaluated.
func Packages(a cve.Advisories) []rules.Package {
	return []rules.Package{cve.New(a), practices.Package{}, behavior.Package{}}
}

// LookAtFirstBytes has the packages of a list that can look at how connections begin do so.
func LookAtFirstBytes(packages []rules.Package) []rules.Package {
	for i, p := range packages {
		if b, ok := p.(behavior.Package); ok {
			b.FirstBytes = true
			packages[i] = b
		}
	}
	return packages
}

// Package version has the orders of versions: which of two versions of a package
// is the older one, exactly as the packaging system in question decides it. The
// matching of advisories rests on it: a version that is fixed is one that is not
// older than the first fixed one.
//
// Every order is allocation-free and takes versions as they stand in package
// databases and advisories; none of them knows of packages. Numbers in versions
// have no bound. What is no version of a scheme is told by Check; Compare of it is
// still an order that ends, so that a list with a bad entry can be sorted, but it
// decides nothing about vulnerabilities: check first.
package version

import "fmt"

// Scheme is a way to write and order versions.
type Scheme uint8

// The schemes.
const (
	Unknown   Scheme = iota
	Deb              // Debian, Ubuntu: deb-version(7)
	RPM              // Red Hat, SUSE, Amazon, Alma ...: epoch:version-release
	APK              // Alpine: digits, letter, suffixes, -r
	Pacman           // Arch: vercmp(8)
	SemVer           // semver.org 2.0.0; crates.io, Hex, Pub ...
	Go               // Go modules: SemVer with a "v" or "go" before it
	NPM              // npm: SemVer, maybe with a "v" before it
	PyPI             // Python: PEP 440
	RubyGems         // Gem::Version
	Maven            // org.apache.maven.artifact.versioning.ComparableVersion
	NuGet            // .NET: NuGet.Versioning, SemVer with up to four numbers
	Packagist        // PHP: composer/semver
)

// order is what a scheme is made of.
type order struct {
	name    string
	compare func(a, b string) int
	check   func(v string) string // what is wrong; empty if nothing is
}

var orders = [...]order{
	Unknown:   {"unknown", compareBytes, func(string) string { return "there is no order for it" }},
	Deb:       {"deb", compareDeb, checkDeb},
	RPM:       {"rpm", compareRPM, checkRPM},
	APK:       {"apk", compareAPK, checkAPK},
	Pacman:    {"pacman", comparePacman, checkPacman},
	SemVer:    {"semver", compareSemVer, checkSemVer},
	Go:        {"go", compareSemVer, checkSemVer},
	NPM:       {"npm", compareSemVer, checkSemVer},
	PyPI:      {"pypi", comparePyPI, checkPyPI},
	RubyGems:  {"gem", compareGem, checkGem},
	Maven:     {"maven", compareMaven, checkMaven},
	NuGet:     {"nuget", compareNuGet, checkNuGet},
	Packagist: {"packagist", comparePackagist, checkPackagist},
}

func (s Scheme) order() *order {
	if int(s) >= len(orders) {
		s = Unknown
	}
	return &orders[s]
}

// String is the scheme's name: "deb", "rpm", ...
func (s Scheme) String() string { return s.order().name }

// Compare is negative if a is older than b, positive if it is newer, and 0 if
// neither is. Versions that are written differently may be equal: "1.0" and "1.00".
func (s Scheme) Compare(a, b string) int { return s.order().compare(a, b) }

// Total tells whether the order is one for any three versions that Check takes: if a
// is not newer than b, and b not newer than c, then a is not newer than c. Only such
// orders can be searched in. Maven's and pacman's are none, by what their programs do.
func (s Scheme) Total() bool {
	return s != Unknown && int(s) < len(orders) && s != Maven && s != Pacman
}

// Check returns an error that says why v is no version of the scheme.
func (s Scheme) Check(v string) error {
	o := s.order()
	if why := o.check(v); why != "" {
		return fmt.Errorf("%.200q is not a version of the scheme %s: %s", v, o.name, why)
	}
	return nil
}

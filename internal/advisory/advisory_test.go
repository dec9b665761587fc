package advisory

import (
	"testing"

	"assay/internal/version"
)

func TestScheme(t *testing.T) {
	for ecosystem, want := range map[string]version.Scheme{
		"Debian:12": version.Deb, "Debian:sid": version.Deb, "Ubuntu:Pro:14.04:LTS": version.Deb, "AlmaLinux:9": version.RPM,
		"Red Hat:enterprise_linux:9::appstream": version.RPM, "openSUSE:Leap 15.6": version.RPM, "Amazon Linux:2023": version.RPM,
		"Alpine:v3.20": version.APK, "Wolfi": version.APK, "Arch Linux": version.Pacman, "Go": version.Go, "npm": version.NPM,
		"crates.io": version.SemVer, "PyPI": version.PyPI, "RubyGems": version.RubyGems, "Maven": version.Maven,
		"Maven:https://maven.google.com": version.Maven, "NuGet": version.NuGet, "Packagist": version.Packagist, "CRAN": version.Unknown, "Debianish": version.Unknown, "": version.Unknown,
	} {
		if got := Scheme(ecosystem); got != want {
			t.Errorf("%s: %s, want %s", ecosystem, got, want)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	var e Emit
	e.Skipped("a", "b", "c")
	e.Is(Edition{})
	if e.Put(Record{}) != nil || e.PutFact(Fact{}) != nil || e.PutStatement(Statement{}) != nil {
		t.Error("an error from nobody")
	}
}

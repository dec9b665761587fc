package inventory

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"assay/internal/telemetry"
)

// Package URLs: https://github.com/package-url/purl-spec.

// urlTypes are the types of the package managers.
var urlTypes = map[string]string{"dpkg": packageurl.TypeDebian, "rpm": packageurl.TypeRPM, "apk": packageurl.TypeApk, "pacman": packageurl.TypeAlpm}

// packageURL is that of a binary package; empty if it has none.
func packageURL(s *System, p *telemetry.Package) string {
	return systemURL(s, p.Manager, p.Name, p.Version, p.Arch)
}

// sourceURL is that of a component. Of dpkg it is the source package's, which
// publishers mark by the architecture "source"; others have no such mark.
func sourceURL(s *System, g group, arch string) string {
	if g.manager == "dpkg" {
		arch = "source"
	}
	return systemURL(s, g.manager, g.source, g.version, arch)
}

func systemURL(s *System, manager, name, version, arch string) string {
	kind, ok := urlTypes[manager]
	if !ok || s.ID == "" || s.Ecosystem != "" && !s.covers(manager) {
		return "" // the namespace would be wrong
	}
	q := map[string]string{"arch": arch, "distro": distro(s, manager)}
	if epoch, rest, ok := strings.Cut(version, ":"); ok && manager == "rpm" {
		q["epoch"], version = epoch, rest
	}
	return makeURL(packageurl.PackageURL{Type: kind, Namespace: namespace(s.ID), Name: name, Version: version, Qualifiers: qualifiers(q)})
}

// namespace is the vendor, as he writes it himself in VEX.
func namespace(id string) string {
	switch {
	case id == "rhel":
		return "redhat"
	case strings.HasPrefix(id, "sle"):
		return "suse"
	case strings.HasPrefix(id, "opensuse"):
		return "opensuse"
	}
	return id
}

// distro is the codename for dpkg, as in the specification's examples and in
// Ubuntu's VEX, else the id and release.
func distro(s *System, manager string) string {
	switch {
	case manager == "dpkg" && s.Codename != "":
		return s.Codename
	case s.Release == "":
		return s.ID
	}
	return s.ID + "-" + s.Release
}

// qualifiers leaves out what is empty, as the specification asks for.
func qualifiers(of map[string]string) packageurl.Qualifiers {
	var q packageurl.Qualifiers
	for _, name := range []string{"arch", "distro", "epoch"} {
		if of[name] != "" {
			q = append(q, packageurl.Qualifier{Key: name, Value: of[name]})
		}
	}
	return q
}

func makeURL(u packageurl.PackageURL) string {
	if u.Normalize() != nil {
		return ""
	}
	return u.ToString()
}

// libraryTypes are the types of the languages' ecosystems, as OSV names those.
var libraryTypes = map[string]string{
	"Go": packageurl.TypeGolang, "npm": packageurl.TypeNPM, "PyPI": packageurl.TypePyPi, "Maven": packageurl.TypeMaven,
	"RubyGems": packageurl.TypeGem, "crates.io": packageurl.TypeCargo, "Packagist": packageurl.TypeComposer,
	"NuGet": packageurl.TypeNuget, "Hex": packageurl.TypeHex, "Pub": packageurl.TypePub,
}

// libraryURL is that of a library; empty if its ecosystem has no type.
func libraryURL(ecosystem, name, version string) string {
	kind, ok := libraryTypes[ecosystem]
	if !ok {
		return ""
	}
	separator := "/"
	if ecosystem == "Maven" {
		separator = ":"
	}
	u := packageurl.PackageURL{Type: kind, Name: name, Version: version}
	if at := strings.LastIndex(name, separator); at >= 0 {
		u.Namespace, u.Name = name[:at], name[at+1:]
	}
	return makeURL(u)
}

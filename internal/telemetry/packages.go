package telemetry

// Package is one installed (or half-installed) package of a package manager.
type Package struct {
	Meta
	Manager string `json:"manager"` // "dpkg", "rpm", "apk", "pacman"
	Name    string `json:"name"`    // the binary package
	Version string `json:"version"` // as the manager compares it, epoch and revision included: "1:9.2p1-2+deb12u1"
	Arch    string `json:"arch,omitempty"`

	// The source package: dpkg's Source, the name of rpm's SOURCERPM, apk's
	// origin. Equal to Name and Version where the manager does not say.
	Source        string `json:"source"`
	SourceVersion string `json:"source_version"`

	Status     string `json:"status,omitempty"`     // dpkg: "installed", "config-files", ...; others: "installed"
	Hold       bool   `json:"hold,omitempty"`       // dpkg: the wanted action is hold
	Modularity string `json:"modularity,omitempty"` // rpm: "nodejs:18:..."
	Vendor     string `json:"vendor,omitempty"`     // rpm's Vendor, dpkg's Origin
	Installed  int64  `json:"installed,omitempty"`  // seconds since 1970, where the manager records it
	Container  string `json:"container,omitempty"`  // the id of the container that it is in; empty: the host
}

// PackageDatabase is a database of packages that was found, whether or not it
// could be read: that one was found and not read must not look like a host
// without packages.
type PackageDatabase struct {
	Meta
	Manager  string `json:"manager"`
	Path     string `json:"path"`
	Format   string `json:"format,omitempty"` // rpm: "sqlite", "ndb", "bdb"
	Packages int64  `json:"packages"`
	Skipped  int64  `json:"skipped,omitempty"` // entries that could not be read
	Problem  string `json:"problem,omitempty"`

	Container string `json:"container,omitempty"` // as Package.Container
}

func (*Package) kind() Type         { return TypePackage }
func (*PackageDatabase) kind() Type { return TypePackageDatabase }

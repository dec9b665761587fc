// Package inventory tells what software a host has, in the terms of those who
// publish about software: ecosystems, source packages, package URLs. It is a pure
// function of a host's telemetry; the rules package about vulnerabilities matches
// what it gives, and a bill of materials lists it.
package inventory

// Inventory is the software of a host, of its containers too.
type Inventory struct {
	// Systems has the host first (Container is empty), then its containers, by id.
	Systems    []System
	Components []Component
	// Gaps are what could not be told. Whoever concludes from a component's absence
	// has to look at them first.
	Gaps []Gap
}

// System is an operating system's user land: the host's, or a container's.
type System struct {
	Container string // its id; empty: the host
	Name      string // for people: "Debian GNU/Linux 12 (bookworm)"
	Image     string // of a container
	ID        string // os-release's ID: "debian"
	Release   string // "12"
	Codename  string
	// Ecosystem is OSV's name of the release, "Debian:12", for which advisories are to
	// be asked; empty where no publisher is known, and Problem says why.
	Ecosystem string
	// More are other ecosystems whose advisories count here, too: Ubuntu Pro's where
	// the host is attached. Red Hat's repositories all begin with Ecosystem.
	More    []string
	CPE     string // of the system, as statements (VEX) name it; empty if not known
	Problem string
	Remedy  string
	Kernel  string // uname -r of the running kernel; of the host only
	Record  string // the telemetry that says so
	Sensor  string
}

// Kind is what a component is.
type Kind string

// The kinds.
const (
	Package Kind = "package" // of the operating system
	Library Kind = "library" // of a programming language
)

// KernelRole is what a package of the operating system's kernel is on this host.
type KernelRole string

// The roles. A package that has nothing to do with the kernel has none.
const (
	NoKernel        KernelRole = ""
	RunningKernel   KernelRole = "running"   // the kernel that runs, or its modules
	InstalledKernel KernelRole = "installed" // a kernel that does not run
	KernelSupport   KernelRole = "support"   // built of the kernel's source, and none: headers, tools, documentation
	UnknownKernel   KernelRole = "unknown"   // it is a kernel, and which one runs is not known
)

// Component is one thing that is installed: of operating systems a source package
// in one version with the binary packages that were built of it, of programming
// languages a library in one place.
type Component struct {
	Kind      Kind
	Ecosystem string // System.Ecosystem, or the language's: "PyPI"; empty: see the system's Problem
	Container string // the id; empty: the host
	Name      string // the source package, or the library, as advisories name it
	Version   string // of the source package, epoch included; of rpm that of the binaries, by which its advisories go
	Arch      string // of the binary packages, where they have one only; as the system's tools name it
	Module    string // rpm: the modularity stream, "nodejs:18:..."
	Vendor    string // dpkg's Origin, rpm's Vendor
	Binaries  []Binary
	Kernel    KernelRole
	Runs      string // of a running kernel: its version where that is not Version, because it was updated and not started since
	Status    string // dpkg: "installed", "half-installed", ...

	// Of libraries.
	Path   string // the file that says so
	Inside string // within it: nested archives
	Owner  string // the binary package of the system that owns Path: its vendor's advisories count, not the ecosystem's
	Main   bool

	PURL string // package URL with version; empty if the ecosystem has no type

	// Where it is in the telemetry.
	Sensor, Record string
}

// Binary is an installed binary package.
type Binary struct {
	Name, Version, Arch string
	PURL                string
	Kernel              KernelRole
	Record              string // of the telemetry
}

// Gap is something that could not be told.
type Gap struct {
	Container string // which system's; empty: the host's
	Kind      Kind   // of what; empty: of everything
	Reason    string // a sentence
	Remedy    string
	Denied    bool // for want of privilege
}

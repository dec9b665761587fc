// Package inventory tells what software a host has, in the terms of those who
// publish about software: ecosystems, source packages, package URLs. It is a pure
// function of a host's telemetry; the rules package about vulnerabilities matches
// what it gives, and a bill of materials lists it.
package inventory

// Inventory is the software of a host, of its containers too.
type Inventory struct {
	// Systems has the host first (Container is empty), then its containers, by id.
	Systems    []System    `json:"systems"`
	Components []Component `json:"components"`
	// Gaps are what could not be told. Whoever concludes from a component's absence
	// has to look at them first.
	Gaps []Gap `json:"gaps"`
}

// System is an operating system's user land: the host's, or a container's.
type System struct {
	Container string `json:"container,omitempty"` // its id; empty: the host
	Name      string `json:"name"`                // for people: "Debian GNU/Linux 12 (bookworm)"
	Image     string `json:"image,omitempty"`     // of a container
	ID        string `json:"id,omitempty"`        // os-release's ID: "debian"
	Release   string `json:"release,omitempty"`   // "12"
	Codename  string `json:"codename,omitempty"`
	// Ecosystem is OSV's name of the release, "Debian:12", for which advisories are to
	// be asked; empty where no publisher is known, and Problem says why.
	Ecosystem string `json:"ecosystem,omitempty"`
	// More are other ecosystems whose advisories count here, too: Ubuntu Pro's where
	// the host is attached. Red Hat's repositories all begin with Ecosystem.
	More    []string `json:"more,omitempty"`
	CPE     string   `json:"cpe,omitempty"` // of the system, as statements (VEX) name it; empty if not known
	Problem string   `json:"problem,omitempty"`
	Remedy  string   `json:"remedy,omitempty"`
	Kernel  string   `json:"kernel,omitempty"` // uname -r of the running kernel; of the host only
	Record  string   `json:"record,omitempty"` // the telemetry that says so
	Sensor  string   `json:"sensor,omitempty"`
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
	Kind      Kind       `json:"kind"`
	Ecosystem string     `json:"ecosystem,omitempty"` // System.Ecosystem, or the language's: "PyPI"; empty: see the system's Problem, or of another package manager than the system's
	Container string     `json:"container,omitempty"` // the id; empty: the host
	Name      string     `json:"name"`                // the source package, or the library, as advisories name it
	Version   string     `json:"version"`             // of the source package, epoch included; of rpm that of the binaries, by which its advisories go
	Arch      string     `json:"arch,omitempty"`      // of the binary packages, where they have one only; as the system's tools name it
	Module    string     `json:"module,omitempty"`    // rpm: the modularity stream, "nodejs:18:..."
	Vendor    string     `json:"vendor,omitempty"`    // dpkg's Origin, rpm's Vendor
	Foreign   bool       `json:"foreign,omitempty"`   // Vendor is another than the system's, whose advisories are not about it
	Binaries  []Binary   `json:"binaries,omitempty"`
	Kernel    KernelRole `json:"kernel,omitempty"`
	Runs      string     `json:"runs,omitempty"`   // of a running kernel: its version where that is not Version, because it was updated and not started since
	Status    string     `json:"status,omitempty"` // dpkg: "installed", "half-installed", ...

	// Of libraries.
	Path   string `json:"path,omitempty"`   // the file that says so
	Inside string `json:"inside,omitempty"` // within it: nested archives
	Owner  string `json:"owner,omitempty"`  // the binary package of the system that owns Path: its vendor's advisories count, not the ecosystem's
	Main   bool   `json:"main,omitempty"`

	PURL string `json:"purl,omitempty"` // package URL with version; empty if the ecosystem has no type

	// Where it is in the telemetry.
	Sensor string `json:"sensor,omitempty"`
	Record string `json:"record,omitempty"`
}

// Binary is an installed binary package.
type Binary struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Arch    string     `json:"arch,omitempty"`
	PURL    string     `json:"purl,omitempty"`
	Kernel  KernelRole `json:"kernel,omitempty"`
	Record  string     `json:"record,omitempty"` // of the telemetry
}

// Gap is something that could not be told.
type Gap struct {
	Container string `json:"container,omitempty"` // which system's; empty: the host's
	Kind      Kind   `json:"kind"`                // of what; empty: of everything
	Sensor    string `json:"sensor,omitempty"`    // whose coverage says so; empty: it shows in what was seen
	Reason    string `json:"reason"`              // a sentence
	Remedy    string `json:"remedy,omitempty"`
	Denied    bool   `json:"denied,omitempty"` // for want of privilege
}

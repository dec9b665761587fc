package telemetry

// Library is a package of a programming language's ecosystem that was found on the
// host, or in a container that runs on it: what a program was built of, or loads.
type Library struct {
	Meta
	Ecosystem string `json:"ecosystem"`        // as OSV names it: "Go", "PyPI", "npm", "Maven", "RubyGems", "crates.io", "Packagist", "NuGet"
	Name      string `json:"name"`             // as the ecosystem's advisories name it: "golang.org/x/net", "org.apache.logging.log4j:log4j-core"
	Version   string `json:"version"`          // as the file says it; of Go modules with the "v"; empty only where there is a Digest
	Path      string `json:"path"`             // the file that says so: a program, an archive, a package's metadata
	Inside    string `json:"inside,omitempty"` // where in Path, if Path is an archive: "a.war!/WEB-INF/lib/b.jar"; empty: Path itself

	// Package is the operating system's package that owns Path, as "name" or
	// "name:arch": its vendor repairs the library under his own version numbers.
	Package   string `json:"package,omitempty"`
	Container string `json:"container,omitempty"` // the id of the container in which Path is; empty: the host

	Main   bool   `json:"main,omitempty"`   // Go, Rust: the program's own module or crate
	Digest string `json:"digest,omitempty"` // hex SHA-1 of a Java archive that does not say for certain which artifact it is
	Raw    []byte `json:"raw,omitempty"`    // Path's bytes, where they are no UTF-8
}

// Container is a container that runs on the host, and the system that it has.
type Container struct {
	Meta
	ID      string `json:"id"`             // as Process.Container has it
	Runtime string `json:"runtime"`        // "docker", "containerd", "crio", "podman", "lxc", ...; empty: not known
	Name    string `json:"name,omitempty"` // where the runtime's own files tell
	Image   string `json:"image,omitempty"`
	ImageID string `json:"image_id,omitempty"` // as the runtime has it: "sha256:...", or its digits
	MountNS uint64 `json:"mount_ns"`
	PID     int    `json:"pid"` // of a process through which its files were seen

	// From its os-release(5).
	OS        string `json:"os,omitempty"`
	OSLike    string `json:"os_like,omitempty"`
	OSVersion string `json:"os_version,omitempty"`
	OSName    string `json:"os_name,omitempty"`
	Codename  string `json:"codename,omitempty"`

	Problem string `json:"problem,omitempty"` // what could not be read of it
}

func (*Library) kind() Type   { return TypeLibrary }
func (*Container) kind() Type { return TypeContainer }

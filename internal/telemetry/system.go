package telemetry

import "time"

// System identifies the host: one record a snapshot.
type System struct {
	Meta
	Hostname string `json:"hostname,omitempty"`
	FQDN     string `json:"fqdn,omitempty"` // only what the host knows without a look-up in the network
	Live     bool   `json:"live"`           // the running system; false of a mounted disk or image

	// From os-release(5), unquoted; empty where the file does not say.
	OS        string `json:"os,omitempty"`         // ID: "debian", "rhel", "amzn", "alpine"
	OSLike    string `json:"os_like,omitempty"`    // ID_LIKE
	OSVersion string `json:"os_version,omitempty"` // VERSION_ID: "12"
	OSName    string `json:"os_name,omitempty"`    // PRETTY_NAME
	Codename  string `json:"codename,omitempty"`   // VERSION_CODENAME

	Kernel       string    `json:"kernel,omitempty"`        // uname -r
	KernelBuild  string    `json:"kernel_build,omitempty"`  // uname -v
	Architecture string    `json:"architecture,omitempty"`  // uname -m: "x86_64", "aarch64"
	Boot         string    `json:"boot,omitempty"`          // boot id
	Init         string    `json:"init,omitempty"`          // "systemd", "openrc", or the name of process 1
	Container    string    `json:"container,omitempty"`     // "docker", "lxc", ... where the host itself is one
	BootedAt     time.Time `json:"booted_at,omitzero"`      // by the host's clock
	CollectedAt  time.Time `json:"collected_at"`            // by the host's clock
	Unprivileged bool      `json:"unprivileged,omitempty"`  // the collector was not root
	InstanceType string    `json:"instance_type,omitempty"` // of a cloud, where the host's own files tell
}

// Processor is what the running kernel says of its processors.
type Processor struct {
	Meta
	Vendor string   `json:"vendor,omitempty"`
	Model  string   `json:"model,omitempty"`
	Count  int      `json:"count"`
	Flags  []string `json:"flags,omitempty"` // those that all processors have, as /proc/cpuinfo spells them
}

// KernelParameter is a value of the running kernel, by its sysctl name.
type KernelParameter struct {
	Meta
	Name  string `json:"name"` // "kernel.randomize_va_space"; slashes of /proc/sys become dots, dots become slashes (sysctl(8))
	Value string `json:"value"`
}

// KernelModule is a loaded module (/proc/modules).
type KernelModule struct {
	Meta
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	State string `json:"state,omitempty"`
}

// Mount is a line of /proc/self/mountinfo, or of /etc/fstab's reality in it:
// only running hosts have them.
type Mount struct {
	Meta
	ID           int      `json:"id"`
	Parent       int      `json:"parent"`
	Device       string   `json:"device"` // major:minor
	Root         string   `json:"root"`
	Point        string   `json:"point"`
	FileSystem   string   `json:"file_system"`
	Source       string   `json:"source,omitempty"` // credentials in it are redacted
	Options      []string `json:"options,omitempty"`
	SuperOptions []string `json:"super_options,omitempty"` // values of secrets are redacted
}

func (*System) kind() Type          { return TypeSystem }
func (*Processor) kind() Type       { return TypeProcessor }
func (*KernelParameter) kind() Type { return TypeKernelParameter }
func (*KernelModule) kind() Type    { return TypeKernelModule }
func (*Mount) kind() Type           { return TypeMount }

package telemetry

// Program is a file that a process executes or has mapped executable, or that was
// executed during an observation: what protects it, and who can change it.
type Program struct {
	Meta
	Device    uint64 `json:"device"` // identity: device, inode, mount namespace, path
	Inode     uint64 `json:"inode"`
	Path      string `json:"path"`
	MountNS   uint64 `json:"mount_ns,omitempty"` // where Path is to be read, if not the host's own
	Container string `json:"container,omitempty"`
	Package   string `json:"package,omitempty"` // that owns Path, as "name" or "name:arch"
	Deleted   bool   `json:"deleted,omitempty"`

	Executed bool `json:"executed,omitempty"` // as the program of a process
	Mapped   bool `json:"mapped,omitempty"`   // as a library, or another executable mapping
	Root     bool `json:"root,omitempty"`     // by a process with an effective uid of 0, in the host's user namespace

	UID  uint32 `json:"uid"` // of the file
	GID  uint32 `json:"gid"`
	Mode uint32 `json:"mode"` // permission bits, as in File
	ACL  []ACL  `json:"acl,omitempty"`
	// Above lists the folders that hold the file, up to the root of its mount
	// namespace; records of type File by the same sensor tell of them. Only where
	// Root is set.
	Above []string `json:"above,omitempty"`

	ELF     *ELF   `json:"elf,omitempty"`     // nil: not an ELF file, or Problem
	Problem string `json:"problem,omitempty"` // what could not be read of it

	Gone bool `json:"gone,omitempty"` // of a run that observes: a process had it at an earlier look, none at the last
	Seen
}

// ELF is what a file says of its protections; see the package sensor/elf for the
// meaning of each.
type ELF struct {
	Machine  uint16 `json:"machine"`
	Bits     int    `json:"bits"`
	Kind     string `json:"kind"`  // "executable", "pie", "shared", "other"
	Stack    string `json:"stack"` // "protected", "executable", "missing"
	RELRO    string `json:"relro"` // "none", "partial", "full"
	Writable bool   `json:"writable,omitempty"`
	TextRel  bool   `json:"text_rel,omitempty"`
	Guarded  bool   `json:"guarded,omitempty"`
	Symbols  bool   `json:"symbols,omitempty"`
	Go       bool   `json:"go,omitempty"`
	Static   bool   `json:"static,omitempty"`
}

func (*Program) kind() Type { return TypeProgram }

package telemetry

import "time"

// Process is a running process: never its arguments, its environment or what
// it holds in memory.
type Process struct {
	Meta
	PID       int    `json:"pid"`
	Parent    int    `json:"parent"`
	Name      string `json:"name"`    // comm, 15 bytes
	Started   int64  `json:"started"` // clock ticks after boot (proc(5) field 22): tells a reused PID
	UID       uint32 `json:"uid"`     // effective
	RealUID   uint32 `json:"real_uid"`
	GID       uint32 `json:"gid"`
	Exe       string `json:"exe,omitempty"`     // empty for kernel threads
	Deleted   bool   `json:"deleted,omitempty"` // Exe is gone or replaced on disk
	Package   string `json:"package,omitempty"` // that owns Exe
	Kernel    bool   `json:"kernel,omitempty"`  // a kernel thread
	Container string `json:"container,omitempty"`
	NetNS     uint64 `json:"net_ns,omitempty"`
	MountNS   uint64 `json:"mount_ns,omitempty"`
	Objects   []int  `json:"objects,omitempty"` // the executable mappings, by Object.ID
	// Open are mappings that are both writable and executable, in memory of the
	// process's own or of a file.
	Open    int    `json:"open,omitempty"`
	Gone    bool   `json:"gone,omitempty"`    // of a run that observes: seen at an earlier look, over at the last
	Problem string `json:"problem,omitempty"` // what could not be read of it
	Seen
}

// Seen says at which looks of a run that observes something was there. Both are zero
// where there was one look only.
type Seen struct {
	First time.Time `json:"seen_first,omitzero"`
	// Last is told of what is gone, and of listeners that were there at the last look of all.
	Last time.Time `json:"seen_last,omitzero"`
}

// Object is a file that at least one process has mapped executable. It is
// emitted once, before the first process that refers to it.
type Object struct {
	Meta
	ID      int    `json:"id"` // within this snapshot, or within all looks of one observation
	Path    string `json:"path"`
	Device  uint64 `json:"device"`
	Inode   uint64 `json:"inode"`
	Deleted bool   `json:"deleted,omitempty"`
	MountNS uint64 `json:"mount_ns,omitempty"` // where Path is to be read, if not the host's own
	// Package owns Path, or owns it now if the file was deleted or replaced: "name" or
	// "name:arch", of the container that the processes are in, or else the host's, of
	// which a service can have a mount namespace of its own.
	Package string `json:"package,omitempty"`
}

// Socket is a network socket of the host or of a container's namespace.
type Socket struct {
	Meta
	Protocol   string  `json:"protocol"` // "tcp", "udp"
	Family     int     `json:"family"`   // 4 or 6
	State      string  `json:"state"`    // "listen", "established", ...; "unconnected" for UDP without a peer
	Local      string  `json:"local"`
	LocalPort  uint16  `json:"local_port"`
	Remote     string  `json:"remote,omitempty"`
	RemotePort uint16  `json:"remote_port,omitempty"`
	Interface  string  `json:"interface,omitempty"` // bound to a device
	UID        uint32  `json:"uid"`
	Inode      uint64  `json:"inode,omitempty"`
	NetNS      uint64  `json:"net_ns,omitempty"`
	Owners     []Owner `json:"owners,omitempty"`
	// Of a run that observes: seen at an earlier look, closed at the last; and not there
	// at the first look.
	Gone bool `json:"gone,omitempty"`
	Late bool `json:"late,omitempty"`
	Seen
}

// Listening tells whether others can open a conversation with the socket.
func (s *Socket) Listening() bool { return s.State == "listen" || s.State == "unconnected" }

// Owner is a process that holds a socket.
type Owner struct {
	PID     int    `json:"pid"`
	Name    string `json:"name"`
	Exe     string `json:"exe,omitempty"`
	Package string `json:"package,omitempty"`
}

// Interface is a network interface of the host.
type Interface struct {
	Meta
	Name      string   `json:"name"`
	Index     int      `json:"index"`
	Kind      string   `json:"kind,omitempty"` // "loopback", "ethernet", "veth", "bridge", ...
	MAC       string   `json:"mac,omitempty"`
	MTU       int      `json:"mtu"`
	Up        bool     `json:"up"`
	Addresses []string `json:"addresses,omitempty"` // prefixes: "10.0.0.5/24"
}

// Route is an entry of a routing table.
type Route struct {
	Meta
	Family      int    `json:"family"`      // 4 or 6
	Destination string `json:"destination"` // a prefix; "0.0.0.0/0" for the default
	Gateway     string `json:"gateway,omitempty"`
	Interface   string `json:"interface,omitempty"`
	Source      string `json:"source,omitempty"` // preferred source address
	Table       int    `json:"table,omitempty"`
	Metric      int    `json:"metric,omitempty"`
	Kind        string `json:"kind,omitempty"` // "unicast", "blackhole", "unreachable", ...
}

func (*Process) kind() Type   { return TypeProcess }
func (*Object) kind() Type    { return TypeObject }
func (*Socket) kind() Type    { return TypeSocket }
func (*Interface) kind() Type { return TypeInterface }
func (*Route) kind() Type     { return TypeRoute }

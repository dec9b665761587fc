package telemetry

import "time"

// KernelRefused begins the reason of the coverage of SensorActivity where the kernel did not
// take the programs that observe: a property of the kernel, unlike other failures.
const KernelRefused = "the kernel does not take the eBPF programs"

// What a sensor that observes counts is told twice at least: when it is seen first,
// and at the end with its final counts. Of records with the same identity the last one
// counts. Times are the host's clock's.

// Execution is a program that was executed during the observation, by a user.
type Execution struct {
	Meta
	Device     uint64 `json:"device"` // identity: device, inode, generation, uid
	Inode      uint64 `json:"inode"`
	Generation uint32 `json:"generation,omitempty"` // tells a file from a deleted one that had the inode; 0: not known
	UID        uint32 `json:"uid"`                  // real; 4294967295: not known
	Activity

	Path string `json:"path,omitempty"` // empty: the file was gone before anybody could look
	// Unverified says that Path is what the process that executed the file called it, and
	// that another file, or none, was there when the agent looked: it was deleted or
	// replaced, or is below a root that the agent could not look into.
	Unverified bool   `json:"unverified,omitempty"`
	Root       bool   `json:"root,omitempty"`    // executed with an effective uid of 0, in the first user namespace, once at least
	Name       string `json:"name"`              // comm, 15 bytes
	Package    string `json:"package,omitempty"` // that owns Path, as "name" or "name:arch"
	MountNS    uint64 `json:"mount_ns,omitempty"`
	Container  string `json:"container,omitempty"`
}

// Connection is where a program has connected to by TCP, answered or not.
type Connection struct {
	Meta
	Device     uint64 `json:"device"` // identity: the program's device, inode and generation, uid, network namespace, remote, port
	Inode      uint64 `json:"inode"`
	Generation uint32 `json:"generation,omitempty"` // see Execution
	UID        uint32 `json:"uid"`                  // 4294967295: not known, as device and inode are not then (0)
	NetNS      uint64 `json:"net_ns"`
	Remote     string `json:"remote"`
	Port       uint16 `json:"port"`
	Activity

	Local      bool   `json:"local,omitempty"`      // both ends are on the host
	Agent      bool   `json:"agent,omitempty"`      // by the agent's own program: what was collected is sent so
	Path       string `json:"path,omitempty"`       // the program's
	Unverified bool   `json:"unverified,omitempty"` // Path was the program's when it was executed; see Execution
	Name       string `json:"name"`
	Package    string `json:"package,omitempty"`
	Container  string `json:"container,omitempty"`
}

// Accepting is a TCP port that was listened on or that accepted connections during
// the observation.
type Accepting struct {
	Meta
	NetNS  uint64 `json:"net_ns"` // identity: network namespace, family, port
	Family int    `json:"family"` // 4 or 6; connections over IPv4 to a socket of IPv6 count as 6
	Port   uint16 `json:"port"`
	// Activity counts accepted connections; Count 0 where there were none.
	Activity
	Foreign     uint64    `json:"foreign"` // of them those from other hosts
	LastForeign time.Time `json:"last_foreign,omitzero"`
	Listens     uint64    `json:"listens"` // calls of listen(2) since the observation began
}

// Load is a file that a program mapped executable during the observation: a library, a
// plug-in. The program may have ended before anybody looked at it.
type Load struct {
	Meta
	Device       uint64 `json:"device"` // identity: the file's device, inode and generation, the program's, uid
	Inode        uint64 `json:"inode"`
	Generation   uint32 `json:"generation,omitempty"` // see Execution
	ByDevice     uint64 `json:"by_device"`
	ByInode      uint64 `json:"by_inode"`
	ByGeneration uint32 `json:"by_generation,omitempty"`
	UID          uint32 `json:"uid"` // real
	Activity

	Path       string `json:"path,omitempty"`       // the file's; empty: it was gone before anybody could look
	Unverified bool   `json:"unverified,omitempty"` // Path was the file's when it was mapped; see Execution
	Package    string `json:"package,omitempty"`    // that owns Path, as "name" or "name:arch"
	By         string `json:"by,omitempty"`         // the program's path
	Name       string `json:"name"`                 // its comm, 15 bytes
	MountNS    uint64 `json:"mount_ns,omitempty"`
	Container  string `json:"container,omitempty"`
}

// Spoken is a protocol that was recognised by the first bytes of connections. The kernel
// compares them; they are not kept, and do not leave it.
type Spoken struct {
	Meta
	NetNS  uint64 `json:"net_ns"` // identity: network namespace, family, remote, port, protocol
	Family int    `json:"family"` // 4 or 6
	// Remote is the server's address where the host is the client; empty: the host's own
	// listener spoke, on Port.
	Remote string `json:"remote,omitempty"`
	Port   uint16 `json:"port"` // the server's
	// Protocol is "ftp", "http", "http-connect" (a tunnel for something else), "imap", "irc",
	// "ldap", "mqtt", "pop3", "rsync", "smtp", "ssh", "telnet", "tls", "vnc", "x11", "unknown".
	Protocol string `json:"protocol"`
	Activity        // connections
}

// Activity is how often something was, and when.
type Activity struct {
	Count uint64    `json:"count"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Observation says since when, until when and how there was observed: one record at
// the end of each observation. Coverage says whether that was all of the run.
type Observation struct {
	Meta
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	Tier  string    `json:"tier"` // "ebpf/direct", "ebpf/core"; "fanotify", "connector", "poll": counts are lower bounds
	// What was seen in all. What found no place in the kernel's tables is missing from
	// the records.
	Executions        uint64 `json:"executions"`
	Connections       uint64 `json:"connections"`
	Accepted          uint64 `json:"accepted"`
	MissedExecutions  uint64 `json:"missed_executions,omitempty"`
	MissedConnections uint64 `json:"missed_connections,omitempty"`
	MissedListeners   uint64 `json:"missed_listeners,omitempty"`

	// Unsupported says why the kernel cannot be observed by programs in it, if that is a
	// property of the kernel: then Tier is one of those that see less. Empty: it can, or
	// the agent was not allowed to.
	Unsupported string `json:"unsupported,omitempty"`
}

func (*Execution) kind() Type   { return TypeExecution }
func (*Connection) kind() Type  { return TypeConnection }
func (*Accepting) kind() Type   { return TypeAccepting }
func (*Observation) kind() Type { return TypeObservation }
func (*Load) kind() Type        { return TypeLoad }
func (*Spoken) kind() Type      { return TypeSpoken }

// Package seen has what the sources of the sensor of activity tell: the programs in
// the kernel (package bpf), and where the kernel takes none, what it tells of executions
// (packages fanotify, connector), and looks at /proc (package poll).
package seen

import (
	"net/netip"
	"time"
)

// Counts is how often something was, and when, as time after boot (CLOCK_MONOTONIC:
// without the time that the host was suspended).
type Counts struct {
	N           uint64
	First, Last time.Duration
}

// File is a file as long as it exists.
type File struct {
	Device uint64 // as stat(2) tells it
	Inode  uint64
	// Generation tells a file from a deleted one, the inode of which it has; only programs
	// in the kernel tell it. 0: not known, or the file system has none.
	Generation uint32
}

// Program is the file that a process executes, and for whom.
type Program struct {
	File
	UID uint32 // real, in the first user namespace
}

// Execution is a program that was executed by a user.
type Execution struct {
	Program
	Counts
	PID     int    // of the last one
	MountNS uint32 // of the first one; 0: not known
	Name    string // comm
	Root    bool   // with an effective uid of 0, once at least
	Host    bool   // in the agent's mount namespace, once at least
	Path    string // as the first to execute it called it; empty: not known
}

// Load is a file that a program had mapped executable.
type Load struct {
	File
	By Program
	Counts
	PID     int    // of the last
	MountNS uint32 // of the first one; 0: not known
	Name    string // comm
	Root    bool   // with an effective uid of 0, once at least
	Host    bool   // in the agent's mount namespace, once at least
}

// Own tells whether it is the program's own code.
func (l Load) Own() bool { return l.File == l.By.File }

// Flow is where a program has connected to by TCP: attempts, whether or not answered.
type Flow struct {
	Program
	Counts
	Remote netip.AddrPort
	NetNS  uint32
	PID    int
	Name   string
	Local  bool // to this host itself
}

// Listener is a TCP port that was listened on, or that accepted.
type Listener struct {
	NetNS   uint32
	Family  int // 4 or 6; IPv4 that a listener of IPv6 accepts is counted under 6
	Port    uint16
	Listens Counts // calls of listen(2) since the programs were loaded; N 0: it listened before
	Accepts uint64
	Foreign uint64 // of them those from other hosts
	// The times of the last ones, after boot; 0: none.
	LastAccept, LastForeign time.Duration
}

// Totals is what was seen in all, and what could not be kept.
type Totals struct {
	Executions, Flows, Listens, Accepts             uint64
	ExecutionsFull, FlowsFull, ListenersFull, Rings uint64

	Loads, LoadsFull uint64 // what programs mapped of themselves included
	LoadsCut         uint64 // processes whose mappings could not be looked at
}

// Lost tells whether something is missing from the maps. What the ring lost is not:
// it is in the maps.
func (t Totals) Lost() bool { return t.ExecutionsFull+t.FlowsFull+t.ListenersFull > 0 }

// Kind is what was seen for the first time.
type Kind uint32

// The kinds.
const (
	SawExecution Kind = iota + 1
	SawFlow
	SawListener
	SawLoad
)

// Sight says that a map has a new entry, and which process made it: one that may
// have ended when it is told.
type Sight struct {
	Kind Kind
	PID  int
	File        // that was executed or mapped, or that connected; of zeros: not known
	Path string // that the kernel has for a file that is mapped; empty: not known
}

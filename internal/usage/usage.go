// Package usage tells what becomes of installed software on a running host: whether
// a process has it loaded, whether such a process listens, whether old code of it
// still runs after an update. It is a pure function of a host's telemetry; the rules
// package about vulnerabilities joins it to what is vulnerable.
package usage

// State is how much a package is in use, from least to most.
type State string

// The states.
const (
	Unknown   State = "unknown"   // the telemetry does not tell; see Answer.Reason
	Installed State = "installed" // and no process has any of its files loaded
	// WasLoaded: a program of it was executed, or a file of it loaded, while the run went on,
	// where that was observed, by what was over at the last look.
	WasLoaded State = "was loaded"
	Loaded    State = "loaded"    // by a process
	Listening State = "listening" // by a process that listens
	Exposed   State = "exposed"   // by a process that listens at an address that others can reach
)

// Answer is how a package is in use.
type Answer struct {
	State     State
	Processes []Process // that have it loaded, those that listen first, then by PID; at most 64
	// Old are processes that run code of a file that was deleted or replaced on disk:
	// they have to be restarted for an update to count.
	Old []Process // at most 64
	// Executed are its programs that were executed while the run went on, where that was
	// observed: they may have ended. What none of them means, Usage.Observed tells. The last
	// ones first, at most 16.
	Executed []Execution
	// Past are the programs that had files of the package loaded at some time while the run
	// went on, where that was observed, and have not at its end: processes that were seen at
	// looks and are over, and what the kernel saw that no look did. What none of them means,
	// Usage.Observed tells. Whatever they listened at is not told: nothing listens there by
	// them any more. The last ones first, at most 64.
	Past   []Past
	Reason string // why it is Unknown, or may be more than it says
}

// Process is a process that has files of a package loaded.
type Process struct {
	PID       int
	Name      string
	Exe       string
	UID       uint32
	Started   int64    // seconds since 1970; 0: not known
	Files     []string // of the package, that it has loaded; at most 8
	Listens   []string // "tcp 0.0.0.0:22"; at most 16, those that others can reach first
	Container string
	Record    string // of the telemetry
}

// Past is a program that had files of a package loaded while the run went on.
type Past struct {
	PID       int    // of the process; 0: the kernel told of the program, not of its processes
	Name      string // comm
	Exe       string
	UID       uint32
	Files     []string // of the package; at most 8
	Count     uint64   // how often the kernel saw them loaded; 0: a look saw them
	First     int64    // seconds since 1970, of the first sight; 0: not known
	Last      int64    // of the last one; 0: not known
	Container string
	Record    string // of the telemetry
}

// OldCode is a package of which processes run code that is no longer on disk: its
// files were replaced or removed since they started.
type OldCode struct {
	Package   string    // as the telemetry has it: "libssl3:amd64"
	Processes []Process // by PID; all of them
}

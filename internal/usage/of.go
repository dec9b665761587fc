package usage

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// Usage is what the running processes of a host have loaded. It is read-only and
// safe for concurrent use.
type Usage struct {
	processes []*process // by PID
	byPID     map[int]*process
	packages  map[string][]load   // by the package as the telemetry has it: "bash", "libc6:amd64"
	archs     map[string][]string // those names, by the name without architecture
	files     map[file][]load
	inside    map[string][]*process // by container
	spaces    map[uint64]string     // containers by mount namespace
	running   map[string][]runs     // interpreters by container
	ran       map[string][]*interpreter
	executed  executions
	past      pasts
	observed  *Observed

	partial   string // why there may be processes that are not known
	unowned   string // why there may be files of packages that are not known to be theirs
	listeners string // why there may be listeners that are not known
	booted    int64  // seconds since 1970; 0: not known
}

// process is a process and what it listens at.
type process struct {
	*telemetry.Process
	container string
	listens   []listener
	exposed   bool
	unseen    bool // by the sensor of processes
}

// load is that a process has a file mapped.
type load struct {
	process *process
	path    string
	old     bool // the file is gone, or another is there now
}

// file is a path where a container, or the host, sees it.
type file struct{ container, path string }

// Of looks through the processes and sockets of a host once.
func Of(h *host.Host) *Usage {
	u := &Usage{
		byPID: map[int]*process{}, packages: map[string][]load{}, archs: map[string][]string{}, files: map[file][]load{},
		inside: map[string][]*process{}, spaces: map[uint64]string{}, running: map[string][]runs{}, ran: map[string][]*interpreter{},
	}
	if s := h.System(); s.OK() && !s.Value.BootedAt.IsZero() {
		u.booted = s.Value.BootedAt.Unix()
	}
	for _, c := range h.Containers().Values {
		if c.MountNS != 0 {
			u.spaces[c.MountNS] = c.ID
		}
	}
	all := h.Processes()
	u.partial = all.Reason
	u.addProcesses(all.Values)
	u.addSockets(h.Sockets())
	slices.SortStableFunc(u.processes, func(a, b *process) int { return cmp.Compare(a.PID, b.PID) })
	u.addMappings(h.Objects().Values)
	u.executed = u.executionsOf(h.Executions().Values)
	u.past = u.pastsOf(h)
	u.observed = u.observedOf(h)
	u.addInterpreters()
	return u
}

func (u *Usage) addProcesses(records []*telemetry.Process) {
	for _, r := range records {
		if r.Kernel || u.byPID[r.PID] != nil {
			continue
		}
		p := &process{Process: r, container: r.Container}
		if p.container == "" {
			p.container = u.spaces[r.MountNS]
		}
		u.processes = append(u.processes, p)
		u.byPID[r.PID] = p
		if p.container != "" {
			u.inside[p.container] = append(u.inside[p.container], p)
		}
	}
}

// addMappings joins processes and the files that they have mapped.
func (u *Usage) addMappings(objects []*telemetry.Object) {
	byID := make(map[int]*telemetry.Object, len(objects))
	for _, o := range objects {
		byID[o.ID] = o
	}
	known := ownersOf(objects)
	for _, p := range u.processes {
		if p.Exe != "" && (!p.unseen || p.Package != "") {
			u.load(p, p.Exe, p.Package, p.Deleted)
		}
		for _, id := range p.Objects {
			o := byID[id]
			if o == nil || !isFile(o.Path) {
				continue
			}
			owner := o.Package
			if owner == "" && p.container == "" {
				owner = known.of(o)
			}
			u.load(p, o.Path, owner, o.Deleted)
			// A service with a mount namespace of its own (systemd's PrivateTmp=) has
			// the host's files, and agents of the first versions did not look whose.
			if owner == "" && p.container == "" && o.MountNS != 0 && u.unowned == "" && isSystems(o.Path) {
				u.unowned = "to which package " + o.Path + " belongs, which " + p.Name + " has loaded, is not known"
			}
		}
	}
}

func (u *Usage) load(p *process, name, owner string, old bool) {
	l := load{p, name, old}
	at := file{p.container, name}
	u.files[at] = append(u.files[at], l)
	if owner == "" {
		return
	}
	if u.packages[owner] == nil {
		bare, _, _ := strings.Cut(owner, ":")
		u.archs[bare] = append(u.archs[bare], owner)
	}
	u.packages[owner] = append(u.packages[owner], l)
}

// isFile tells files that packages bring from what looks like one in a list of
// mappings: memory of memfd_create(2), shared memory, and code that a just-in-time
// compiler wrote.
func isFile(name string) bool {
	for _, begin := range []string{"/memfd:", "/dev/", "/SYSV", "/anon_hugepage", "/tmp/", "/var/tmp/", "/run/", "/[aio]", "/i915"} {
		if strings.HasPrefix(name, begin) {
			return false
		}
	}
	return strings.HasPrefix(name, "/")
}

// isSystems tells whether a path is where distributions put programs and libraries,
// and administrators nothing.
func isSystems(name string) bool {
	if strings.HasPrefix(name, "/usr/local/") {
		return false
	}
	for _, begin := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

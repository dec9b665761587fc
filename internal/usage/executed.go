package usage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"assay/internal/telemetry"
)

const maxExecuted = 16 // of an answer

// Execution is a program of a package that was executed while the run went on. It may
// have ended before anybody looked at the processes.
type Execution struct {
	Path      string
	Name      string
	UID       uint32 // who executed it
	Count     uint64 // how often; with Observation.Tier "poll" at least
	First     int64  // seconds since 1970; 0: not known
	Last      int64
	Container string
	Record    string // of the telemetry
}

// executions are those of a host, by the package without architecture, and by file.
type executions struct {
	packages map[string][]*telemetry.Execution
	files    map[file][]*telemetry.Execution
}

// executionsOf leaves out what was over with its file: that the path meant the file that
// is there now is not known (see Observed).
func (u *Usage) executionsOf(records []*telemetry.Execution) executions {
	all := executions{map[string][]*telemetry.Execution{}, map[file][]*telemetry.Execution{}}
	for _, e := range records {
		if e.Unverified {
			continue
		}
		at := file{cmp.Or(e.Container, u.spaces[e.MountNS]), e.Path}
		if e.Path != "" {
			all.files[at] = append(all.files[at], e)
		}
		if e.Package != "" && at.container == "" {
			bare, _, _ := strings.Cut(e.Package, ":")
			all.packages[bare] = append(all.packages[bare], e)
		}
	}
	return all
}

// of are a package's, by its name or by that with its architecture.
func (x executions) of(name string) []Execution {
	bare, arch, _ := strings.Cut(name, ":")
	var found []*telemetry.Execution
	for _, e := range x.packages[bare] {
		if arch == "" || e.Package == name || e.Package == bare {
			found = append(found, e)
		}
	}
	return told(found)
}

// told are executions as an answer has them, the last ones first.
func told(records []*telemetry.Execution) (all []Execution) {
	for _, e := range records {
		all = append(all, Execution{
			Path: e.Path, Name: e.Name, UID: e.UID, Count: e.Count, First: unix(e.First), Last: unix(e.Last),
			Container: e.Container, Record: telemetry.Key(e),
		})
	}
	slices.SortFunc(all, func(a, b Execution) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Path, b.Path), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Record, b.Record))
	})
	return cut(all, maxExecuted)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

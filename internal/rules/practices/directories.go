package practices

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/access"
	"assay/internal/telemetry"
)

// systemDirectories is about the directories from which root runs programs, loads
// libraries and reads configuration, with every directory on the way to them: who
// can write to one can put his own in their place. Writing to a directory is
// creating names in it; the sticky bit does not prevent that, so a writable
// directory with it counts too. A group in which there is nobody but root gives
// nothing to anybody.
var systemDirectories = check{
	rule: rules.Rule{
		ID:       "system-directories-writable",
		Title:    "Configure permissions for system directories",
		Finding:  "Instance <id> has system directories that others than root can write to",
		Severity: inspector.High,
		Description: "This rule checks the permissions on system directories that contain binaries and system configuration information: " +
			"only root should have write permission for them.",
		Recommendation: "Make root the owner of these directories, and take the permission to write from others (chmod go-w, setfacl -b) " +
			"or the accounts out of the group.",
	},
	evaluate: evaluateDirectories,
}

// systemPaths are the directories. One that is not there is as it should be.
var systemPaths = []string{
	"/", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot", "/etc", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64",
	"/usr/libexec", "/usr/local", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/local/lib64", "/usr/local/libexec", "/usr/local/etc",
}

func evaluateDirectories(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
	var unknown []string
	accounts := access.AccountsOf(h)
	r := rules.Result{Verdict: rules.Passed, Reason: "Nobody but root can write to the system directories."}
	var bad []rules.Evidence
	var names []string
	cost := 0
	for _, d := range reachable(h, &unknown) {
		if cost += accounts.Cost(d.file, d.above); cost > maxComparisons {
			return untold(fmt.Errorf("the accounts, directories and access control lists are too many to be gone through"), "Look at the permissions of the system directories by hand.")
		}
		e := rules.Evidence{Sensor: telemetry.SensorFiles, Record: telemetry.Key(d.file), File: d.file.Path, Found: describe(d.file), Expected: "only root can write"}
		writers := accounts.Writers(d.file, d.above)
		if writers.Unknown != "" {
			unknown = append(unknown, "who can write to "+d.file.Path+" is not known: "+writers.Unknown)
		}
		if who := writers.String(); who != "" {
			e.Found += ": writable by " + who
			bad, names = append(bad, e), append(names, d.file.Path)
			continue
		}
		r.Evidence = append(r.Evidence, e)
	}
	switch {
	case len(bad) > 0:
		r.Verdict, r.Evidence = rules.Failed, bad
		r.Reason = fmt.Sprintf("Others than root can write to %s.", strings.Join(names, ", "))
	case len(unknown) > 0:
		return untold(fmt.Errorf("%s", strings.Join(unknown[:min(len(unknown), 5)], "; ")), "Collect the sensors files and accounts of this host in full, as root.")
	case len(r.Evidence) == 0:
		return untold(fmt.Errorf("none of the system directories is there"), "Collect the sensor files of this host in full, as root.")
	}
	r.Evidence = r.Evidence[:min(len(r.Evidence), 2*maxEvidence)]
	return []rules.Result{r}
}

// Bounds of what a host made for it can cost. Of a real host's directories, the
// way to none leads through more than some twenty others; a server with 100,000
// accounts takes a hundredth of the comparisons.
const (
	maxComparisons = 300_000_000
	maxVisited     = 200      // directories on the way to one
	maxTarget      = 16 << 10 // bytes of a link's target: 4095 in the kernel, more where they are no UTF-8
)

// directory is one that is looked at, with those above it.
type directory struct {
	file  *telemetry.File
	above []*telemetry.File
}

// reachable lists the system directories and all that lead to them, links
// followed, each once.
func reachable(h *host.Host, unknown *[]string) []directory {
	var all []directory
	seen := map[string]bool{}
	for _, name := range systemPaths {
		chain, why := follow(h, name)
		if why != "" {
			*unknown = append(*unknown, why)
		}
		for i, f := range chain {
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			all = append(all, directory{f, parents(h, chain[:i], f.Path)})
		}
	}
	return all
}

// parents are those of the directories that are above a path.
func parents(h *host.Host, visited []*telemetry.File, name string) []*telemetry.File {
	var above []*telemetry.File
	for _, f := range visited {
		if f.Path == "/" || strings.HasPrefix(name, f.Path+"/") {
			above = append(above, f)
		}
	}
	return above
}

// follow visits every directory on the way to a path, as the kernel resolves it.
// why says what is missing to see the way to its end.
func follow(h *host.Host, name string) (visited []*telemetry.File, why string) {
	at, rest := "/", split(name)
	for links := 0; ; {
		f := h.File(at)
		switch {
		case f.Presence == host.Absent && at != "/":
			return visited, ""
		case !f.OK():
			return visited, fmt.Sprintf("%s was not looked at: %s", at, f.Reason)
		case f.Value.Kind == telemetry.Symlink:
			if links++; links > 40 || len(f.Value.Target) > maxTarget {
				return visited, at + " leads through too many links, or one that is too long"
			}
			rest = append(split(f.Value.Target), rest...)
			at = path.Dir(at)
			if path.IsAbs(f.Value.Target) {
				at = "/"
			}
		case f.Value.Kind == telemetry.Directory:
			if !slices.Contains(visited, f.Value) {
				visited = append(visited, f.Value)
			}
			if len(visited) > maxVisited {
				return visited, fmt.Sprintf("the way to %s leads through more than %d directories", name, maxVisited)
			}
		default:
			return visited, ""
		}
		if len(rest) == 0 {
			return visited, ""
		}
		at, rest = path.Join(at, rest[0]), rest[1:]
	}
}

func split(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}

func describe(f *telemetry.File) string {
	text := fmt.Sprintf("mode %04o, uid %d, gid %d", f.Mode&0o7777, f.UID, f.GID)
	if len(f.ACL) > 0 {
		text += ", with an ACL"
	}
	return text
}

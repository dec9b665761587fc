package behavior

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/access"
	"assay/internal/telemetry"
)

// rootModules is about what processes of root's execute: who can write to one of these
// files, or put another in its place because he can write to a folder above it, has
// root's rights as soon as it is loaded. In a folder with the sticky bit only its owner
// can replace what is others' (path_resolution(7), inode(7)).
//
// Of a file in a container only the file itself is looked at; its accounts and folders
// are not told. A file that is deleted has nobody who could open it; what is in its
// place is loaded next time, so the folders count.
var rootModules = check{
	rule: rules.Rule{
		ID: "root-process-insecure-modules", Title: "Root process with insecure permissions", Severity: inspector.High,
		Finding: "Instance <id> has processes of root that load modules which others can modify",
		Description: "This rule detects root processes that load modules which can be modified by unauthorized users: " +
			"who changes such a program or library has it executed by root.",
		Recommendation: "Make root the owner of these files and of the folders above them, and take the permission to write from others (chmod go-w, setfacl -b).",
	},
	evaluate: evaluateModules,
}

// maxComparisons bounds what a host made for it can cost. What only root's permissions
// name costs nothing; a hundred other files take a server with 100,000 accounts about
// 70 million.
const maxComparisons = 100_000_000

// modules is an evaluation under way.
type modules struct {
	host     *host.Host
	answer   answer
	accounts access.Accounts
	nobody   access.Accounts              // a container's, of which none is known
	folders  map[string]string            // who can write to a folder, by its path
	files    map[permissions]string       // who can write to a file
	chains   map[string][]*telemetry.File // the folders above a folder, itself included
	cost     int
}

// permissions are what decides about a file that has no access control list.
type permissions struct {
	folder         string
	uid, gid, mode uint32
	container      bool
}

func evaluateModules(h *host.Host) answer {
	m := &modules{
		host: h, accounts: access.AccountsOf(h), nobody: access.Accounts{}.Indexed(),
		folders: map[string]string{}, files: map[permissions]string{}, chains: map[string][]*telemetry.File{},
		answer: answer{passed: "Nobody but root can modify what the processes of root execute.", remedy: "Assess the host again, with its agent run as root."},
	}
	programs := h.Programs()
	m.answer.gap(programs.Complete, programs.Reason)
	for _, p := range programs.Values {
		if !p.Root {
			continue
		}
		if m.cost > maxComparisons {
			break // and that is told
		}
		m.program(p)
	}
	return m.answer
}

func (m *modules) program(p *telemetry.Program) {
	if why := unseen(p); why != "" {
		m.unknown("%s was not looked at in full: %s", p.Path, why)
		return
	}
	for _, folder := range p.Above {
		if who := m.folder(folder); who != "" {
			m.fail(folder, fmt.Sprintf("in the folder %s, which", folder), p, who, m.folderEvidence(folder, who))
		}
	}
	if p.Deleted {
		return
	}
	if who := m.file(p); who != "" {
		m.fail(within(p.Container, p.Path), "which", p, who)
		return
	}
	m.answer.saw(programEvidence(p, describe(p.Mode, p.UID, p.GID, p.ACL), ""))
}

// unseen is what is missing of a program to tell who can modify it.
func unseen(p *telemetry.Program) string {
	switch {
	case p.Problem != "" && p.Device == 0: // nothing was asked of the file itself
		return p.Problem
	case strings.Contains(p.Problem, "access control list"):
		return p.Problem
	case p.Container == "" && len(p.Above) == 0 && !p.Deleted:
		return cmp.Or(p.Problem, "it is in a mount namespace of its own, where its folders are not told")
	}
	return ""
}

// fail notes what can be written to, and the program as an example of what it means.
func (m *modules) fail(subject, what string, p *telemetry.Program, who string, before ...rules.Evidence) {
	f := m.answer.fail(subject)
	if len(f.evidence) == 0 {
		f.evidence = before
		f.reason = fmt.Sprintf("Processes of root execute %s, %s can be modified by %s.", owned(p.Path, p.Package), what, who)
		f.attributes = []inspector.Attribute{
			{Key: "MODULE", Value: p.Path}, {Key: "WRITABLE", Value: strings.TrimPrefix(subject, "container:")}, {Key: "WRITERS", Value: who},
			{Key: "package_name", Value: strings.ToLower(p.Package)}, {Key: "CONTAINER", Value: p.Container},
		}
	}
	if len(f.evidence) < maxEvidence {
		f.add(programEvidence(p, describe(p.Mode, p.UID, p.GID, p.ACL), "only root can write"))
	}
}

func (m *modules) unknown(format string, args ...any) {
	m.answer.gap(false, fmt.Sprintf(format, args...))
}

// folder tells who can replace what is in a folder; empty: nobody, or it is not known.
func (m *modules) folder(name string) string {
	if who, ok := m.folders[name]; ok {
		return who
	}
	m.folders[name] = ""
	chain, ok := m.chain(name)
	if !ok {
		return ""
	}
	f := *chain[0]
	if f.Mode&0o1000 != 0 {
		// What is in it belongs to root, or to somebody who can write to it himself.
		f.Mode, f.ACL = f.Mode&^0o022, nil
	}
	m.folders[name] = m.writers(m.accounts, &f, chain[1:])
	return m.folders[name]
}

// chain is a folder and those above it; not ok if one was not looked at.
func (m *modules) chain(name string) ([]*telemetry.File, bool) {
	if chain, ok := m.chains[name]; ok {
		return chain, chain != nil
	}
	var chain []*telemetry.File
	for at := name; ; at = at[:max(1, strings.LastIndexByte(at, '/'))] {
		f := m.host.ProgramFolder(at)
		if !f.OK() || f.Value.Problem != "" || f.Value.Kind != telemetry.Directory {
			m.unknown("the folder %s was not looked at: %s", at, problem(f))
			m.chains[name] = nil
			return nil, false
		}
		if chain = append(chain, f.Value); at == "/" || len(chain) > 1024 || !strings.HasPrefix(at, "/") {
			break
		}
	}
	m.chains[name] = chain
	return chain, true
}

func problem(f host.Answer[*telemetry.File]) string {
	if !f.OK() {
		return f.Reason
	}
	return f.Value.Problem
}

// file tells who can write to a file of root's.
func (m *modules) file(p *telemetry.Program) string {
	key := permissions{uid: p.UID, gid: p.GID, mode: p.Mode, container: p.Container != ""}
	if len(p.Above) > 0 {
		key.folder = p.Above[0]
	}
	if who, ok := m.files[key]; ok && len(p.ACL) == 0 {
		return who
	}
	who := m.accounts
	var above []*telemetry.File
	if p.Container != "" {
		who = m.nobody
	} else if len(p.Above) > 0 {
		var ok bool
		if above, ok = m.chain(p.Above[0]); !ok {
			return "" // and that is told
		}
	}
	f := &telemetry.File{Path: p.Path, Kind: telemetry.Regular, Mode: p.Mode, UID: p.UID, GID: p.GID, ACL: p.ACL}
	text := m.writers(who, f, above)
	if len(p.ACL) == 0 {
		m.files[key] = text
	}
	return text
}

func (m *modules) writers(a access.Accounts, f *telemetry.File, above []*telemetry.File) string {
	if f.UID == 0 && f.Mode&0o022 == 0 && len(f.ACL) == 0 {
		return "" // as nearly all are
	}
	if m.cost += a.Cost(f, above); m.cost > maxComparisons {
		m.unknown("the accounts, files and access control lists are too many to be gone through")
		return ""
	}
	w := a.Writers(f, above)
	if w.Unknown != "" {
		m.unknown("who can write to %s is not known: %s", f.Path, w.Unknown)
	}
	return w.String()
}

func (m *modules) folderEvidence(name, who string) rules.Evidence {
	f := m.chains[name][0]
	return rules.Evidence{
		Sensor: cmp.Or(f.Sensor, telemetry.SensorPrograms), Record: telemetry.Key(f), File: name, Expected: "only root can write",
		Found: describe(f.Mode, f.UID, f.GID, f.ACL) + ": writable by " + who,
	}
}

func describe(mode, uid, gid uint32, acl []telemetry.ACL) string {
	text := fmt.Sprintf("mode %04o, uid %d, gid %d", mode&0o7777, uid, gid)
	if slices.ContainsFunc(acl, func(e telemetry.ACL) bool { return e.Tag == "user" || e.Tag == "group" }) {
		text += ", with an ACL"
	}
	return text
}

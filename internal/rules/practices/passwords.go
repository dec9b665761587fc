package practices

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/rules/practices/pam"
	"assay/internal/telemetry"
)

// passwordServices are the services through which a user changes his own
// password: passwd, and those that make him do it at login when it has expired.
// One that has no configuration is not in use, passwd apart, which then has that
// of "other". (chpasswd and newusers are root's.)
var passwordServices = []string{
	"passwd", "login", "remote", "sshd", "su", "su-l", "cockpit", "gdm-password", "lightdm", "sddm", "xdm", "kde",
}

// passwordPolicy is what the host's PAM stacks let a user choose.
type passwordPolicy struct {
	ways     []pam.Way
	refusals []string      // of broken stacks: why they let nobody change a password
	denial   []pam.Handler // of stacks that let nobody change one on purpose
	noPAM    bool          // the host has no PAM configuration at all
}

// readPolicy follows the stacks of all services. The error says what the
// telemetry does not tell.
func readPolicy(h *host.Host, system pam.System) (passwordPolicy, error) {
	var p passwordPolicy
	for _, service := range passwordServices {
		stack, found, err := system.Load(service)
		if err != nil {
			return p, err
		}
		if !found && service != "passwd" {
			continue
		}
		if !found && stack.Broken != "" {
			p.noPAM = true
			continue
		}
		ways, why, err := system.Ways(stack)
		if err != nil {
			return p, err
		}
		p.ways = append(p.ways, ways...)
		switch {
		case len(ways) > 0:
		case why != "":
			p.refusals = append(p.refusals, service+": "+why)
		default:
			p.denial = append(p.denial, stack.Handlers...)
		}
	}
	p.noPAM = p.noPAM && len(p.ways)+len(p.refusals)+len(p.denial) == 0
	return p, nil
}

// pamSystems are the systems that the host may be, as the engine needs to know
// them: more than one where a version that matters is not known.
func pamSystems(h *host.Host) ([]pam.System, error) {
	system := h.System()
	if !system.OK() {
		return nil, fmt.Errorf("the host's system is not known: %s", system.Reason)
	}
	base := pam.System{Files: pamFiles{h}, Debian: host.FamilyOf(system.Value) == host.FamilyDebian}
	pwquality := olderThan(h, []int{1, 3, 0}, "libpwquality1", "libpwquality")
	passwdqc := olderThan(h, []int{2, 1, 0}, "libpam-passwdqc", "libpasswdqc0", "passwdqc", "libpasswdqc", "pam_passwdqc")
	var all []pam.System
	for _, oldQuality := range pwquality {
		for _, oldQC := range passwdqc {
			s := base
			s.OldPwquality, s.OldPasswdqc = oldQuality, oldQC
			all = append(all, s)
		}
	}
	return all, nil
}

// olderThan tells whether an installed package, under one of its names, is older
// than an upstream version: one answer, or both where it is not known.
func olderThan(h *host.Host, version []int, names ...string) []bool {
	packages := h.Packages()
	for _, p := range packages.Values {
		for _, name := range names {
			if p.Name == name && (p.Status == "" || p.Status == "installed") {
				return []bool{before(p.Version, version)}
			}
		}
	}
	return []bool{false, true}
}

// before compares the leading numbers of an upstream version; an epoch is not
// part of it.
func before(version string, than []int) bool {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	words := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	for i, n := range than {
		if i >= len(words) {
			return true
		}
		if has, err := strconv.Atoi(words[i]); err == nil && has != n {
			return has < n
		}
	}
	return false
}

// pamFiles shows a host's telemetry to the engine.
type pamFiles struct{ host *host.Host }

func (f pamFiles) Text(name string) (string, bool, error) {
	t := f.host.Text(name)
	switch {
	case t.Presence == host.Absent:
		return "", false, nil
	case !t.OK():
		return "", false, fmt.Errorf("%s was not collected: %s", name, t.Reason)
	case t.Value.Truncated:
		return "", false, fmt.Errorf("%s was collected in part only", name)
	}
	return t.Value.Text, true, nil
}

func (f pamFiles) Names(pattern string) ([]string, error) {
	all := f.host.Texts(pattern)
	if !all.Complete {
		return nil, fmt.Errorf("%s was not collected: %s", pattern, all.Reason)
	}
	var names []string
	for _, t := range all.Values {
		names = append(names, t.Path)
	}
	return names, nil
}

func (f pamFiles) Folder(name string) (bool, error) {
	texts := f.host.Texts(name + "/*")
	if len(texts.Values) > 0 {
		return true, nil
	}
	if file := f.host.File(name); file.OK() {
		return true, nil
	}
	if !texts.Complete {
		return false, fmt.Errorf("%s was not collected: %s", name, texts.Reason)
	}
	return false, nil
}

// tuples are the names that Debian gives to machines in paths, by uname -m.
var tuples = map[string][]string{
	"x86_64": {"x86_64-linux-gnu", "i386-linux-gnu"}, "i686": {"i386-linux-gnu"}, "aarch64": {"aarch64-linux-gnu"},
	"armv7l": {"arm-linux-gnueabihf"}, "armv6l": {"arm-linux-gnueabi"}, "ppc64le": {"powerpc64le-linux-gnu"},
	"s390x": {"s390x-linux-gnu"}, "riscv64": {"riscv64-linux-gnu"}, "mips64": {"mips64el-linux-gnuabi64"}, "loongarch64": {"loongarch64-linux-gnu"},
}

// libraries are the folders below which distributions have libpam look for
// modules.
var libraries = []string{"/usr/lib", "/usr/lib64", "/lib", "/lib64"}

// Module tells whether a module is there, in any of the folders in which
// distributions have libpam look.
func (f pamFiles) Module(name string) (bool, error) {
	reason := ""
	for _, path := range f.candidates(strings.ReplaceAll(name, "$ISA", ".")) {
		at := f.host.File(path)
		if at.OK() {
			return true, nil
		}
		if at.Presence == host.NotCollected {
			reason = at.Reason
		}
	}
	if reason != "" {
		return false, fmt.Errorf("whether there is the PAM module %s is not known: %s", name, reason)
	}
	return false, nil
}

func (f pamFiles) candidates(name string) []string {
	if strings.HasPrefix(name, "/") {
		return []string{path.Clean(name)}
	}
	folders := []string{""}
	system := f.host.System()
	for _, architecture := range slices.Sorted(maps.Keys(tuples)) {
		// An image does not tell its machine's architecture.
		if !system.OK() || system.Value.Architecture == "" || system.Value.Architecture == architecture {
			for _, tuple := range tuples[architecture] {
				folders = append(folders, "/"+tuple)
			}
		}
	}
	var all []string
	for _, library := range libraries {
		// A link, as /lib is on merged systems, leads to another of them.
		if at := f.host.Resolve(library); at.OK() && at.Value != library && slices.Contains(libraries, at.Value) {
			continue
		}
		for _, folder := range folders {
			all = append(all, library+folder+"/security/"+name)
		}
	}
	return all
}

// wayEvidence names the lines that make a way what it is.
func wayEvidence(w pam.Way, expected string) []rules.Evidence {
	var all []rules.Evidence
	seen := map[string]bool{}
	add := func(file string, line int, found, expected string) {
		key := fmt.Sprint(file, line)
		if seen[key] || len(all) >= maxEvidence {
			return
		}
		seen[key] = true
		all = append(all, rules.Evidence{
			Sensor: telemetry.SensorConfig, Record: "text:" + file, File: file, Line: line, Found: excerpt(found), Expected: expected,
		})
	}
	for _, c := range w.Checks {
		for _, o := range c.Origin {
			if o.File != "" {
				add(o.File, o.Line, o.Text, expected)
			}
		}
		add(c.Handler.File, c.Handler.Line, c.Handler.Text, expected)
	}
	for _, b := range w.Bypassed {
		add(b.File, b.Line, b.Text, "a control that makes its refusal final, and use_authtok on the lines after it")
	}
	add(w.Store.File, w.Store.Line, w.Store.Text, expected)
	return all
}

// maxEvidence bounds what a result cites.
const maxEvidence = 20

// excerpt shortens a line of a file to what evidence should hold.
func excerpt(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		return strings.ToValidUTF8(text[:200], "") + "..."
	}
	return text
}

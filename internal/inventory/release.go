package inventory

import (
	"cmp"
	"regexp"
	"strings"
)

// release is os-release(5), as far as it names a release.
type release struct {
	id, like, version, name, codename string
}

// naming is what publishers call a release.
type naming struct {
	ecosystem       string
	more            []string
	cpe             string
	problem, remedy string
}

// distributions are those of which somebody publishes advisories that can be read
// here, by os-release's ID. Names of ecosystems: https://ossf.github.io/osv-schema/#defined-ecosystems
// and docs/advisories.md. The CPEs are those in the publishers' own VEX, where they
// have one, else those of their os-release.
var distributions = map[string]func(release) naming{
	"debian":              debian,
	"ubuntu":              ubuntu,
	"almalinux":           byMajor("AlmaLinux", "cpe:/o:almalinux:almalinux:"),
	"rocky":               byMajor("Rocky Linux", "cpe:/o:rocky:rocky:"),
	"rhel":                redHat,
	"ol":                  byMajor("Oracle Linux", "cpe:/o:oracle:linux:"),
	"fedora":              byMajor("Fedora", "cpe:/o:fedoraproject:fedora:"),
	"amzn":                amazon,
	"centos":              centOS,
	"sles":                suse("Server", "sles"),
	"sles_sap":            suse("Server for SAP Applications", "sles_sap"),
	"sled":                suse("Desktop", "sled"),
	"opensuse-leap":       leap,
	"opensuse-tumbleweed": rolling("openSUSE:Tumbleweed", "cpe:/o:opensuse:tumbleweed"),
	"alpine":              alpine,
	"wolfi":               rolling("Wolfi", "cpe:/o:wolfi:wolfi"),
	"chainguard":          rolling("Chainguard", "cpe:/o:chainguard:chainguard"),
	"arch":                arch,
	"archarm":             arch,
}

// name finds what a release is called. A distribution that is not in the table is
// never taken for the one that it says it is like: it has versions of its own.
func (r release) naming() naming {
	if r.id == "" {
		return naming{
			problem: "its os-release does not say which system it is",
			remedy:  "Look at /etc/os-release: it needs ID and VERSION_ID as its distribution ships them.",
		}
	}
	if f, ok := distributions[r.id]; ok {
		return f(r)
	}
	problem := cmp.Or(r.name, r.id) + " publishes no advisories that can be read here"
	if r.like != "" {
		problem += ", and those of what it is like (" + r.like + ") count its versions differently"
	}
	return naming{
		problem: problem,
		remedy:  "Follow the announcements of its makers, or replace it by a system with advisories.",
	}
}

// unnamed is the answer for a release of a known distribution that has no name.
func (r release) unnamed() naming {
	return naming{
		problem: "the release \"" + r.version + "\" is none of " + r.id + " whose advisories are known",
		remedy:  "Look at VERSION_ID in /etc/os-release: it should be as the distribution ships it.",
	}
}

// number is a whole number, and maybe more behind a dot.
var number = regexp.MustCompile(`^(\d{1,4})(?:\.(\d{1,4})(?:\.\d+)*)?$`)

// major is the first number of a version; empty if it is none.
func major(version string) string {
	if m := number.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}

// byMajor names releases by the first number of their versions.
func byMajor(ecosystem, cpe string) func(release) naming {
	return func(r release) naming {
		n := major(r.version)
		if n == "" {
			return r.unnamed()
		}
		return naming{ecosystem: ecosystem + ":" + n, cpe: cpe + n}
	}
}

// rolling names distributions that have no releases.
func rolling(ecosystem, cpe string) func(release) naming {
	return func(release) naming { return naming{ecosystem: ecosystem, cpe: cpe} }
}

// debianReleases are the numbers of Debian's codenames, as its security tracker has
// them. A testing system has a codename and no VERSION_ID.
var debianReleases = map[string]string{
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
	"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15", "sid": "sid",
}

func debian(r release) naming {
	n := cmp.Or(major(r.version), debianReleases[r.codename])
	if n == "" {
		return r.unnamed()
	}
	return naming{ecosystem: "Debian:" + n, cpe: "cpe:/o:debian:debian_linux:" + n}
}

func ubuntu(r release) naming {
	m := number.FindStringSubmatch(r.version)
	if m == nil || m[2] == "" {
		return r.unnamed()
	}
	version := m[1] + "." + m[2]
	n := naming{ecosystem: "Ubuntu:" + version, cpe: "cpe:/o:canonical:ubuntu_linux:" + version}
	if isLTS(m[1], m[2]) {
		n.ecosystem += ":LTS"
	}
	return n
}

// isLTS tells Ubuntu's long-term releases from interim ones: those of April in even
// years (https://ubuntu.com/about/release-cycle), 6.06 was before that rule.
func isLTS(year, month string) bool {
	return month == "04" && strings.ContainsAny(year[len(year)-1:], "02468")
}

// redHat names the release as the CPEs in Red Hat's VEX begin: those of its
// repositories have more behind it.
func redHat(r release) naming {
	n := major(r.version)
	if n == "" {
		return r.unnamed()
	}
	return naming{ecosystem: "Red Hat:enterprise_linux:" + n, cpe: "cpe:/o:redhat:enterprise_linux:" + n}
}

// amazon names "2", "2023" and the last release of the first, "2018.03".
func amazon(r release) naming {
	n := major(r.version)
	if len(n) == 4 && n < "2023" {
		n = "1"
	}
	if n == "" {
		return r.unnamed()
	}
	return naming{ecosystem: "Amazon Linux:" + n, cpe: "cpe:2.3:o:amazon:amazon_linux:" + n}
}

func centOS(r release) naming {
	n := naming{
		problem: cmp.Or(r.name, "CentOS") + " has no advisories of its own, and its versions are not those of Red Hat Enterprise Linux's",
		remedy:  "Keep it up to date without looking at advisories, or move to a system that has them: RHEL, AlmaLinux, Rocky Linux.",
	}
	if major(r.version) == "7" || strings.Contains(r.name, "Linux") {
		n.problem = cmp.Or(r.name, "CentOS Linux") + " has had no updates since its end of life, and nobody publishes advisories for it"
		n.remedy = "Move to a system that is maintained: RHEL, AlmaLinux, Rocky Linux."
	}
	return n
}

// suse names a product of SUSE Linux Enterprise: "15.5" is "15 SP5", and since 16
// "16.0". Most of 15's packages are in modules, whose advisories are under their names.
// The server for SAP has the os-release of the other one in most versions; their packages
// are the same.
func suse(product, id string) func(release) naming {
	return func(r release) naming {
		version, cpe := suseVersion(r.version)
		if version == "" {
			return r.unnamed()
		}
		n := naming{ecosystem: "SUSE:Linux Enterprise " + product + " " + version, cpe: "cpe:/o:suse:" + id + ":" + cpe}
		for _, other := range []string{"Server", "Server for SAP Applications"} {
			if other != product {
				n.more = append(n.more, "SUSE:Linux Enterprise "+other+" "+version)
			}
		}
		n.more = append(n.more, "SUSE:Linux Enterprise Server "+version+"-LTSS")
		if major(r.version) == "15" {
			for _, module := range suseModules {
				n.more = append(n.more, "SUSE:Linux Enterprise Module for "+module+" "+version)
			}
			n.more = append(n.more, "SUSE:Package Hub "+version)
		}
		return n
	}
}

// suseModules are the modules of SUSE Linux Enterprise 15
// (https://documentation.suse.com/sles/15-SP5/html/SLES-all/article-modules.html).
var suseModules = []string{
	"Basesystem", "Server Applications", "Desktop Applications", "Development Tools", "Legacy", "Public Cloud",
	"Web and Scripting", "Containers", "Python 3", "Certifications", "Confidential Computing",
}

func suseVersion(v string) (name, cpe string) {
	m := number.FindStringSubmatch(v)
	switch {
	case m == nil:
		return "", ""
	case len(m[1]) > 1 && m[1] >= "16":
		return v, strings.ReplaceAll(v, ".", ":")
	case m[2] == "" || m[2] == "0":
		return m[1], m[1]
	}
	return m[1] + " SP" + m[2], m[1] + ":sp" + m[2]
}

func leap(r release) naming {
	version := twoNumbers(r.version)
	if version == "" {
		return r.unnamed()
	}
	return naming{ecosystem: "openSUSE:Leap " + version, cpe: "cpe:/o:opensuse:leap:" + version}
}

// alpine names "3.20.3" by its first two numbers. Edge has the version of what will
// be next, with a mark: "3.21_alpha20240807".
func alpine(r release) naming {
	if strings.Contains(r.version, "_alpha") || r.version == "edge" {
		return naming{ecosystem: "Alpine:edge", cpe: "cpe:/o:alpinelinux:alpine_linux:edge"}
	}
	m := number.FindStringSubmatch(r.version)
	if m == nil || m[2] == "" {
		return r.unnamed()
	}
	return naming{ecosystem: "Alpine:v" + m[1] + "." + m[2], cpe: "cpe:/o:alpinelinux:alpine_linux:" + m[1] + "." + m[2]}
}

func arch(r release) naming {
	return naming{
		problem: cmp.Or(r.name, "Arch Linux") + " publishes no advisories that can be read here: its tracker (https://security.archlinux.org) has no feed in OSV's form",
		remedy:  "Keep it up to date; arch-audit on the host compares it with the tracker.",
	}
}

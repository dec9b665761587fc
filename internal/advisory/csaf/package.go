package csaf

import (
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"
)

// pack is an rpm of a release.
type pack struct {
	ecosystem, name, module, arch string
	evr                           string // empty: no version is said
}

// rpm is the package that an id is about, or why it is none.
func (p *products) rpm(id string) (pack, string) {
	chain := p.chain(id)
	if chain == nil {
		return pack{}, "product that is not in the tree"
	}
	if len(chain) == 1 {
		return pack{}, "product without a component"
	}
	ecosystem := ecosystem(chain[len(chain)-1])
	if ecosystem == "" {
		return pack{}, "product of a platform that we do not know"
	}
	out, why := component(chain[0])
	if why != "" {
		return pack{}, why
	}
	out.ecosystem = ecosystem
	for _, between := range chain[1 : len(chain)-1] {
		if m := module(between); out.module == "" && m != "" {
			out.module = m
		}
	}
	if out.name == "" {
		return pack{}, "module without a package"
	}
	return out, ""
}

// component is an rpm by its package URL, or by its name where it has none.
func component(x *product) (pack, string) {
	name, marked, _ := strings.Cut(x.ID, "::")
	if x.Helper.PURL == "" {
		return byName(name, marked)
	}
	url, err := packageurl.FromString(x.Helper.PURL)
	if err != nil {
		return pack{}, "component with a wrong package URL"
	}
	switch url.Type {
	case "rpm":
	case "rpmmod":
		return byName(name, marked)
	default:
		return pack{}, "component that is no rpm"
	}
	q := url.Qualifiers.Map()
	out := pack{name: url.Name, arch: q["arch"], evr: url.Version, module: stream(q["rpmmod"])}
	if out.module == "" {
		out.module = stream(marked)
	}
	if m, _, ok := strings.Cut(name, "/"); ok && out.module == "" {
		out.module = stream(m)
	}
	if out.evr != "" {
		epoch := q["epoch"]
		if m := nevra.FindStringSubmatch(name); epoch == "" && m != nil {
			epoch = m[2]
		}
		if epoch != "" && epoch != "0" {
			out.evr = epoch + ":" + out.evr
		}
	}
	return out, ""
}

// nevra is name-epoch:version-release.arch, the epoch optional.
var nevra = regexp.MustCompile(`^([A-Za-z0-9][\w.+-]*?)-(?:(\d{1,9}):)?([\w.+~^]+-[\w.+~^]+)\.(src|noarch|x86_64|i[3-6]86|aarch64|ppc64le|ppc64|ppc|s390x|s390|ia64|armv7hl|riscv64)(?:\.rpm)?$`)

// plain is a package's name.
var plain = regexp.MustCompile(`^[A-Za-z0-9][\w.+-]*$`)

// byName reads an id such as Red Hat and SUSE make them: "bash-0:5.1.8-9.el9.src",
// "bash", "nodejs:18/nodejs".
func byName(name, marked string) (pack, string) {
	out := pack{module: stream(marked)}
	if m, rest, ok := strings.Cut(name, "/"); ok {
		if stream(m) == "" {
			return pack{}, "component that is no rpm" // a container image: "openshift4/ose-etcd"
		}
		out.module, name = stream(m), rest
	}
	if m := nevra.FindStringSubmatch(name); m != nil {
		out.name, out.evr, out.arch = m[1], m[3], m[4]
		if m[2] != "" && m[2] != "0" {
			out.evr = m[2] + ":" + out.evr
		}
		return out, ""
	}
	if stream(name) != "" {
		out.module = stream(name)
		return out, "" // a module: it has no name of its own
	}
	if !plain.MatchString(name) {
		return pack{}, "component that is no rpm"
	}
	out.name = name
	return out, ""
}

// module is the stream that a product of the tree is, if it is one.
func module(x *product) string {
	if strings.HasPrefix(x.Helper.PURL, "pkg:rpmmod/") {
		if url, err := packageurl.FromString(x.Helper.PURL); err == nil && !strings.Contains(url.Name, ":") && url.Version != "" {
			s, _, _ := strings.Cut(url.Version, ":")
			return url.Name + ":" + s
		}
	}
	return stream(x.ID)
}

// stream is name:stream of a module's id name:stream[:version:context]; empty if it is
// none.
func stream(id string) string {
	parts := strings.Split(id, ":")
	if len(parts) < 2 || !plain.MatchString(parts[0]) || !plain.MatchString(parts[1]) {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

// ecosystem names the release as OSV does, by the platform's CPE or name.
func ecosystem(x *product) string {
	for _, prefix := range []string{"cpe:/o:redhat:", "cpe:/a:redhat:"} {
		if rest, ok := strings.CutPrefix(x.Helper.CPE, prefix); ok && rest != "" {
			return "Red Hat:" + rest
		}
	}
	name := x.Name
	if name == "" {
		name = x.ID
	}
	for _, family := range []string{"SUSE", "openSUSE"} {
		if rest, ok := strings.CutPrefix(name, family+" "); ok && rest != "" {
			return family + ":" + rest
		}
	}
	return ""
}

package files

import "strings"

// kindOf tells which entries a root is collected with.
type kindOf int

const (
	everything kindOf = iota
	folders           // folders only
	libraries         // folders, and what a loader may load: *.so, *.so.*
	itself            // the path alone
)

// root is a place whose metadata is collected.
type root struct {
	path  string
	kind  kindOf
	depth int // of entries below path: 1 is its direct entries; 0 is no bound
}

// roots are the configuration, the programs and libraries of the system, its
// records, its kernels, its jobs, and two levels of the home folders.
var roots = []root{
	{path: "/etc"},
	{path: "/usr/etc"},
	{path: "/bin"}, {path: "/sbin"}, {path: "/usr/bin"}, {path: "/usr/sbin"},
	{path: "/usr/local/bin"}, {path: "/usr/local/sbin"}, {path: "/usr/libexec"},
	{"/lib", libraries, 0}, {"/lib32", libraries, 0}, {"/lib64", libraries, 0}, {"/libx32", libraries, 0}, {"/libo32", libraries, 0},
	{"/usr/lib", libraries, 5}, {"/usr/lib32", libraries, 5}, {"/usr/lib64", libraries, 5}, {"/usr/libx32", libraries, 5},
	{"/usr/local/lib", libraries, 5}, {"/usr/local/lib32", libraries, 5}, {"/usr/local/lib64", libraries, 5}, {"/usr/local/libexec", everything, 3},
	{"/usr/lib/systemd", everything, 4}, {"/lib/systemd", everything, 4}, {"/usr/local/lib/systemd", everything, 4},
	{"/run/systemd/system", everything, 3}, {"/run/systemd/generator", everything, 2},
	{"/boot", everything, 4}, {"/efi", everything, 4},
	{"/var/log", everything, 3},
	{"/var/spool/cron", everything, 2}, {"/var/spool/at", everything, 1}, {"/var/spool/anacron", everything, 1},
	{"/root", everything, 2}, {"/home", everything, 3}, // two levels of each home
	{"/", everything, 1}, {"/usr", everything, 1}, {"/usr/local", everything, 1}, {"/usr/share", folders, 1},
	{"/var", everything, 1}, {"/var/lib", folders, 1}, {"/var/spool", everything, 1}, {"/opt", folders, 2}, {"/srv", folders, 1},
	{"/run/log", everything, 2}, {"/mnt", folders, 1}, {"/media", folders, 1},
	{path: "/tmp", kind: itself}, {path: "/var/tmp", kind: itself}, {path: "/dev/shm", kind: itself}, {path: "/dev/null", kind: itself},
	{path: "/tmp/tmp-inst", kind: itself}, {path: "/var/tmp/tmp-inst", kind: itself},
	{path: "/run/.containerenv", kind: itself}, {path: "/run/ostree-booted", kind: itself}, {path: "/run/nologin", kind: itself},
	{path: "/run/utmp", kind: itself}, {path: "/run/sshd", kind: itself},
	{path: "/sys/firmware/efi", kind: itself}, {path: "/sys/firmware/opal", kind: itself}, {path: "/sys/fs/selinux", kind: itself},
}

// live tells whether only a running system has the root: an image's empty /sys
// says nothing about the machine.
func (r root) live() bool {
	for _, of := range []string{"/sys/", "/dev/", "/run/"} {
		if strings.HasPrefix(r.path, of) {
			return true
		}
	}
	return false
}

// patterns are the scope that a root makes: paths of which "there is no record"
// means "there is no file".
func (r root) patterns() []string {
	switch r.kind {
	case itself:
		return []string{r.path}
	case everything:
		return append(r.levels("*"), r.path)
	case libraries:
		return append(append(r.levels("*.so"), r.levels("*.so.*")...), r.path)
	}
	return []string{r.path} // which of its entries are folders, no pattern tells
}

// levels are the patterns of entries with such names at every depth.
func (r root) levels(name string) []string {
	base := r.path
	if base == "/" {
		base = ""
	}
	if r.depth == 0 && name == "*" {
		return []string{base + "/**"}
	}
	if r.depth == 0 {
		return []string{base + "/**/" + name}
	}
	var list []string
	for range r.depth {
		list = append(list, base+"/"+name)
		base += "/*"
	}
	return list
}

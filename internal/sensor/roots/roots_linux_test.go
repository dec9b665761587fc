package roots_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/sensor/roots/rootstest"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	os.Exit(m.Run())
}

const release = "ID=made\nVERSION_ID=1\n"

var procFS = proc.New("/proc")

func host(t *testing.T) *hostfs.FS {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	return fs
}

// scan looks at these processes and the test itself.
func scan(t *testing.T, pids ...int) *roots.Table {
	t.Helper()
	pids = append(pids, os.Getpid())
	slices.Sort(pids)
	table, err := roots.Scan(t.Context(), procFS, host(t), os.Getpid(), pids)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWhoseRoot(t *testing.T) {
	system := rootstest.Tree(t, map[string]string{"etc/os-release": release})
	jail := rootstest.Tree(t, nil)
	one := rootstest.Start(t, rootstest.Pivot, system)
	service := rootstest.Start(t, rootstest.Private, "")
	chroot := rootstest.Start(t, rootstest.Chroot, rootstest.Tree(t, map[string]string{"etc/os-release": release}))
	shut := rootstest.Start(t, rootstest.Chroot, jail)
	bare := rootstest.Start(t, rootstest.Pivot, jail)
	hosts := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"usr/": ""}), "/usr=usr")
	table := scan(t, one, service, chroot, shut, bare, hosts)

	ns, err := procFS.Namespace(one, "mnt")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		pid    int
		host   bool
		prefix string // of the container's id
	}{
		{"the test", os.Getpid(), true, ""},
		{"a container", one, false, "mnt-" + itoa(ns)},
		{"a service with a mount namespace of its own", service, true, ""},
		{"a system in a folder", chroot, false, "chroot-"},
		{"a daemon in an empty folder", shut, false, ""},
		{"a root with nothing in it", bare, false, ""},
		{"a sandbox of the host's programs", hosts, true, ""},
	} {
		r := table.Of(tt.pid)
		if r == nil {
			t.Errorf("%s: nothing is known", tt.name)
			continue
		}
		id := table.Container(tt.pid)
		if r.Host != tt.host || id != r.Container || tt.prefix == "" && id != "" || !strings.HasPrefix(id, tt.prefix) {
			t.Errorf("%s: %+v in %q", tt.name, r, id)
		}
	}
	if len(table.Containers) != 2 {
		t.Errorf("%d containers, want 2", len(table.Containers))
	}
}

func itoa(n uint64) string {
	var digits []byte
	for ; n > 0; n /= 10 {
		digits = append([]byte{byte('0' + n%10)}, digits...)
	}
	return string(digits)
}

// What the kernel tells of a file is told below the top of the mount namespace.
func TestPlace(t *testing.T) {
	tree := rootstest.Tree(t, map[string]string{"etc/os-release": release})
	pivot, chroot := rootstest.Start(t, rootstest.Pivot, tree), rootstest.Start(t, rootstest.Chroot, rootstest.Tree(t, map[string]string{"etc/os-release": release}))
	sandbox, back := rootstest.Start(t, rootstest.Sandbox, rootstest.Tree(t, map[string]string{"etc/os-release": release})), rootstest.Start(t, rootstest.Sandbox, t.TempDir(), "/=.")
	shut, service := rootstest.Start(t, rootstest.Chroot, rootstest.Tree(t, nil)), rootstest.Start(t, rootstest.Private, "")
	table := scan(t, pivot, chroot, sandbox, back, shut, service)
	for _, tt := range []struct {
		name   string
		pid    int
		host   bool
		inside string
	}{
		{"a container", pivot, false, rootstest.Program},
		{"a system in a folder", chroot, false, rootstest.Program},
		{"a system in a folder, in a mount namespace of its own", sandbox, false, rootstest.Program},
		{"a service", service, true, "/usr/bin/cat"},
		{"who has gone back to the host's root", back, true, "/usr/bin/cat"},
	} {
		exe, _, err := procFS.Exe(tt.pid)
		if err != nil {
			t.Fatal(err)
		}
		if r, inside := table.Place(tt.pid, exe); r == nil || r.Host != tt.host || inside != tt.inside {
			t.Errorf("%s: %s is at %q of %+v", tt.name, exe, inside, r)
		}
	}
	// What a daemon has mapped before it shut itself in is the host's.
	if r, inside := table.Place(shut, "/usr/sbin/sshd"); r == nil || !r.Host || inside != "/usr/sbin/sshd" {
		t.Errorf("%q of %+v", inside, r)
	}
	if r, _ := table.Place(chroot, "/usr/sbin/sshd"); r == nil || !r.Host {
		t.Errorf("a file outside of the folder: %+v", r)
	}
	if r, _ := table.Place(1<<22+1, "/x"); r != nil {
		t.Errorf("of a process that is not there: %+v", r)
	}
}

func TestOpen(t *testing.T) {
	tree := rootstest.Tree(t, map[string]string{"etc/os-release": release, "out": "-> /etc/shadow", "up": "-> ../../../../etc/passwd", "volume/": ""})
	volume := t.TempDir()
	if err := os.WriteFile(volume+"/x", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	pid := rootstest.Start(t, rootstest.Pivot, tree, volume+"=volume")
	table := scan(t, pid)
	root := table.Of(pid)
	fs, by, err := root.Open(procFS)
	if err != nil || by != pid {
		t.Fatalf("%d, %v", by, err)
	}
	defer fs.Close()
	for _, name := range []string{"/out", "/up", "/etc/passwd", "/proc/1/root/etc/passwd", "/../../etc/passwd"} {
		if data, _, err := fs.ReadFile(name, 100); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := fs.Stat("/volume/x"); !errors.Is(err, hostfs.ErrOtherMount) {
		t.Errorf("a volume: %v", err)
	}
	if resolved, err := fs.Resolve("/etc/os-release"); err != nil || resolved != "/etc/os-release" {
		t.Errorf("%q, %v", resolved, err)
	}

	// What is open stays readable when the container ends; it can't be opened again.
	kill(t, pid)
	if data, _, err := fs.ReadFile("/etc/os-release", 100); err != nil || string(data) != release {
		t.Errorf("after its end: %q, %v", data, err)
	}
	if _, _, err := root.Open(procFS); !errors.Is(err, roots.ErrEnded) {
		t.Errorf("after its end: %v", err)
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	for {
		// The one who has started it waits for it at the test's end: it is a zombie.
		if _, err := procFS.Root(pid); err != nil {
			return
		}
	}
}

// A number that another process has got is not taken for the one that was seen.
func TestReusedNumber(t *testing.T) {
	files := map[string]string{"etc/os-release": release}
	one, other := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files)), rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, files))
	root := scan(t, one).Of(one)
	root.PIDs = []int{other, os.Getpid()}
	if _, _, err := root.Open(procFS); !errors.Is(err, roots.ErrEnded) {
		t.Errorf("another's root was opened: %v", err)
	}
	root.PIDs = []int{other, one}
	fs, pid, err := root.Open(procFS)
	if err != nil || pid != one {
		t.Fatalf("%d, %v", pid, err)
	}
	fs.Close()
}

func TestOwners(t *testing.T) {
	lists := map[string]string{
		"etc/os-release":                        release,
		"var/lib/dpkg/status":                   "Package: made-coreutils\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
		"var/lib/dpkg/info/made-coreutils.list": "/.\n/bin/cat\n",
	}
	for _, how := range []rootstest.How{rootstest.Pivot, rootstest.Chroot} {
		pid := rootstest.Start(t, how, rootstest.Tree(t, lists))
		table := scan(t, pid)
		exe, _, err := procFS.Exe(pid)
		if err != nil {
			t.Fatal(err)
		}
		owners := roots.NewOwners(table, procFS, host(t), nil)
		owners.Want(pid, exe)
		owners.Want(pid, "/memfd:jit")
		owners.Want(os.Getpid(), "/usr/bin/no-such-program")
		hosts, contained, err := owners.Find(t.Context())
		if hosts != nil || contained != nil || err != nil {
			t.Errorf("%s: %v, %v, %v", how, hosts, contained, err)
		}
		if got := owners.Of(pid, exe); got != "made-coreutils" {
			t.Errorf("%s: the owner of %s is %q", how, exe, got)
		}
		if got := owners.Of(os.Getpid(), exe); got != "" {
			t.Errorf("%s: the host's %s has the owner %q", how, exe, got)
		}
	}
}

// What was found is found again without a search, until something is installed.
func TestKnownOwners(t *testing.T) {
	const list = "var/lib/dpkg/info/made.list"
	tree := rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/dpkg/status": "Package: made\n", list: "/.\n" + rootstest.Program + "\n"})
	pid := rootstest.Start(t, rootstest.Pivot, tree)
	exe, _, err := procFS.Exe(pid)
	if err != nil {
		t.Fatal(err)
	}
	known := new(roots.Known)
	owner := func(path string) string {
		owners := roots.NewOwners(scan(t, pid), procFS, host(t), known)
		owners.Want(pid, path)
		if _, contained, err := owners.Find(t.Context()); contained != nil || err != nil {
			t.Errorf("%v, %v", contained, err)
		}
		return owners.Of(pid, path)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := owner(exe); got != "made" {
		t.Errorf("at first: %q", got)
	}
	// Nobody changes a list like this: it shows that it is not read again.
	write(list, "/.\n/other\n")
	if got := owner(exe); got != "made" {
		t.Errorf("at the second look: %q", got)
	}
	if got := owner("/other"); got != "made" {
		t.Errorf("a path that was not asked for: %q", got)
	}
	if got := owner(exe); got != "" {
		t.Errorf("of what was not wanted at the last look something is remembered: %q", got)
	}
	write("var/lib/dpkg/info/new.list", "/.\n"+rootstest.Program+"\n")
	if got := owner(exe); got != "new" {
		t.Errorf("after something was installed: %q", got)
	}
}

// A container's volume where its lists of files would be is a gap, not an answer.
func TestOwnersOnAnotherMount(t *testing.T) {
	pid := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release, "var/lib/": ""}), t.TempDir()+"=var/lib")
	owners := roots.NewOwners(scan(t, pid), procFS, host(t), nil)
	owners.Want(pid, rootstest.Program)
	if hosts, contained, err := owners.Find(t.Context()); hosts != nil || len(contained) != 1 || err != nil {
		t.Errorf("%v, %v, %v", hosts, contained, err)
	}
}

func TestGroups(t *testing.T) {
	tree, id := rootstest.Tree(t, nil), strings.Repeat("0123456789abcdef", 4)
	pid := rootstest.Start(t, rootstest.Pivot, tree)
	jail := rootstest.Start(t, rootstest.Chroot, rootstest.Tree(t, nil))
	rootstest.Group(t, pid, "docker-"+id+".scope")
	rootstest.Group(t, jail, "docker-"+id+".scope/jail")
	onHost := rootstest.Start(t, rootstest.Private, "")
	rootstest.Group(t, onHost, "docker-"+strings.Repeat("12", 32)+".scope")
	table := scan(t, pid, jail, onHost)
	if r := table.Of(onHost); !r.Host || table.Container(onHost) != "" {
		t.Errorf("with the host's root: %+v in %q", r, table.Container(onHost))
	}
	if r := table.Of(pid); r.Container != id || r.Runtime != "docker" {
		t.Errorf("%+v", r)
	}
	// Whatever a user makes does not push those of a manager out of the bounds.
	own := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, map[string]string{"etc/os-release": release}))
	later := rootstest.Start(t, rootstest.Pivot, rootstest.Tree(t, nil))
	rootstest.Group(t, later, "docker-"+strings.Repeat("34", 32)+".scope")
	if c := scan(t, own, later).Containers; len(c) != 2 || c[0].PIDs[0] != later {
		t.Errorf("the first is %+v", c[0])
	}
	// The daemon that has shut itself in is in the container, and none of its own.
	if r := table.Of(jail); r.Container != "" || table.Container(jail) != id || len(table.Containers) != 1 {
		t.Errorf("%+v in %q, %d containers", r, table.Container(jail), len(table.Containers))
	}
}

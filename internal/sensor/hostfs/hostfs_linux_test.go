package hostfs

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/testenv"
)

// image makes a tree of files: name to content; "-> target" makes a link, "|" a
// pipe, and a name that ends in a slash a folder.
func image(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range tree {
		full := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		target, link := strings.CutPrefix(content, "-> ")
		switch {
		case link:
			must(t, os.Symlink(target, full))
		case content == "|":
			must(t, unix.Mkfifo(full, 0o644))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(full, 0o755))
		default:
			must(t, os.WriteFile(full, []byte(content), 0o644))
		}
	}
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, root string) *FS {
	t.Helper()
	f, err := Open(root)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// Under an image no path and no link leads out of it: absolute links and any
// number of ".." mean the image.
func TestImageIsTheRoot(t *testing.T) {
	root := image(t, map[string]string{
		"etc/passwd":      "of the image",
		"etc/absolute":    "-> /etc/passwd",
		"etc/up":          "-> ../../../../../../etc/passwd",
		"etc/twice":       "-> absolute",
		"lib":             "-> usr/lib",
		"usr/lib/x":       "x",
		"etc/loop":        "-> loop2",
		"etc/loop2":       "-> loop",
		"etc/dangling":    "-> /not/there",
		"etc/magic":       "-> /proc/self/root/etc/hostname",
		"etc/pipe":        "|",
		"etc/pipelink":    "-> pipe",
		"etc/folder/":     "",
		"etc/folder/a.so": "",
	})
	f := open(t, root)
	for _, name := range []string{"/etc/passwd", "etc/passwd", "/etc/absolute", "/etc/up", "/etc/twice", "/../../etc/passwd"} {
		data, more, err := f.ReadFile(name, 100)
		if string(data) != "of the image" || more || err != nil {
			t.Errorf("%s: %q, %v, %v", name, data, more, err)
		}
	}
	for name, want := range map[string]string{
		"/etc/absolute": "/etc/passwd", "/etc/up": "/etc/passwd", "/lib/x": "/usr/lib/x", "/etc/../lib/x": "/usr/lib/x", "/": "/",
	} {
		for how, resolve := range map[string]func(string) (string, error){
			"Resolve": f.Resolve,
			"Follow":  func(n string) (string, error) { return f.Follow(n, func(string) error { return nil }) },
		} {
			if got, err := resolve(name); got != want || err != nil {
				t.Errorf("%s(%s) = %q, %v; want %q", how, name, got, err, want)
			}
		}
	}
	for name, want := range map[string]error{
		"/etc/loop": syscall.ELOOP, "/etc/dangling": fs.ErrNotExist, "/etc/magic": fs.ErrNotExist,
		"/etc/pipe": ErrNotRegular, "/etc/pipelink": ErrNotRegular, "/etc/folder": ErrNotRegular, "/etc/passwd/x": syscall.ENOTDIR,
	} {
		if _, _, err := f.ReadFile(name, 100); !errors.Is(err, want) {
			t.Errorf("ReadFile(%s): %v, want %v", name, err, want)
		}
	}
	if _, err := f.Follow("/etc/loop", func(string) error { return nil }); !errors.Is(err, ErrLinkLoop) {
		t.Errorf("Follow(loop): %v", err)
	}
	no := errors.New("no")
	if _, err := f.Follow("/etc/absolute", func(p string) error {
		if p == "/etc/passwd" {
			return no
		}
		return nil
	}); !errors.Is(err, no) {
		t.Errorf("Follow went on against an objection: %v", err)
	}
}

func TestOpenIfJudgesWhatItOpens(t *testing.T) {
	f := open(t, image(t, map[string]string{"a": "-> /secret", "secret": "s"}))
	var judged string
	_, err := f.OpenIf("/a", func(resolved string) error {
		judged = resolved
		return errors.New("no")
	})
	if judged != "/secret" || err == nil || err.Error() != "no" {
		t.Errorf("judged %q, %v", judged, err)
	}
	file, err := f.OpenIf("/a", func(string) error { return nil })
	must(t, err)
	file.Close()
}

func TestBounds(t *testing.T) {
	f := open(t, image(t, map[string]string{"f": "0123456789", "d/a": "", "d/b": "", "d/c": ""}))
	if data, more, err := f.ReadFile("/f", 4); string(data) != "0123" || !more || err != nil {
		t.Errorf("%q %v %v", data, more, err)
	}
	if data, more, err := f.ReadFile("/f", 10); string(data) != "0123456789" || more || err != nil {
		t.Errorf("%q %v %v", data, more, err)
	}
	if names, more, err := f.ReadDir("/d", 2); len(names) != 2 || !more || err != nil {
		t.Errorf("%v %v %v", names, more, err)
	}
	if _, _, err := f.ReadDir("/f", 2); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("listing a file: %v", err)
	}
	if _, err := f.Readlink("/f"); err == nil {
		t.Error("a file was read as a link")
	}
	folder, err := f.OpenFolder("/d")
	must(t, err)
	defer folder.Close()
	var all []string
	for {
		names, err := folder.Next(2)
		must(t, err)
		if len(names) == 0 {
			break
		}
		all = append(all, names...)
	}
	if slices.Sort(all); !slices.Equal(all, []string{"a", "b", "c"}) {
		t.Errorf("listed %v", all)
	}
}

func TestAgainIsBounded(t *testing.T) {
	tries := 0
	if _, err := again(func() (int, error) { tries++; return -1, unix.EAGAIN }); err != unix.EAGAIN || tries != maxTries {
		t.Errorf("%d tries, %v", tries, err)
	}
}

// A folder's entries are never followed, and a mount point in it is not entered.
func TestFolderStays(t *testing.T) {
	f := open(t, image(t, map[string]string{"d/sub/x": "", "d/link": "-> sub", "d/out": "-> /"}))
	folder, err := f.OpenFolder("/d")
	must(t, err)
	defer folder.Close()
	sub, err := folder.Folder("sub")
	must(t, err)
	if sub.Path != "/d/sub" {
		t.Errorf("path %q", sub.Path)
	}
	sub.Close()
	for _, name := range []string{"link", "out", ".."} {
		if sub, err := folder.Folder(name); err == nil {
			sub.Close()
			t.Errorf("%s was entered", name)
		}
	}
	live := open(t, "/")
	top, err := live.OpenFolder("/")
	must(t, err)
	defer top.Close()
	if sub, err := top.Folder("proc"); err == nil {
		sub.Close()
		t.Error("/proc was entered over its mount point")
	}
}

// A folder opens its own regular files only.
func TestFolderOpens(t *testing.T) {
	f := open(t, image(t, map[string]string{"d/file": "text", "d/link": "-> file", "d/pipe": "|", "d/sub/": "", "secret": "x"}))
	folder, err := f.OpenFolder("/d")
	must(t, err)
	defer folder.Close()
	file, err := folder.Open("file")
	must(t, err)
	defer file.Close()
	data := make([]byte, 10)
	if n, _ := file.Read(data); string(data[:n]) != "text" || file.Name() != "/d/file" {
		t.Errorf("%s has %q", file.Name(), data[:n])
	}
	for name, want := range map[string]error{
		"link": ErrNotRegular, "pipe": ErrNotRegular, "sub": ErrNotRegular, "none": fs.ErrNotExist, "../secret": unix.EINVAL, "..": unix.EINVAL,
	} {
		if file, err := folder.Open(name); !errors.Is(err, want) {
			file.Close()
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Reading leaves the access time as it was: of files, links and folders.
func TestAccessTimeStays(t *testing.T) {
	root := image(t, map[string]string{"d/f": "x", "d/l": "-> f"})
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	names := []string{"d/f", "d/l", "d", "."}
	for _, name := range names { // older than the modification: relatime would update
		ts := []unix.Timespec{unix.NsecToTimespec(old.UnixNano()), unix.NsecToTimespec(old.Add(time.Hour).UnixNano())}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(root, name), ts, unix.AT_SYMLINK_NOFOLLOW))
	}
	f := open(t, root)
	_, _, err := f.ReadFile("/d/l", 10)
	must(t, err)
	_, _, err = f.ReadDir("/d", 10)
	must(t, err)
	folder, err := f.OpenFolder("/")
	must(t, err)
	_, err = folder.Next(10)
	must(t, err)
	sub, err := folder.Folder("d")
	must(t, err)
	_, err = sub.Next(10)
	must(t, err)
	_, err = sub.Xattr("f", "system.posix_acl_access")
	must(t, err)
	file, err := sub.Open("f")
	must(t, err)
	_, err = file.Read(make([]byte, 1))
	must(t, err)
	file.Close()
	sub.Close()
	folder.Close()
	for _, name := range names {
		var st unix.Stat_t
		must(t, unix.Lstat(filepath.Join(root, name), &st))
		if got := time.Unix(st.Atim.Unix()).UTC(); !got.Equal(old) && name != "d/l" { // see the package's doc comment
			t.Errorf("%s: access time %s", name, got)
		}
	}
}

func TestDevices(t *testing.T) {
	testenv.NeedRoot(t)
	root := image(t, map[string]string{"etc/": ""})
	dev := filepath.Join(root, "etc/dev")
	if err := unix.Mknod(dev, unix.S_IFCHR|0o666, int(unix.Mkdev(5, 0))); err != nil {
		testenv.Missing(t, "mknod")
	}
	f := open(t, root)
	if _, err := f.Open("/etc/dev"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("opening a device: %v", err)
	}
	if info, err := f.Lstat("/etc/dev"); err != nil || info.Mode&fs.ModeCharDevice == 0 {
		t.Errorf("%+v %v", info, err)
	}
}

func TestAbsentRoot(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestLeasedFile opens a file on which its owner has a lease, which holds up whoever
// opens it for lease-break-time (45 s, fcntl(2)): the sensor is told instead.
func TestLeasedFile(t *testing.T) {
	dir := image(t, map[string]string{"f": "x"})
	f := open(t, dir)
	owner, err := os.OpenFile(filepath.Join(dir, "f"), os.O_RDWR, 0)
	must(t, err)
	defer owner.Close()
	// The kernel asks for the lease back with SIGIO.
	signal.Ignore(syscall.SIGIO)
	defer signal.Reset(syscall.SIGIO)
	if _, err := unix.FcntlInt(owner.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		testenv.Missing(t, "leases in the file system of the test's folder: "+err.Error())
		return
	}
	if _, _, err := f.ReadFile("/f", 10); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("opening a leased file: %v", err)
	}
	if _, err := f.OpenIf("/f", func(string) error { return nil }); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("opening a leased file: %v", err)
	}
}

// TestOpenMount leaves what is mounted below the root alone.
func TestOpenMount(t *testing.T) {
	fs, err := OpenMount("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	for _, name := range []string{"/proc/self/stat", "/proc", "/etc/../proc/1"} {
		if _, err := fs.Stat(name); !errors.Is(err, ErrOtherMount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.Stat("/etc"); err != nil {
		t.Error(err)
	}
	folder, err := fs.OpenFolder("/")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if _, err := folder.Lstat("proc"); !errors.Is(err, ErrOtherMount) {
		t.Errorf("an entry that is a mount: %v", err)
	}
	if info, err := folder.Lstat("etc"); err != nil || !info.Mode.IsDir() || info.Name != "etc" {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := folder.Folder("proc"); err == nil {
		t.Error("a mount was opened")
	}
}

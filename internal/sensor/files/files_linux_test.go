package files

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func collect(t *testing.T, root string, live bool, only ...string) (map[string]*telemetry.File, telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	files := map[string]*telemetry.File{}
	c, err := New().Collect(context.Background(), &sensor.Host{FS: fs, Live: live, Only: only}, func(r telemetry.Record) error {
		f := r.(*telemetry.File)
		if files[f.Path] != nil && f.Unlisted == "" {
			t.Errorf("%s was emitted twice", f.Path)
		}
		files[f.Path] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, root, name string) string {
	t.Helper()
	full := filepath.Join(root, name)
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(t, os.WriteFile(full, []byte("x"), 0o644))
	return full
}

func TestScope(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"etc/a/b/c/d/e", "usr/bin/x", "usr/lib/x.so.1", "usr/lib/a/b.so", "usr/lib/a/b.txt", "usr/lib/1/2/3/4/five.so", "usr/lib/1/2/3/4/5/six.so",
		"usr/lib/systemd/system/a.service", "home/bob/.ssh/id", "home/bob/.ssh/deep/x", "root/.bashrc", "var/log/a/b", "tmp/x", "srv/f", "boot/vmlinuz", "etc/odd\xff"} {
		write(t, root, name)
	}
	must(t, os.Symlink("usr/lib", filepath.Join(root, "lib")))
	must(t, os.Symlink("usr/bin", filepath.Join(root, "bin")))
	must(t, os.Symlink("/etc", filepath.Join(root, "etc/loop")))
	must(t, unix.Mkfifo(filepath.Join(root, "etc/pipe"), 0o644))
	files, c := collect(t, root, false)
	for _, there := range []string{"/", "/etc", "/etc/a/b/c/d/e", "/usr/bin/x", "/usr/lib/x.so.1", "/usr/lib/a/b.so", "/usr/lib/1/2/3/4/five.so", "/usr/lib/1/2/3/4/5",
		"/usr/lib/systemd/system/a.service", "/home/bob/.ssh/id", "/home/bob/.ssh/deep", "/root/.bashrc", "/var/log/a/b", "/tmp", "/boot/vmlinuz", "/lib", "/bin", "/usr", "/var", "/home", "/etc/odd\uFFFD"} {
		if files[there] == nil || files[there].Problem != "" {
			t.Errorf("%s is missing: %+v", there, files[there])
		}
	}
	for _, not := range []string{"/usr/lib/a/b.txt", "/usr/lib/1/2/3/4/5/six.so", "/home/bob/.ssh/deep/x", "/tmp/x", "/srv/f", "/lib/x.so.1", "/etc/loop/a"} {
		if files[not] != nil {
			t.Errorf("%s was collected", not)
		}
		if telemetry.InScope(c.Scope, not) && not != "/etc/loop/a" {
			t.Errorf("%s is in the scope, and its absence would be believed", not)
		}
	}
	if f := files["/etc/loop"]; f.Kind != telemetry.Symlink || f.Target != "/etc" {
		t.Errorf("%+v", f)
	}
	if f := files["/etc/pipe"]; f.Kind != telemetry.Pipe {
		t.Errorf("%+v", f)
	}
	if f := files["/etc/odd\uFFFD"]; string(f.Raw) != "/etc/odd\xff" {
		t.Errorf("%+v", f)
	}
	if c.State != telemetry.Complete || !telemetry.InScope(c.Scope, "/etc/shadow") || !telemetry.InScope(c.Scope, "/usr/lib64/security/x.so") {
		t.Errorf("%+v", c)
	}
	files, c = collect(t, root, false, "/etc/a/**")
	if files["/etc"] != nil || files["/etc/a/b/c/d/e"] == nil || !slices.Equal(c.Scope, []string{"/etc/a/**"}) {
		t.Errorf("narrowed: %v %+v", files, c)
	}
}

func TestAgainstStat(t *testing.T) {
	program := testenv.Need(t, "stat", "coreutils")
	files, c := collect(t, "/", true)
	if os.Geteuid() == 0 && c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	var paths []string
	for path, f := range files {
		if f.Raw == nil && f.Problem == "" && !strings.Contains(path, "\n") && !strings.HasPrefix(path, "/tmp") && !strings.HasPrefix(path, "/run") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	paths = append(paths[:min(len(paths), 2000)], "/etc/shadow", "/usr/bin/passwd", "/bin", "/etc/os-release")
	out, _ := exec.Command(program, append([]string{"-c", "%n|%a|%u|%g|%s|%Y|%h|%i|%d"}, paths...)...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	bad := 0
	for _, line := range lines {
		name, want, _ := strings.Cut(line, "|")
		f := files[name]
		if f == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		got := fmt.Sprintf("%o|%d|%d|%d|%d|%d|%d|%d", f.Mode, f.UID, f.GID, f.Size, f.MTime.Unix(), f.Links, f.Inode, f.Device)
		if got != want && !f.MTime.IsZero() && !strings.HasPrefix(name, "/var") && f.Kind != telemetry.Directory {
			if bad++; bad < 10 {
				t.Errorf("%s: stat says %s, we %s", name, want, got)
			}
		}
	}
	if len(lines) < 500 {
		t.Errorf("only %d files were compared", len(lines))
	}
}

// Access control lists are those that getfacl prints.
func TestAgainstGetfacl(t *testing.T) {
	setfacl, getfacl := testenv.Need(t, "setfacl", "acl"), testenv.Need(t, "getfacl", "acl")
	root := t.TempDir()
	for i, acl := range []string{"u:1000:rwx", "u:1000:r,u:1001:rw,g:100:x,m::rx", "g:4294967294:rwx", "u::rw,g::r,o::-"} {
		name := write(t, root, fmt.Sprintf("etc/f%d", i))
		if out, err := exec.Command(setfacl, "-m", acl, name).CombinedOutput(); err != nil {
			testenv.Missing(t, "a file system with access control lists: "+string(out))
		}
	}
	folder := filepath.Join(root, "etc/d")
	must(t, os.Mkdir(folder, 0o750))
	if out, err := exec.Command(setfacl, "-m", "u:7:rwx,d:u:8:rx,d:g:9:w", folder).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	files, _ := collect(t, root, false)
	compared := 0
	for _, name := range []string{"/etc/f0", "/etc/f1", "/etc/f2", "/etc/f3", "/etc/d", "/etc"} {
		out, err := exec.Command(getfacl, "-n", "-c", "-E", "-p", filepath.Join(root, name)).Output()
		must(t, err)
		want := strings.TrimSpace(string(out))
		f := files[name]
		got := text(f.ACL, "")
		if f.ACL == nil { // the mode is all there is
			got = text([]telemetry.ACL{{Tag: "user_obj", Perm: uint8(f.Mode >> 6 & 7)}, {Tag: "group_obj", Perm: uint8(f.Mode >> 3 & 7)}, {Tag: "other", Perm: uint8(f.Mode & 7)}}, "")
		} else {
			compared++
		}
		if got += text(f.Default, "default:"); strings.TrimSpace(got) != want {
			t.Errorf("%s: getfacl says\n%s\nwe\n%s", name, want, got)
		}
	}
	if compared != 4 {
		t.Errorf("%d files have lists", compared)
	}
}

func text(acl []telemetry.ACL, prefix string) string {
	var b strings.Builder
	for _, e := range acl {
		id := ""
		if e.Tag == "user" || e.Tag == "group" {
			id = fmt.Sprint(e.ID)
		}
		perm := []byte("---")
		for i, c := range []byte("rwx") {
			if e.Perm&(4>>i) != 0 {
				perm[i] = c
			}
		}
		fmt.Fprintf(&b, "%s%s:%s:%s\n", prefix, strings.TrimSuffix(e.Tag, "_obj"), id, perm)
	}
	return b.String()
}

func TestBadACL(t *testing.T) {
	for _, bad := range [][]byte{{}, {1, 2, 3}, {3, 0, 0, 0}, {2, 0, 0, 0, 1}, {2, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0}} {
		if acl, err := DecodeACL(bad); err == nil {
			t.Errorf("%v: %v", bad, acl)
		}
	}
}

func FuzzACL(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		acl, err := DecodeACL(data)
		if err == nil && len(acl)*8+4 != len(data) {
			t.Fatalf("%d entries of %d bytes", len(acl), len(data))
		}
	})
}

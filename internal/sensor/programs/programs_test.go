//go:build linux

package programs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots/rootstest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	if len(os.Args) > 2 && os.Args[1] == "map" {
		mapAll(os.Args[2:])
	}
	os.Exit(m.Run())
}

// mapAll maps files as a loader would and waits to be killed. "memfd" is a file in
// memory.
func mapAll(paths []string) {
	for _, path := range paths {
		fd, err := unix.Open(path, unix.O_RDONLY, 0)
		if path == "memfd" {
			fd, err = unix.MemfdCreate("jit", 0)
			unix.Ftruncate(fd, 4096)
		}
		if err == nil {
			_, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, path, err)
			os.Exit(1)
		}
	}
	fmt.Println("mapped")
	time.Sleep(time.Hour)
}

// start runs a program until the test ends, once it has said that it is ready.
func start(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%v has not started: %v", cmd.Args, err)
	}
	return cmd.Process.Pid
}

func mapping(t *testing.T, paths ...string) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, exec.Command(self, append([]string{"map"}, paths...)...))
}

type snapshot struct {
	programs []*telemetry.Program
	folders  map[string]*telemetry.File
	coverage telemetry.Coverage
	text     string
}

func collect(t *testing.T) snapshot {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	s := snapshot{folders: map[string]*telemetry.File{}}
	s.coverage, err = New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		switch r := r.(type) {
		case *telemetry.Program:
			s.programs = append(s.programs, r)
		case *telemetry.File:
			if s.folders[r.Path] != nil {
				t.Errorf("the folder %s was told twice", r.Path)
			}
			s.folders[r.Path] = r
		}
		line, err := json.Marshal(r)
		s.text += string(line) + "\n"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one is the program at a path, which must have been told exactly once.
func (s snapshot) one(t *testing.T, path string) telemetry.Program {
	t.Helper()
	var found []*telemetry.Program
	for _, p := range s.programs {
		if p.Path == path {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s was told %d times; the coverage is %+v", path, len(found), s.coverage)
	}
	for _, above := range found[0].Above {
		if s.folders[above] == nil {
			t.Errorf("of %s, above %s, nothing was told", above, path)
		}
	}
	return *found[0]
}

// complete checks that nothing was missed but processes that the machine shows to
// nobody.
func (s snapshot) complete(t *testing.T) {
	t.Helper()
	if _, err := os.Readlink("/proc/1/exe"); errors.Is(err, os.ErrPermission) && strings.Contains(s.coverage.Reason, "refused to show 1 of") {
		return
	}
	if s.coverage.State != telemetry.Complete {
		t.Errorf("%+v", s.coverage)
	}
}

// compile makes a program or a library of lines of C.
func compile(t *testing.T, out, source string, flags ...string) string {
	t.Helper()
	gcc := testenv.Need(t, "gcc", "gcc")
	file := filepath.Join(t.TempDir(), "main.c")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(gcc, append([]string{"-w", "-o", out, file}, flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, text)
	}
	return out
}

const loader = `
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int n, char **v) {
	for (int i = 1; i < n; i++)
		if (!dlopen(v[i], RTLD_NOW)) { fprintf(stderr, "%s\n", dlerror()); return 1; }
	puts("loaded");
	fflush(stdout);
	pause();
}`

// Two processes of a program with an executable stack have loaded a library that
// anybody may write to and one that is gone from disk: each is told once, as it is.
func TestGroundTruth(t *testing.T) {
	testenv.NeedRoot(t)
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o751); err != nil {
		t.Fatal(err)
	}
	program := compile(t, dir+"/loader", loader, "-z", "execstack", "-ldl")
	open := compile(t, dir+"/open.so", "int a;", "-shared", "-fPIC")
	gone := compile(t, dir+"/gone.so", "int b;", "-shared", "-fPIC", "-Wl,-z,now")
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(program, open, gone))
	start(t, exec.Command(program, open, gone))
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	s := collect(t)

	p := s.one(t, program)
	if p.ELF == nil || p.ELF.Stack != "executable" || !p.Executed || p.Mapped || !p.Root || p.Deleted || p.Package != "" || p.UID != 0 {
		t.Errorf("the program: %+v, %+v", p, p.ELF)
	}
	p = s.one(t, open)
	if p.ELF == nil || p.ELF.Kind != "shared" || p.ELF.Stack != "protected" || p.Executed || !p.Mapped || !p.Root || p.Mode != 0o777 || p.Deleted {
		t.Errorf("the open library: %+v, %+v", p, p.ELF)
	}
	if len(p.Above) == 0 || p.Above[0] != dir || s.folders[dir].Mode != 0o751 || s.folders["/"].Kind != telemetry.Directory {
		t.Errorf("the folders: %v, %+v", p.Above, s.folders[dir])
	}
	if p = s.one(t, gone); p.ELF == nil || p.ELF.Kind != "shared" || !p.Deleted || !p.Mapped || p.Problem != "" {
		t.Errorf("the deleted library: %+v, %+v", p, p.ELF)
	}
	s.complete(t)
}

// What a process of nobody's has is not root's, and nothing is told of its folders.
func TestNotRoots(t *testing.T) {
	testenv.NeedRoot(t)
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(compile(t, dir+"/loader", loader, "-ldl"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	start(t, cmd)
	s := collect(t)
	if p := s.one(t, dir+"/loader"); p.Root || len(p.Above) != 0 || !p.Executed {
		t.Errorf("%+v", p)
	}
	if s.folders[dir] != nil {
		t.Errorf("a folder that was not asked for: %+v", s.folders[dir])
	}
}

func TestPackagesAndACL(t *testing.T) {
	testenv.Need(t, "dpkg-query", "dpkg")
	testenv.NeedRoot(t)
	setfacl := testenv.Need(t, "setfacl", "acl")
	library := filepath.Join(t.TempDir(), "listed.so")
	if err := os.WriteFile(library, []byte("no ELF file"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(setfacl, "-m", "u:1234:rw", library).CombinedOutput(); err != nil {
		testenv.Missing(t, "a file system with access control lists: "+string(out))
	}
	start(t, exec.Command("/bin/sh", "-c", "echo; exec sleep 1000"))
	mapping(t, library)
	s := collect(t)
	p := s.one(t, library)
	if p.ELF != nil || p.Problem != "" || len(p.ACL) != 5 || p.ACL[1] != (telemetry.ACL{Tag: "user", ID: 1234, Perm: 6}) {
		t.Errorf("%+v", p)
	}
	for _, p := range s.programs {
		if strings.HasPrefix(filepath.Base(p.Path), "libc.so.6") && strings.HasPrefix(p.Package, "libc6") && p.Container == "" && p.ELF != nil {
			return
		}
	}
	t.Error("nobody has mapped the C library of libc6")
}

// Names, kinds and states of files that nobody expects.
func TestHostile(t *testing.T) {
	testenv.NeedRoot(t)
	dir := t.TempDir()
	names := []string{"a\nline", "not \xff UTF-8", "gone (deleted)", "short", "cut"}
	var paths []string
	for _, name := range names {
		path := filepath.Join(dir, name)
		content := "\x7fELF"
		if name == "cut" {
			content = "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x03\x00\x3e\x00" + strings.Repeat("\xff", 60)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	mapping(t, append(paths, "memfd", "/dev/zero")...)
	s := collect(t)
	if p := s.one(t, dir+"/a\nline"); p.Deleted || p.ELF != nil {
		t.Errorf("%+v", p)
	}
	s.one(t, dir+"/not \uFFFD UTF-8")
	if p := s.one(t, dir+"/cut"); p.Problem == "" || p.ELF != nil {
		t.Errorf("a damaged file: %+v", p)
	}
	if p := s.one(t, "/memfd:jit"); !p.Deleted || !p.Mapped || p.Problem != "" {
		t.Errorf("a file in memory: %+v", p)
	}
	for _, p := range s.programs {
		if p.Path == "/dev/zero" {
			t.Errorf("a device: %+v", p)
		}
	}
	s.complete(t)
}

// Ten thousand mappings, most of them of one file: each file is told once.
func TestManyMappings(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range 10_000 {
		path := filepath.Join(dir, fmt.Sprint("lib", i%2000, ".so"))
		if i < 2000 {
			if err := os.WriteFile(path, []byte("\x7fELF"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		paths = append(paths, path)
	}
	mapping(t, paths...)
	s, told := collect(t), 0
	for _, p := range s.programs {
		if strings.HasPrefix(p.Path, dir+"/") {
			told++
		}
	}
	if told != 2000 {
		t.Errorf("%d files were told; %+v", told, s.coverage)
	}
}

// What a container has is read where it is, and its folders are not the host's.
func TestContainer(t *testing.T) {
	tree := rootstest.Tree(t, map[string]string{
		"volume/":                         "",
		"etc/os-release":                  "ID=debian\n",
		"var/lib/dpkg/status":             "Package: made-cat\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
		"var/lib/dpkg/info/made-cat.list": "/.\n/bin/cat\n",
	})
	if err := os.Chmod(tree+rootstest.Program, 0o757); err != nil {
		t.Fatal(err)
	}
	rootstest.Start(t, rootstest.Pivot, tree, rootstest.Silent+"=volume")
	s := collect(t)
	for _, p := range s.programs {
		if p.Package == "made-cat" {
			if p.Container == "" || p.MountNS == 0 || p.Mode != 0o757 || !p.Root || len(p.Above) != 0 || p.ELF == nil {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Errorf("the container's program was not told; %+v", s.coverage)
}

// A service in a mount namespace of its own has the host's files.
func TestPrivateNamespace(t *testing.T) {
	rootstest.Start(t, rootstest.Private, "")
	exe, err := filepath.EvalSymlinks(rootstest.Program)
	if err != nil {
		t.Fatal(err)
	}
	if p := collect(t).one(t, exe); p.MountNS != 0 || p.Container != "" || !p.Root || len(p.Above) == 0 {
		t.Errorf("%+v", p)
	}
}

// A file system that never answers is not asked.
func TestSilent(t *testing.T) {
	o, err := hostfs.OpenObject("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	m, err := newMounts(proc.New("/proc"), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if why, err := m.objection(o, os.Getpid()); why != "" || err != nil {
		t.Fatalf("%q, %v", why, err)
	}
	id, err := o.Mount()
	if err != nil {
		t.Fatal(err)
	}
	m.root = "none"
	for _, kind := range []string{"fuse", "fuse.sshfs", "nfs4", "autofs"} {
		m.known[id] = mount{kind, "0:99"}
		if why, err := m.objection(o, os.Getpid()); why == "" || err != nil {
			t.Errorf("%s: %q, %v", kind, why, err)
		}
	}
	delete(m.known, id)
	if why, err := m.objection(o, os.Getpid()); why == "" || err != nil {
		t.Errorf("mounted nowhere: %q, %v", why, err)
	}
	m.read = map[int]bool{} // as a process that nobody has looked at yet
	if why, err := m.objection(o, os.Getpid()); why != "" || err != nil {
		t.Errorf("mounted for a process: %q, %v", why, err)
	}
}

func TestNotLive(t *testing.T) {
	c, err := New().Collect(t.Context(), &sensor.Host{}, nil)
	if err != nil || c.State != telemetry.NotCollected {
		t.Errorf("%+v, %v", c, err)
	}
}

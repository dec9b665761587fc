package groundtruth

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"assay/internal/sensor/mountinfo"
	"assay/internal/testenv"
)

const nobody = 65534

// stage is a folder with programs of the test's own, which nobody else on this machine
// executes, and the two places where they do. Others work on the machine meanwhile, and
// the agent sees them, too: what is compared is what the stage's programs do, and what
// happens in its namespaces.
type stage struct {
	t           *testing.T
	dir         string
	machine     *place // the test's own
	here, there *place
	container   string // the id of the stage's container
	// busy keeps the inode of a program that is deleted from being another's: only programs
	// in the kernel tell the two apart.
	busy bool
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t}
	s.machine, s.here, s.there = newPlaces(t)
	var err error
	s.dir, err = os.MkdirTemp("", "assay-truth-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	must(t, os.Chmod(s.dir, 0o755)) // nobody executes there, too
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// inside is the path of a program in the stage's container; no other stage has it.
func (s *stage) inside() string { return "/" + filepath.Base(s.dir) + "/inside" }

// contain has a command run in a control group that is named as those of containers are.
func (s *stage) contain(cmd *exec.Cmd) {
	s.t.Helper()
	entries, err := mountinfo.Read("/proc/self/mountinfo")
	must(s.t, err)
	at := slices.IndexFunc(entries, func(e mountinfo.Entry) bool { return e.FileSystem == "cgroup2" })
	if at < 0 {
		testenv.Missing(s.t, "cgroup2")
	}
	s.container = fmt.Sprintf("%064x", os.Getpid())
	group := filepath.Join(entries[at].Point, s.container)
	if err := os.Mkdir(group, 0o755); err != nil {
		testenv.Missing(s.t, fmt.Sprintf("the right to make control groups (%v)", err))
	}
	s.t.Cleanup(func() { os.Remove(group) })
	dir, err := os.Open(group)
	must(s.t, err)
	s.t.Cleanup(func() { dir.Close() })
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
}

// built are the programs and libraries that gcc made, once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// What is built: flags, by name.
var builds = map[string][]string{
	"deed":            {"testdata/deed.c", "-ldl"},
	"deed-execstack":  {"testdata/deed.c", "-ldl", "-z", "execstack"},
	"short":           {"testdata/deed.c", "-DSTATIC", "-static"},
	"short-execstack": {"testdata/deed.c", "-DSTATIC", "-static", "-z", "execstack"},
	"lib":             {"-x", "c", "/dev/null", "-shared", "-fPIC"},
	"lib-execstack":   {"-x", "c", "/dev/null", "-shared", "-fPIC", "-z", "execstack"},
}

func build(gcc string) {
	if built.dir, built.err = os.MkdirTemp("", "assay-truth-built-"); built.err != nil {
		return
	}
	for name, flags := range builds {
		out, err := exec.Command(gcc, append([]string{"-w", "-O1", "-o", filepath.Join(built.dir, name)}, flags...)...).CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build %s: %w\n%s", name, err, out)
			return
		}
	}
}

// put copies what was built to the stage.
func (s *stage) put(name, what string, mode os.FileMode) string {
	s.t.Helper()
	gcc := testenv.Need(s.t, "gcc", "gcc")
	built.once.Do(func() { build(gcc) })
	must(s.t, built.err)
	data, err := os.ReadFile(filepath.Join(built.dir, what))
	must(s.t, err)
	to := s.path(name)
	must(s.t, os.MkdirAll(filepath.Dir(to), 0o755))
	// A program that is open for writing in a child of this process that has only
	// forked cannot be executed: golang.org/issue/22315.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	must(s.t, os.WriteFile(to, data, 0o755))
	must(s.t, os.Chmod(to, mode))
	return to
}

// program is a command of a program of the stage's own.
func (s *stage) program(name, what string, deeds ...string) *exec.Cmd {
	s.t.Helper()
	return exec.Command(s.put(name, what, 0o755), deeds...)
}

// as has a command run by a user who is not root.
func as(uid uint32, cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

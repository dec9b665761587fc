package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/service"
	"assay/internal/testenv"
)

// stage is this host as an overlay of its root: whoever runs on it sees the
// host, and whatever it changes, creates or removes is in the overlay's upper
// folder. Only the agent's own folder is elsewhere, and /proc, /sys and /dev are
// the kernel's.
//
// It is in a mount namespace of the test's thread: the mounts can be seen by the
// goroutine that made the stage, and by processes that it starts. Those are in a PID
// namespace of the stage's own, too, with a process 1 whose root is the stage: to an agent
// there the real host would be a container, all of whose files it looks at as well.
type stage struct {
	t      *testing.T
	root   string // the overlay
	upper  string // what differs from the host
	hidden string // a folder outside of the stage

	user *syscall.Credential // of the agent; nil: root
}

// own is the agent's own folder on the stage.
const own = "/opt/assay-agent"

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageAmong(t, processes)
}

// newStageAmong is a stage with processes that a function arranges for, below its root.
func newStageAmong(t *testing.T, processes func(t *testing.T, root string) error) *stage {
	t.Helper()
	testenv.NeedRoot(t)
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		testenv.Missing(t, fmt.Sprintf("a mount namespace (%v)", err))
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")) // what others mount meanwhile is not our affair
	base, err := os.MkdirTemp("", "assay-stage-")
	must(t, err)
	s := &stage{t: t, root: filepath.Join(base, "root"), upper: filepath.Join(base, "upper"), hidden: filepath.Join(base, "hidden")}
	t.Cleanup(func() {
		// Never recursively: below are the devices of the host.
		unix.Unmount(base, unix.MNT_DETACH)
		os.Remove(base)
	})
	must(t, unix.Mount("tmpfs", base, "tmpfs", unix.MS_STRICTATIME, "mode=0755,size=512m")) // a bound: it is memory
	for _, name := range []string{"root", "upper", "work", "hidden"} {
		must(t, os.Mkdir(filepath.Join(base, name), 0o755))
	}
	if home := bulk(); home != "" {
		// Whoever looks at the stage finds this folder empty.
		must(t, os.MkdirAll(filepath.Join(s.upper, home), 0o700))
		must(t, unix.Setxattr(filepath.Join(s.upper, home), "trusted.overlay.opaque", []byte("y"), 0))
	}
	layers := fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s/work", s.upper, base)
	if err := unix.Mount("overlay", s.root, "overlay", unix.MS_STRICTATIME, layers); err != nil {
		testenv.Missing(t, fmt.Sprintf("an overlay of this host's root (%v)", err))
	}
	must(t, os.MkdirAll(s.path("/proc"), 0o755))
	must(t, processes(t, s.root))
	s.kernel()
	must(t, os.MkdirAll(s.path(own), 0o755))
	s.mount("tmpfs", own, "tmpfs", 0, "mode=0755,size=256m")
	program, err := os.ReadFile(agentProgram)
	must(t, err)
	must(t, os.WriteFile(s.path(own, "assay-agent"), program, 0o755))
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pid is the number that a process has on the stage.
func (s *stage) pid(p *os.Process) int {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
	must(s.t, err)
	_, numbers, _ := strings.Cut(string(status), "\nNSpid:")
	numbers, _, _ = strings.Cut(numbers, "\n")
	all := strings.Fields(numbers)
	if len(all) < 2 {
		s.t.Fatalf("process %d is not in a PID namespace of the stage: %q", p.Pid, all)
	}
	pid, err := strconv.Atoi(all[len(all)-1])
	must(s.t, err)
	return pid
}

// kernel mounts what the kernel shows.
func (s *stage) kernel() {
	s.mount("/sys", "/sys", "", unix.MS_BIND|unix.MS_REC, "")
	must(s.t, unix.MountSetattr(unix.AT_FDCWD, s.path("/sys"), unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
	s.mount("/dev", "/dev", "", unix.MS_BIND|unix.MS_REC, "")
}

// path is where a path of the stage is for this test. No link is followed out of
// the stage as long as the test's own paths have none.
func (s *stage) path(elements ...string) string {
	return filepath.Join(append([]string{s.root}, elements...)...)
}

func (s *stage) mount(source, at, kind string, flags uintptr, options string) {
	s.t.Helper()
	must(s.t, os.MkdirAll(s.path(at), 0o755))
	if err := unix.Mount(source, s.path(at), kind, flags, options); err != nil {
		s.t.Fatalf("mount %s: %v", at, err)
	}
}

// write plants a file, whose folders are made where they are missing. A link in
// the way of its folders would lead out of the stage, and ends the test.
func (s *stage) write(name, text string) {
	s.t.Helper()
	full := s.path(name)
	must(s.t, os.MkdirAll(filepath.Dir(full), 0o755))
	if real, err := filepath.EvalSymlinks(filepath.Dir(full)); err != nil || !strings.HasPrefix(real, s.root+"/") && real != s.root {
		s.t.Fatalf("%s is in %s: %v", name, real, err)
	}
	os.Remove(full)
	must(s.t, os.WriteFile(full, []byte(text), 0o600))
}

// lift copies the files below a folder into the overlay's upper folder without
// changing them: from then on their access times can be told. Large ones are left.
func (s *stage) lift(folder string) (files int) {
	s.t.Helper()
	must(s.t, filepath.WalkDir(s.path(folder), func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() > 8<<20 {
			return err
		}
		fd, err := unix.Open(name, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_NOATIME|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		files++
		return unix.Close(fd)
	}))
	return files
}

// command is a program that runs on the stage, at most as long as its process 1.
func (s *stage) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root}
	return cmd
}

// agent is the agent's program on the stage.
func (s *stage) agent(args ...string) *exec.Cmd {
	cmd := s.command(own+"/assay-agent", args...)
	cmd.SysProcAttr.Credential = s.user
	return cmd
}

// startAgent enrols the agent on the stage and runs it.
func (s *stage) startAgent(w *world, env ...string) (token string) {
	s.t.Helper()
	ca, err := os.ReadFile(service.Folder(w.config.Data).CA())
	must(s.t, err)
	must(s.t, os.WriteFile(s.path(own, "ca.pem"), ca, 0o644))
	token = w.token()
	enrol := s.agent("enroll", "-server", "https://"+w.config.Gateway, "-ca", own+"/ca.pem", "-state", own+"/state")
	enrol.Env = append(enrol.Env, "ASSAY_AGENT_TOKEN="+token)
	out, err := enrol.CombinedOutput()
	if err != nil {
		s.t.Fatalf("enrol: %v\n%s", err, out)
	}
	w.log.of("enrol").Write(out)
	run := s.agent("run", "-state", own+"/state")
	run.Env = append(run.Env, env...)
	w.agent = w.run("agent", run)
	return token
}

// stop ends the agent as a service manager does.
func (s *stage) stop(w *world) {
	s.t.Helper()
	must(s.t, w.agent.cmd.Process.Signal(syscall.SIGTERM))
	if !w.agent.wait(s.t.Context()) || w.agent.cmd.ProcessState.ExitCode() != 0 {
		s.t.Errorf("the agent ended with %v", w.agent.cmd.ProcessState)
	}
}

// collect runs assay-agent collect on the stage. That some of what there is could
// not be read is no failure here.
func (s *stage) collect(args ...string) (snapshot string) {
	s.t.Helper()
	out, err := s.agent(append([]string{"collect", "-o", own + "/snapshot"}, args...)...).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "the snapshot was written") {
		s.t.Fatalf("collect: %v\n%s", err, out)
	}
	s.t.Logf("collect %s: %v %s", strings.Join(args, " "), err, out)
	return s.path(own, "snapshot")
}

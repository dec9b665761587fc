//go:build linux

package fanotify

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
	"assay/internal/testenv"
)

// The test binary is also the program that is executed, and a container.
func TestMain(m *testing.M) {
	switch os.Getenv("ASSAY_PROBE") {
	case "":
		os.Exit(m.Run())
	case "wait":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "container":
		contain(os.Getenv("ASSAY_DIR"))
	}
	os.Exit(0)
}

// contain is a container: it has its own mounts, and executes a program on one of them
// once for each line that it is given.
func contain(dir string) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("assay-test", dir, "tmpfs", 0, "mode=755"))
	program := copySelf(dir)
	for _, libraries := range []string{"/lib", "/lib64", "/usr"} { // a test with the detector of races has some
		if _, err := os.Stat(libraries); err == nil {
			must(os.Mkdir(dir+libraries, 0o755))
			must(unix.Mount(libraries, dir+libraries, "", unix.MS_BIND, ""))
		}
	}
	must(unix.Chroot(dir))
	must(os.Chdir("/"))
	os.Stdout.WriteString("ready\n")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command := exec.Command("/" + filepath.Base(program))
		command.Env = []string{"ASSAY_PROBE=1"}
		command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stderr, os.Stderr // there is no /dev/null
		must(command.Run())
		os.Stdout.WriteString("done\n")
	}
}

func copySelf(dir string) string {
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "assay-probe"), self, 0o755)
	}
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, "assay-probe")
}

func start(t *testing.T) *Fanotify {
	t.Helper()
	testenv.NeedRoot(t)
	f, err := New(proc.New("/proc"))
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		t.Skip(err) // Linux before 5.0, or without it
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// end takes what the kernel has told by now.
func end(t *testing.T, f *Fanotify) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Watch(over, func(seen.Sight) {}); err != nil {
		t.Fatal(err)
	}
}

// of are the executions of a file, by user.
func of(t *testing.T, f *Fanotify, name string) map[uint32]seen.Execution {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return executed(f, st.Dev, st.Ino)
}

func executed(f *Fanotify, device, inode uint64) map[uint32]seen.Execution {
	all := map[uint32]seen.Execution{}
	for e := range f.Executions() {
		if e.Device == device && e.Inode == inode {
			all[e.UID] = e
		}
	}
	return all
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Env = []string{"ASSAY_PROBE=1"}
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// Each execution is counted, though all are over before anybody looks; of a script, that
// of its interpreter; what is no program is not.
func TestExecutions(t *testing.T) {
	f := start(t)
	dir := t.TempDir()
	program := copySelf(dir)
	script := write(t, filepath.Join(dir, "script"), "#!"+program+"\n")
	foreign := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 200)...)
	foreign[16], foreign[18] = 2, 22 // a program for s390
	const times = 7
	for range times {
		run(t, program)
	}
	run(t, script)
	for _, bad := range []string{write(t, dir+"/empty", ""), write(t, dir+"/foreign", string(foreign)), write(t, dir+"/lost", "#!/none\n")} {
		if err := exec.Command(bad).Run(); err == nil {
			t.Error(bad)
		}
	}
	end(t, f)
	got := of(t, f, program)
	e := got[seen.UnknownUID]
	if len(got) != 1 || e.N != times+1 || e.Path != program || e.Name != "assay-probe" || e.First == 0 || e.Last < e.First {
		t.Errorf("%+v", got)
	}
	for _, none := range []string{script, dir + "/empty", dir + "/foreign"} {
		if got := of(t, f, none); len(got) != 0 {
			t.Errorf("%s: %+v", none, got)
		}
	}
	if all := strings.Join(f.Shortcomings(), "\n"); !strings.Contains(all, "before their user could be told") {
		t.Error(all)
	}
}

// Of a program that lives the user and the namespace are known; it may be deleted.
func TestLiving(t *testing.T) {
	f := start(t)
	dir, err := os.MkdirTemp("", "assay") // t.TempDir is not everybody's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := copySelf(dir)
	var st unix.Stat_t
	if err := unix.Stat(program, &st); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = []string{"ASSAY_PROBE=wait"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4711, Gid: 4711}}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	end(t, f)
	in.Close()
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	here, err := proc.New("/proc").Namespace(os.Getpid(), "mnt")
	if err != nil {
		t.Fatal(err)
	}
	if e := executed(f, st.Dev, st.Ino)[4711]; e.N != 1 || e.Path != program || e.PID != command.Process.Pid || e.Root || uint64(e.MountNS) != here {
		t.Errorf("%+v", e)
	}
}

// The loader of a program is not executed, unless by its own name.
func TestLoader(t *testing.T) {
	linker := ""
	for _, name := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		if _, err := os.Stat(name); err == nil {
			linker = name
		}
	}
	sleep, err := exec.LookPath("sleep")
	if linker == "" || err != nil {
		t.Skip("there is no program with a loader")
	}
	f := start(t)
	run(t, sleep, "0")
	end(t, f)
	if got := of(t, f, linker); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if e := of(t, f, sleep)[seen.UnknownUID]; e.N == 0 {
		t.Errorf("%+v", e)
	}

	f = start(t)
	command := exec.Command(linker, sleep, "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { command.Process.Kill(); command.Wait() }()
	for here := ""; here != linker; { // until it is executed
		here, _ = filepath.EvalSymlinks("/proc/" + strconv.Itoa(command.Process.Pid) + "/exe")
		real, err := filepath.EvalSymlinks(linker)
		if err != nil {
			t.Fatal(err)
		}
		if here == real {
			break
		}
	}
	end(t, f)
	if e := of(t, f, linker)[uint32(os.Getuid())]; e.N != 1 || e.PID != command.Process.Pid {
		t.Errorf("%+v", e)
	}
}

// What finds no place in the queue is told, and what comes later is counted.
func TestOverflow(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/fanotify/max_queued_events")
	if err != nil {
		t.Skip("this kernel does not tell how long the queue is: ", err) // before Linux 5.13
	}
	room, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || room > 50_000 {
		t.Skipf("the queue has room for %s: %v", text, err)
	}
	f := start(t)
	dir := t.TempDir()
	// Nothing is executed: these are opened for it, found to be empty, and refused. That they
	// have names of their own keeps the kernel from telling of them together.
	empty := write(t, filepath.Join(dir, "empty"), "")
	for i := range room + 10 {
		name := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Link(empty, name); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Exec(name, []string{name}, nil); !errors.Is(err, unix.ENOEXEC) {
			t.Fatal(err)
		}
	}
	program := copySelf(dir)
	run(t, program)
	end(t, f)
	if n := f.missed.overflows.Load(); n == 0 || !strings.Contains(strings.Join(f.Shortcomings(), "\n"), "queue of executions was full") {
		t.Errorf("%d overflows, %v", n, f.Shortcomings())
	}
	if got := of(t, f, program); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// follow watches until the test ends.
func follow(t *testing.T, f *Fanotify) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Watch(ctx, func(seen.Sight) {}) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A container's mounts are watched as soon as they are found, and so are its executions
// when they are over.
func TestContainer(t *testing.T) {
	f := start(t)
	stop := follow(t, f)
	dir := t.TempDir()
	command := exec.Command("/proc/self/exe")
	command.Env = []string{"ASSAY_PROBE=container", "ASSAY_DIR=" + dir}
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the container has ended")
	}
	root := "/proc/" + strconv.Itoa(command.Process.Pid) + "/root/"
	var st unix.Stat_t
	if err := unix.Stat(root+"assay-probe", &st); err != nil {
		t.Fatal(err)
	}
	for f.marks.space(st.Dev) == 0 { // the test's own time limit ends a wait in vain
		time.Sleep(10 * time.Millisecond)
	}
	const times = 5
	for range times {
		if _, err := io.WriteString(in, "again\n"); err != nil || !lines.Scan() {
			t.Fatal("the container has ended", err)
		}
	}
	there, err := proc.New("/proc").Namespace(command.Process.Pid, "mnt")
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	n := uint64(0)
	for _, e := range executed(f, st.Dev, st.Ino) {
		n += e.N
		if uint64(e.MountNS) != there || e.Path != filepath.Join(dir, "assay-probe") {
			t.Errorf("%+v, in %d", e, there)
		}
	}
	if n != times {
		t.Errorf("%d executions; %v", n, f.Shortcomings())
	}
	if all := strings.Join(f.Shortcomings(), "\n"); !strings.Contains(all, "mounted meanwhile") {
		t.Error(all)
	}
}

// A file system that is mounted meanwhile is watched, and can be unmounted while it is.
func TestMountedMeanwhile(t *testing.T) {
	f := start(t)
	stop := follow(t, f)
	dir := t.TempDir()
	if err := unix.Mount("assay-test", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	program := copySelf(dir)
	for len(of(t, f, program)) == 0 {
		run(t, program)
	}
	for unix.Unmount(dir, 0) != nil { // what was told last may wait to be looked at
		time.Sleep(time.Millisecond)
	}
	stop()
}

// What looking at executions may take is bounded, and what was not looked at counted.
func TestBudget(t *testing.T) {
	f := start(t)
	f.budget.most = 0
	program := copySelf(t.TempDir())
	for range 3 {
		run(t, program)
	}
	end(t, f)
	if n := f.missed.dear.Load(); n < 3 || f.Totals().Executions != 0 || !strings.Contains(strings.Join(f.Shortcomings(), "\n"), "of a processor") {
		t.Errorf("%d, %+v", n, f.Totals())
	}
}

// What waits is taken at the end of an observation, and not when it is over already: who
// executes without a pause would keep it from ending.
func TestTakeEnds(t *testing.T) {
	f := start(t)
	f.see = func(seen.Sight) {}
	command := exec.Command(copySelf(t.TempDir()))
	command.Env = append(os.Environ(), "ASSAY_PROBE=1")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.take(over); err != nil || f.Totals().Executions != 0 {
		t.Errorf("%v, %+v", err, f.Totals())
	}
	if err := f.take(t.Context()); err != nil || f.Totals().Executions == 0 {
		t.Errorf("%v, %+v", err, f.Totals())
	}
}

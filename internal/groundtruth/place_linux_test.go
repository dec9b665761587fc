package groundtruth

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/testenv"
)

// place is a network namespace of the stage.
type place struct {
	t    *testing.T
	name string
	file *os.File
	id   uint64 // as telemetry names it
}

// Addresses of the stage, of ranges that are nobody's: RFC 5737 and RFC 3849.
const (
	here4, here6   = "192.0.2.1", "2001:db8::1"
	there4, there6 = "192.0.2.2", "2001:db8::2"
)

// newPlaces makes two network namespaces with a cable between them. The test's thread
// is in one or the other as it starts a program there, and ends with the test.
// The machine's own is for those whom the kernel serves nowhere else.
func newPlaces(t *testing.T) (machine, here, there *place) {
	t.Helper()
	testenv.NeedRoot(t)
	ip := testenv.Need(t, "ip", "iproute2")
	runtime.LockOSThread()
	machine = thisPlace(t, "the machine")
	here, there = newPlace(t, "here"), newPlace(t, "there")
	here.must(ip, "link", "add", "truth0", "type", "veth", "peer", "name", "truth1", "netns", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), there.file.Fd()))
	here.wire(ip, "truth0", here4, here6)
	there.wire(ip, "truth1", there4, there6)
	return machine, here, there
}

func newPlace(t *testing.T, name string) *place {
	t.Helper()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		testenv.Missing(t, fmt.Sprintf("a network namespace (%v)", err))
	}
	return thisPlace(t, name)
}

func thisPlace(t *testing.T, name string) *place {
	t.Helper()
	file, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	t.Cleanup(func() { file.Close() })
	var st unix.Stat_t
	must(t, unix.Fstat(int(file.Fd()), &st))
	return &place{t: t, name: name, file: file, id: st.Ino}
}

func (p *place) wire(ip, device, v4, v6 string) {
	p.t.Helper()
	p.must(ip, "link", "set", "lo", "up")
	p.must(ip, "address", "add", v4+"/24", "dev", device)
	p.must(ip, "address", "add", v6+"/64", "dev", device, "nodad")
	p.must(ip, "link", "set", device, "up")
}

// must runs a program here to its end.
func (p *place) must(name string, args ...string) {
	p.t.Helper()
	p.run(exec.Command(name, args...))
}

func (p *place) run(cmd *exec.Cmd) {
	p.t.Helper()
	p.enter()
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

func (p *place) enter() {
	p.t.Helper()
	must(p.t, unix.Setns(int(p.file.Fd()), unix.CLONE_NEWNET))
}

// hold starts a program whose last deed is to hold, and waits until it does. It ends
// with the test, or when release is called.
func (p *place) hold(cmd *exec.Cmd) (release func()) {
	p.t.Helper()
	p.enter()
	cmd.Args = append(cmd.Args, "hold")
	cmd.Stderr = os.Stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	in, err := cmd.StdinPipe()
	must(p.t, err)
	out, err := cmd.StdoutPipe()
	must(p.t, err)
	must(p.t, cmd.Start())
	over := false
	release = func() {
		if over {
			return
		}
		over = true
		in.Close()
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("%s: %v", strings.Join(cmd.Args, " "), err)
		}
	}
	p.t.Cleanup(release)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		p.t.Fatalf("%s: %q, %v", strings.Join(cmd.Args, " "), line, err)
	}
	return release
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

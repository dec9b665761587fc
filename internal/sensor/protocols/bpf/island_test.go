//go:build linux

package bpf_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/protocols/bpf"
	"assay/internal/testenv"
)

// An island is a network namespace with a process of the test's in it, which speaks HTTP
// with itself in one way, says on which port, and waits to be let go.
type island struct {
	ns   uint32
	port uint16
	note string // what its clients noted, each once
}

func newIsland(t *testing.T, what string, in *os.File) island {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = []string{"ASSAY_ISLAND=" + what}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if in != nil {
		c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, int(in.Fd())
	}
	c.Stderr = os.Stderr
	hold, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skip("no process can be started in a network namespace and a control group of its own:", err)
	}
	t.Cleanup(func() { hold.Close(); c.Wait() })
	i := island{ns: namespace(t, strconv.Itoa(c.Process.Pid))}
	said, err := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(said)
	if err != nil || len(words) != 2 {
		t.Fatalf("%s: it said %q, %v", what, said, err)
	}
	port, err := strconv.ParseUint(words[0], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	i.port, i.note = uint16(port), words[1]
	return i
}

// times is how often an island speaks.
const times = 8

// live is the life of the process on an island.
func live(what string) {
	if err := errors.Join(testenv.Up("lo"), inhabit(what)); err != nil {
		fmt.Println("failed:", err)
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func inhabit(what string) error {
	dialer, config := &net.Dialer{}, &net.ListenConfig{}
	config.SetMultipathTCP(what == "multipath")
	dialer.SetMultipathTCP(what == "multipath")
	if what == "fast" {
		// 0x1 and 0x2: clients and servers; 0x4 and 0x200: without a cookie (ip-sysctl).
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte(strconv.Itoa(0x207)), 0); err != nil {
			return err
		}
		config.Control, dialer.Control = option(unix.TCP_FASTOPEN, 100), option(unix.TCP_FASTOPEN_CONNECT, 1)
	}
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	notes := make(chan string, times)
	errs := make(chan error, 2*times)
	var group sync.WaitGroup
	for range times {
		group.Go(func() { errs <- answer(listener) })
		group.Go(func() {
			note, err := ask(dialer, listener.Addr().String())
			notes <- note
			errs <- err
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	close(notes)
	all := map[string]bool{}
	for n := range notes {
		all[n] = true
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port, strings.Join(slices.Sorted(maps.Keys(all)), ","))
	return nil
}

func option(name, value int) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, name, value)
		}), err)
	}
}

var (
	request  = "GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\n\r\n"
	response = "HTTP/1.1 200 " + strings.Repeat("b", 100) + "\r\n\r\n"
)

// ask is a client; it notes "syn" if its request went with its SYN (TCPI_OPT_SYN_DATA),
// "again" if it was sent again, and "mptcp" if it was multipath.
func ask(d *net.Dialer, address string) (note string, err error) {
	c, err := d.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(c, make([]byte, len(response))); err != nil {
		return "", err
	}
	if multi, err := c.(*net.TCPConn).MultipathTCP(); multi || err != nil {
		return "mptcp", err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return "", err
	}
	note = "plain"
	var failed error
	err = raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		switch {
		case failed != nil:
		case info.Options&32 != 0:
			note = "syn"
		case info.Total_retrans > 0: // also what was only late, where a machine is slow
			note = "again"
		}
	})
	return note, errors.Join(err, failed)
}

func answer(l net.Listener) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(request))); err != nil {
		return err
	}
	_, err = io.WriteString(c, response)
	return err
}

func (i island) heard(t *testing.T, p *bpf.Programs, wantClient, wantServer string) {
	t.Helper()
	if client, server := heardIn(t, p, i.ns, i.port); client != wantClient || server != wantServer {
		t.Errorf("%s: the client speaks %q and the server %q; want %q, %q", i.note, client, server, wantClient, wantServer)
	}
}

var all = fmt.Sprint("http ", times)

// Another network namespace, as a container's, is seen, and told apart.
func TestIslandNamespace(t *testing.T) {
	p := load(t, 0)
	i := newIsland(t, "plain", nil)
	i.heard(t, p, all, all)
	if client, server := heard(t, p, i.port); client != "" || server != "" {
		t.Errorf("%q, %q here", client, server)
	}
}

// A request that goes with the SYN is seen where it goes out; where it comes in what the server
// answers tells.
func TestIslandFastOpen(t *testing.T) {
	p := load(t, 0)
	i := newIsland(t, "fast", nil)
	if !strings.Contains(i.note, "syn") {
		t.Skip("the kernel did not send it with the SYN")
	}
	i.heard(t, p, all, all)
}

// Multipath streams begin anywhere: they are not looked at, and counted.
func TestIslandMultipath(t *testing.T) {
	p := load(t, 0)
	i := newIsland(t, "multipath", nil)
	if i.note != "mptcp" {
		t.Skip("the kernel has no MPTCP")
	}
	i.heard(t, p, "", "")
	if totals, err := p.Totals(); err != nil || totals.Multipath < 2*times {
		t.Errorf("%+v, %v", totals, err)
	}
}

// What is lost on its way and sent again counts once.
func TestIslandLoss(t *testing.T) {
	p := load(t, 0)
	name := filepath.Join(group(t), fmt.Sprint("assay-test-", os.Getpid()))
	if err := os.Mkdir(name, 0o755); err != nil {
		t.Skip("no control group can be made:", err)
	}
	t.Cleanup(func() { os.Remove(name) })
	folder, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	lose(t, folder)
	// Of 256 times that eight clients ask, once none of them loses what it asks.
	for again := false; !again; {
		i := newIsland(t, "plain", folder)
		i.heard(t, p, all, all)
		again = strings.Contains(i.note, "again")
	}
}

// lose drops every other packet with data that comes to a control group.
func lose(t *testing.T, group *os.File) {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetIngress, License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R6, asm.R1, 0, asm.Word), // its size
			asm.JLE.Imm(asm.R6, 80, "pass"),
			asm.FnGetPrandomU32.Call(),
			asm.And.Imm(asm.R0, 1),
			asm.Return(),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"),
			asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	l, err := link.AttachRawLink(link.RawLinkOptions{Target: int(group.Fd()), Program: program, Attach: ebpf.AttachCGroupInetIngress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

//go:build linux

package bpf_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/testenv"
)

// island is a network namespace with a process of the test's in it, which does what it
// is told: "link NAME ADDRESS...", "own ADDRESS", "listen ADDRESS", "dial ADDRESS [FROM]".
type island struct {
	t    *testing.T
	pid  int
	ns   uint32
	in   io.Writer
	said *bufio.Reader
}

func newIsland(t *testing.T) *island {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = []string{"ASSAY_ISLAND=1", "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skip("no network namespace can be made:", err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	i := &island{t: t, pid: c.Process.Pid, in: in, said: bufio.NewReader(out)}
	var st syscall.Stat_t
	if err := syscall.Stat(fmt.Sprintf("/proc/%d/ns/net", i.pid), &st); err != nil {
		t.Fatal(err)
	}
	i.ns = uint32(st.Ino)
	return i
}

// do has something done, and waits until it is.
func (i *island) do(words ...string) {
	i.t.Helper()
	fmt.Fprintln(i.in, strings.Join(words, " "))
	if said, err := i.said.ReadString('\n'); said != "done\n" {
		i.t.Fatalf("%v: %s %v", words, said, err)
	}
}

// live is the life of the process on an island.
func live() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if err := obey(words[0], words[1:]); err != nil {
			fmt.Println(words, err)
			return
		}
		fmt.Println("done")
	}
}

func obey(word string, args []string) error {
	switch word {
	case "link":
		if err := testenv.Up("lo"); err != nil {
			return err
		}
		for _, address := range args[1:] {
			words := []string{"addr", "add", address, "dev", args[0]}
			if strings.Contains(address, ":") {
				words = append(words, "nodad")
			}
			if out, err := exec.Command("ip", words...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w", out, err)
			}
		}
		return testenv.Up(args[0])
	case "own":
		if err := testenv.Up("lo"); err != nil {
			return err
		}
		return own("lo", netip.MustParsePrefix(args[0]))
	case "listen":
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		go func() {
			for {
				if c, err := l.Accept(); err == nil {
					c.Close()
				}
			}
		}()
		return nil
	}
	var from net.Dialer
	if len(args) > 1 {
		from.LocalAddr = &net.TCPAddr{IP: net.ParseIP(args[1])}
	}
	c, err := from.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1)) // until the other end has accepted, and closed
	if err == io.EOF {
		err = nil
	}
	return err
}

// What comes from another host, through a cable so to speak, is told apart from what a
// host says to itself, whichever of its addresses it uses.
func TestForeign(t *testing.T) {
	testenv.NeedRoot(t)
	ip := testenv.Need(t, "ip", "iproute2")
	here, there := newIsland(t), newIsland(t)
	if out, err := exec.Command(ip, "link", "add", "assay0", "netns", fmt.Sprint(here.pid), "type", "veth", "peer", "name", "assay1", "netns", fmt.Sprint(there.pid)).CombinedOutput(); err != nil {
		t.Skipf("no pair of interfaces can be made: %v %s", err, out)
	}
	here.do("link", "assay0", "10.255.77.1/24", "fd00:77::1/64")
	there.do("link", "assay1", "10.255.77.2/24", "fd00:77::2/64")
	each(t, func(t *testing.T, p *bpf.Programs) { foreign(t, p, here, there) })
}

func foreign(t *testing.T, p *bpf.Programs, here, there *island) {
	// Each build has ports of its own: listeners stay.
	four, six := 4000+len(p.Build), 6000+len(p.Build)
	here.do("listen", fmt.Sprint("10.255.77.1:", four))
	here.do("listen", fmt.Sprint("[::]:", six))
	for range 3 {
		there.do("dial", fmt.Sprint("10.255.77.1:", four))
		there.do("dial", fmt.Sprint("[fd00:77::1]:", six))
	}
	there.do("dial", fmt.Sprint("10.255.77.1:", six)) // IPv4 to a socket of IPv6
	for range 2 {
		here.do("dial", fmt.Sprint("10.255.77.1:", four))
		here.do("dial", fmt.Sprint("[fd00:77::1]:", six))
		here.do("dial", fmt.Sprint("[::1]:", six))
		here.do("dial", fmt.Sprint("127.0.0.1:", six))
	}
	got := map[string]string{}
	for l, err := range p.Listeners() {
		if err != nil {
			t.Fatal(err)
		}
		if l.NetNS == here.ns && (int(l.Port) == four || int(l.Port) == six) {
			got[fmt.Sprint(l.Port)] = fmt.Sprintf("IPv%d, %d accepted, %d from elsewhere, %t", l.Family, l.Accepts, l.Foreign, l.LastForeign > 0 && l.LastForeign < l.LastAccept)
		}
	}
	want := map[string]string{
		fmt.Sprint(four): "IPv4, 5 accepted, 3 from elsewhere, true",
		fmt.Sprint(six):  "IPv6, 10 accepted, 4 from elsewhere, true",
	}
	for at, want := range want {
		if got[at] != want {
			t.Errorf("port %s: %s, want %s", at, got[at], want)
		}
	}
	flows := map[string]uint64{}
	for f, err := range p.Flows() {
		if err != nil {
			t.Fatal(err)
		}
		if f.NetNS == here.ns || f.NetNS == there.ns {
			flows[fmt.Sprint(f.NetNS == there.ns, " ", f.Remote, " ", f.Local)] += f.N
		}
	}
	for flow, n := range map[string]uint64{
		fmt.Sprintf("true 10.255.77.1:%d false", four): 3,
		fmt.Sprintf("true [fd00:77::1]:%d false", six): 3,
		fmt.Sprintf("true 10.255.77.1:%d false", six):  1,
		fmt.Sprintf("false 10.255.77.1:%d true", four): 2,
		fmt.Sprintf("false [fd00:77::1]:%d true", six): 2,
		fmt.Sprintf("false [::1]:%d true", six):        2,
		fmt.Sprintf("false 127.0.0.1:%d true", six):    2,
	} {
		if flows[flow] != n {
			t.Errorf("%s: %d, want %d; there are %v", flow, flows[flow], n, flows)
		}
	}
}

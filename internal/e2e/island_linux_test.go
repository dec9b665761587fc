package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"assay/internal/testenv"
)

// envIsland makes the test binary an island's process.
const envIsland = "ASSAY_E2E_ISLAND"

// island is a process in a network namespace of its own, which does what it is told:
// "ip ARGUMENT...", "listen ADDRESS", "dial ADDRESS".
type island struct {
	t    *testing.T
	pid  int
	in   io.Writer
	said *bufio.Reader
}

func newIsland(t *testing.T) *island {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = []string{envIsland + "=1", "PATH=/usr/sbin:/sbin:/usr/bin:/bin"}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	if err := c.Start(); err != nil {
		testenv.Missing(t, fmt.Sprintf("a network namespace (%v)", err))
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	return &island{t, c.Process.Pid, in, bufio.NewReader(out)}
}

// newIslands are two that a cable connects: 10.255.79.1 and 10.255.79.2.
func newIslands(t *testing.T) (one, two *island) {
	t.Helper()
	ip := testenv.Need(t, "ip", "iproute2")
	one, two = newIsland(t), newIsland(t)
	cable := []string{"link", "add", "cable", "netns", fmt.Sprint(one.pid), "type", "veth", "peer", "name", "cable", "netns", fmt.Sprint(two.pid)}
	if out, err := exec.Command(ip, cable...).CombinedOutput(); err != nil {
		testenv.Missing(t, fmt.Sprintf("a pair of network interfaces (%v: %s)", err, out))
	}
	for n, i := range []*island{one, two} {
		i.do("ip addr add 10.255.79.%d/24 dev cable", n+1)
		i.do("ip link set lo up")
		i.do("ip link set cable up")
	}
	return one, two
}

// do has something done, and waits until it is.
func (i *island) do(format string, args ...any) {
	i.t.Helper()
	fmt.Fprintf(i.in, format+"\n", args...)
	if said, err := i.said.ReadString('\n'); said != "done\n" {
		i.t.Fatalf(format+": %s %v", append(args, said, err)...)
	}
}

// live is the life of an island's process.
func live() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if err := obey(words[0], words[1:]); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("done")
	}
}

func obey(word string, args []string) error {
	switch word {
	case "ip":
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	case "listen":
		l, err := net.Listen("tcp4", args[0])
		if err != nil {
			return err
		}
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				c.Close()
			}
		}()
		return nil
	}
	c, err := net.Dial("tcp4", args[0])
	if err != nil {
		return err
	}
	return c.Close()
}

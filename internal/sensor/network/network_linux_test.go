package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// TestAgainstIP compares the sensor with ip(8), in a network namespace that has
// one of everything that does not come by and by, as addresses do that the kernel makes.
func TestAgainstIP(t *testing.T) {
	ip := testenv.Need(t, "ip", "iproute2")
	testenv.NeedRoot(t)
	runtime.LockOSThread() // never unlocked: the thread ends with its namespace
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(`link set lo up
link add veth0 type veth peer name veth1
link add br0 type bridge
link add dummy0 type dummy
addr add 192.0.2.7/24 dev veth0
addr add 198.51.100.1 peer 198.51.100.2/32 dev dummy0
addr add 2001:db8::7/64 dev veth0 nodad
link set veth0 addrgenmode none
link set veth1 addrgenmode none
link set veth0 up
link set veth1 up
link set dummy0 mtu 1280 up
route add default via 192.0.2.1 metric 50
route add 203.0.113.0/24 via 192.0.2.9 table 100
route add blackhole 10.9.0.0/16
route add 10.8.0.0/16 nexthop via 192.0.2.20 nexthop dev dummy0
-6 route add 2001:db8:1::/48 via 2001:db8::1`, "\n") {
		if out, err := exec.Command(ip, strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Logf("ip %s: %v: %s", line, err, out) // a kernel without that kind
		}
	}
	got, coverage := collect(t)
	if coverage.State != telemetry.Complete {
		t.Errorf("coverage %+v", coverage)
	}
	slices.Sort(got)
	want := wanted(t, ip)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the sensor differs from ip (-ip +sensor):\n%s", diff)
	}
	if len(got) < 10 {
		t.Errorf("only %d interfaces and routes", len(got))
	}
}

func collect(t *testing.T) (lines []string, coverage telemetry.Coverage) {
	t.Helper()
	coverage, err := New().Collect(context.Background(), &sensor.Host{Live: true}, func(r telemetry.Record) error {
		switch r := r.(type) {
		case *telemetry.Interface:
			addresses := slices.Clone(r.Addresses)
			slices.Sort(addresses)
			lines = append(lines, fmt.Sprintf("interface %s %d mtu %d up %t mac %s %v", r.Name, r.Index, r.MTU, r.Up, r.MAC, addresses))
		case *telemetry.Route:
			lines = append(lines, fmt.Sprintf("route %d %s via %s dev %s table %d metric %d %s", r.Family, r.Destination, r.Gateway, r.Interface, r.Table, r.Metric, r.Kind))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, coverage
}

// wanted asks ip for the same.
func wanted(t *testing.T, ip string) (lines []string) {
	t.Helper()
	var links []struct {
		Ifindex  int
		Ifname   string
		Flags    []string
		MTU      int
		Address  string
		AddrInfo []struct {
			Local     string
			Prefixlen int
		} `json:"addr_info"`
	}
	ask(t, &links, ip, "-j", "-d", "addr")
	for _, l := range links {
		mac := l.Address
		if hw, err := net.ParseMAC(mac); err != nil || strings.Trim(hw.String(), "0:") == "" {
			mac = ""
		}
		addresses := []string{}
		for _, a := range l.AddrInfo {
			addresses = append(addresses, fmt.Sprintf("%s/%d", a.Local, a.Prefixlen))
		}
		slices.Sort(addresses)
		lines = append(lines, fmt.Sprintf("interface %s %d mtu %d up %t mac %s %v", l.Ifname, l.Ifindex, l.MTU, slices.Contains(l.Flags, "UP"), mac, addresses))
	}
	type way struct{ Gateway, Dev string }
	for _, family := range []int{4, 6} {
		var routes []struct {
			way
			Type, Dst, Table string
			Metric           int
			Nexthops         []way
		}
		ask(t, &routes, ip, "-j", "-d", "-N", fmt.Sprintf("-%d", family), "route", "show", "table", "all")
		for _, r := range routes {
			kind := r.Type
			if number := map[string]string{"1": "unicast", "6": "blackhole", "7": "unreachable", "5": "multicast"}[kind]; number != "" {
				kind = number
			}
			if r.Table == "255" || r.Table == "local" {
				continue
			}
			table := 254
			fmt.Sscan(r.Table, &table)
			dst := r.Dst
			if dst == "default" {
				dst = map[int]string{4: "0.0.0.0/0", 6: "::/0"}[family]
			} else if !strings.Contains(dst, "/") {
				dst += map[int]string{4: "/32", 6: "/128"}[family]
			}
			ways := r.Nexthops
			if len(ways) == 0 {
				ways = []way{r.way}
			}
			for _, w := range ways {
				lines = append(lines, fmt.Sprintf("route %d %s via %s dev %s table %d metric %d %s", family, dst, w.Gateway, w.Dev, table, r.Metric, kind))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func ask(t *testing.T, into any, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
}

func TestImageHasNoNetwork(t *testing.T) {
	coverage, err := New().Collect(t.Context(), &sensor.Host{}, nil)
	if err != nil || coverage.State != telemetry.NotCollected || coverage.Reason == "" {
		t.Errorf("%+v, %v", coverage, err)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add([]byte{8, 0, 1, 0, 1, 2, 3, 4})
	f.Add([]byte{3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		hops(map[uint16][]byte{unix.RTA_MULTIPATH: data})
		parseAttributes(data)
	})
}

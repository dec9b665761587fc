//go:build linux

package bpf_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor/activity/bpf"
)

// To the kernel programs what has another address comes from elsewhere, also where it is one
// of the same host's: so a kernel that has no other interface than loopback can show what
// they make of it, in a network namespace of its own.
func TestElsewhere(t *testing.T) {
	here := newIsland(t)
	for _, address := range []string{"10.255.78.1/24", "10.255.78.2/24", "fd00:78::1/128", "fd00:78::2/128"} {
		here.do("own", address)
	}
	each(t, func(t *testing.T, p *bpf.Programs) { elsewhere(t, p, here) })
}

func elsewhere(t *testing.T, p *bpf.Programs, here *island) {
	// Each build has ports of its own: listeners stay.
	four, six := fmt.Sprint(4000+len(p.Build)), fmt.Sprint(6000+len(p.Build))
	here.do("listen", "10.255.78.1:"+four)
	here.do("listen", "[::]:"+six)
	for range 3 {
		here.do("dial", "10.255.78.1:"+four, "10.255.78.2")
		here.do("dial", "[fd00:78::1]:"+six, "fd00:78::2")
	}
	here.do("dial", "10.255.78.1:"+six, "10.255.78.2") // IPv4 to a socket of IPv6
	for range 2 {
		here.do("dial", "10.255.78.1:"+four, "10.255.78.1")
		here.do("dial", "[::1]:"+six)
	}
	got := map[string]string{}
	for l, err := range p.Listeners() {
		if err != nil {
			t.Fatal(err)
		}
		if l.NetNS == here.ns {
			got[fmt.Sprint(l.Port)] = fmt.Sprintf("IPv%d, %d times, %d accepted, %d from elsewhere", l.Family, l.Listens.N, l.Accepts, l.Foreign)
		}
	}
	expect(t, got, map[string]string{four: "IPv4, 1 times, 5 accepted, 3 from elsewhere", six: "IPv6, 1 times, 6 accepted, 4 from elsewhere"})
	flows := map[string]string{}
	for f, err := range p.Flows() {
		if err != nil {
			t.Fatal(err)
		}
		if f.NetNS == here.ns {
			flows[f.Remote.String()] = fmt.Sprint(f.N)
		}
	}
	expect(t, flows, map[string]string{"10.255.78.1:" + four: "5", "[fd00:78::1]:" + six: "3", "10.255.78.1:" + six: "1", "[::1]:" + six: "2"})
}

// expect compares with what the programs counted since they were loaded, exactly.
func expect(t *testing.T, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

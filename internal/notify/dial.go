package notify

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"assay/internal/inspector"
)

// metadata are the addresses at which clouds tell a machine its own credentials.
// Nobody else's requests go there, whatever a name resolves to.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.169.254/32"), // AWS, Azure, Google Cloud, ...
	netip.MustParsePrefix("169.254.170.2/32"),   // AWS's containers
	netip.MustParsePrefix("169.254.170.23/32"),  // AWS's pods
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS, over IPv6
	netip.MustParsePrefix("fd00:ec2::23/128"),   // AWS's pods, over IPv6
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud, over IPv6
}

// translated is IPv4 behind NAT64 (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// dialer connects to a webhook's host, after its name is resolved, unless the
// address is one that deliveries never go to.
func dialer(w inspector.Webhook) *net.Dialer {
	onlyHere := strings.HasPrefix(strings.ToLower(w.URL), "http:") && !w.PlainHTTP
	return &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return mayDial(address, onlyHere)
	}}
}

func mayDial(address string, onlyHere bool) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address to connect to", address)
	}
	ip := to.Addr().WithZone("").Unmap()
	if translated.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range metadata {
		if p.Contains(ip) {
			return fmt.Errorf("%s is a cloud's metadata service: events are not sent there", ip)
		}
	}
	if onlyHere && !ip.IsLoopback() {
		return fmt.Errorf("%s is another host, to which plain http is not allowed", ip)
	}
	return nil
}

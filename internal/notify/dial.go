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
	netip.MustParsePrefix("169.254.0.0/16"),     // link-local: AWS, Azure, Google Cloud, Oracle, Tencent, ...
	netip.MustParsePrefix("fe80::/10"),          // the same: OpenStack (fe80::a9fe:a9fe)
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure's WireServer
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle Cloud, Classic
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS, over IPv6
	netip.MustParsePrefix("fd00:ec2::23/128"),   // AWS's pods, over IPv6
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud, over IPv6
}

// translated are the prefixes of IPv4 addresses in IPv6's, with the byte at which
// the address is.
var translated = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64 (RFC 6052)
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // of one's own network (RFC 8215)
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4 (RFC 3056)
	{netip.MustParsePrefix("::/96"), 12},          // IPv4-compatible (RFC 4291, 2.5.5.1)
}

// within is the IPv4 address that an address stands for, or else itself.
func within(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("").Unmap()
	for _, t := range translated {
		if t.prefix.Contains(ip) && !ip.IsLoopback() && !ip.IsUnspecified() {
			b := ip.As16()
			return netip.AddrFrom4([4]byte(b[t.at : t.at+4]))
		}
	}
	return ip
}

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
	ip := within(to.Addr())
	for _, p := range metadata {
		if p.Contains(ip) {
			return fmt.Errorf("%s is a link-local address or a cloud's metadata service: events are not sent there", ip)
		}
	}
	if onlyHere && !ip.IsLoopback() {
		return fmt.Errorf("%s is another host, to which plain http is not allowed", ip)
	}
	return nil
}

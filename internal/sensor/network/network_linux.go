package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// dump asks for all objects of a kind and calls fn with each answer's payload
// behind its fixed header, of the given size, and its attributes.
func dump(request, answer uint16, size int, fn func(header []byte, attributes map[uint16][]byte)) error {
	data, err := syscall.NetlinkRIB(int(request), unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("ask the kernel over rtnetlink: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return fmt.Errorf("read the kernel's answer over rtnetlink: %w", err)
	}
	for _, m := range messages {
		if m.Header.Type == answer && len(m.Data) >= size {
			fn(m.Data[:size], parseAttributes(m.Data[size:]))
		}
	}
	return nil
}

// parseAttributes reads struct rtattr: a length, a type, the value, and padding
// to four bytes (rtnetlink(7)).
func parseAttributes(data []byte) map[uint16][]byte {
	attributes := map[uint16][]byte{}
	for len(data) >= unix.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(data))
		kind := binary.NativeEndian.Uint16(data[2:])
		if length < unix.SizeofRtAttr || length > len(data) {
			break
		}
		attributes[kind&^unix.NLA_F_NESTED] = data[unix.SizeofRtAttr:length]
		data = data[min(len(data), (length+3)&^3):]
	}
	return attributes
}

func number(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	return int(binary.NativeEndian.Uint32(b))
}

func text(b []byte) string { return unix.ByteSliceToString(b) }

func address(b []byte) string {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return ""
	}
	return a.String()
}

func interfaces() ([]telemetry.Record, error) {
	byIndex := map[int]*telemetry.Interface{}
	var order []int
	err := dump(unix.RTM_GETLINK, unix.RTM_NEWLINK, unix.SizeofIfInfomsg, func(h []byte, a map[uint16][]byte) {
		index, flags := number(h[4:8]), number(h[8:12])
		byIndex[index] = &telemetry.Interface{
			Index: index,
			Name:  text(a[unix.IFLA_IFNAME]),
			MTU:   number(a[unix.IFLA_MTU]),
			Up:    flags&unix.IFF_UP != 0,
			MAC:   mac(a[unix.IFLA_ADDRESS]),
			Kind:  kind(binary.NativeEndian.Uint16(h[2:4]), flags, a[unix.IFLA_LINKINFO]),
		}
		order = append(order, index)
	})
	if err != nil {
		return nil, err
	}
	err = dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, unix.SizeofIfAddrmsg, func(h []byte, a map[uint16][]byte) {
		// On point-to-point links IFA_ADDRESS is the peer's; IFA_LOCAL, where
		// it is, is always the host's.
		own := a[unix.IFA_LOCAL]
		if own == nil {
			own = a[unix.IFA_ADDRESS]
		}
		if i := byIndex[number(h[4:8])]; i != nil && address(own) != "" {
			i.Addresses = append(i.Addresses, fmt.Sprintf("%s/%d", address(own), h[1]))
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(order)
	records := make([]telemetry.Record, 0, len(order))
	for _, index := range order {
		records = append(records, byIndex[index])
	}
	return records, nil
}

func mac(b []byte) string {
	if len(b) != 6 || slices.Equal(b, make([]byte, 6)) {
		return ""
	}
	return net.HardwareAddr(b).String()
}

// kind is what made the interface ("veth", "bridge", "wireguard"), or the sort of
// its hardware.
func kind(hardware uint16, flags int, info []byte) string {
	if made := text(parseAttributes(info)[unix.IFLA_INFO_KIND]); made != "" {
		return made
	}
	switch {
	case flags&unix.IFF_LOOPBACK != 0:
		return "loopback"
	case hardware == unix.ARPHRD_ETHER:
		return "ethernet"
	}
	return ""
}

// The kinds of routes (rtnetlink(7)), as ip-route(8) names them.
var routeKinds = map[byte]string{
	unix.RTN_UNICAST: "unicast", unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast",
	unix.RTN_ANYCAST: "anycast", unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole",
	unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw", unix.RTN_NAT: "nat",
}

func routes() ([]telemetry.Record, error) {
	names := map[int]string{}
	err := dump(unix.RTM_GETLINK, unix.RTM_NEWLINK, unix.SizeofIfInfomsg, func(h []byte, a map[uint16][]byte) {
		names[number(h[4:8])] = text(a[unix.IFLA_IFNAME])
	})
	if err != nil {
		return nil, err
	}
	var records []telemetry.Record
	err = dump(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, unix.SizeofRtMsg, func(h []byte, a map[uint16][]byte) {
		r := route(h, a)
		if r == nil {
			return
		}
		for _, hop := range hops(a) {
			one := *r
			one.Gateway, one.Interface = hop.gateway, names[hop.index]
			records = append(records, &one)
		}
	})
	return records, err
}

func route(h []byte, a map[uint16][]byte) *telemetry.Route {
	r := &telemetry.Route{Family: 4, Table: int(h[4]), Kind: routeKinds[h[7]], Metric: number(a[unix.RTA_PRIORITY])}
	unspecified := "0.0.0.0"
	switch h[0] {
	case unix.AF_INET:
	case unix.AF_INET6:
		r.Family, unspecified = 6, "::"
	default:
		return nil // multicast routing and the like
	}
	if h[4] == unix.RT_TABLE_LOCAL || number(h[8:12])&unix.RTM_F_CLONED != 0 {
		return nil // the host's own addresses, and caches
	}
	if table := a[unix.RTA_TABLE]; table != nil {
		r.Table = number(table)
	}
	destination := address(a[unix.RTA_DST])
	if destination == "" {
		destination = unspecified
	}
	r.Destination = fmt.Sprintf("%s/%d", destination, h[1])
	r.Source = address(a[unix.RTA_PREFSRC])
	return r
}

type hop struct {
	gateway string
	index   int
}

// hops are the ways that a route leads: its own, or those of struct rtnexthop
// where it has several.
func hops(a map[uint16][]byte) []hop {
	all := []hop{}
	for list := a[unix.RTA_MULTIPATH]; len(list) >= unix.SizeofRtNexthop; {
		length := int(binary.NativeEndian.Uint16(list))
		if length < unix.SizeofRtNexthop || length > len(list) {
			break
		}
		inner := parseAttributes(list[unix.SizeofRtNexthop:length])
		all = append(all, hop{gateway(inner), number(list[4:8])})
		list = list[min(len(list), (length+3)&^3):]
	}
	if len(all) == 0 {
		all = append(all, hop{gateway(a), number(a[unix.RTA_OIF])})
	}
	return all
}

// gateway is RTA_GATEWAY, or RTA_VIA where the gateway is of another family.
func gateway(a map[uint16][]byte) string {
	if via := a[unix.RTA_VIA]; len(via) > 2 {
		return address(via[2:])
	}
	return address(a[unix.RTA_GATEWAY])
}

package uplink

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Proxy reads https_proxy and no_proxy from an environment (upper case too, the
// lower case winning) and returns what chooses the proxy for an address: nil is
// none. As the service is only reached by https, http_proxy is used where there
// is no https_proxy.
//
// no_proxy is a comma-separated list of host names (with all names below them),
// IP addresses, CIDR ranges, each with an optional port, or "*". The instance
// metadata service (169.254.169.254, fd00:ec2::254) and this host itself are
// never asked through a proxy.
func Proxy(getenv func(string) string) (func(*url.URL) *url.URL, error) {
	get := func(name string) string { return cmp.Or(getenv(name), getenv(strings.ToUpper(name))) }
	value := cmp.Or(get("https_proxy"), get("http_proxy"))
	if value == "" {
		return nil, nil
	}
	proxy, err := parseProxy(value)
	if err != nil {
		return nil, err
	}
	skip := strings.FieldsFunc(strings.ToLower(get("no_proxy")), func(r rune) bool { return r == ',' || r == ' ' })
	return func(u *url.URL) *url.URL {
		host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), cmp.Or(u.Port(), "443")
		if direct(host) {
			return nil
		}
		for _, s := range skip {
			if matches(s, host, port) {
				return nil
			}
		}
		return proxy
	}, nil
}

func parseProxy(value string) (*url.URL, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		// A proxy's address may carry a password: it is not repeated.
		return nil, fmt.Errorf("https_proxy (http_proxy) must look like http://proxy.example:3128")
	}
	return u, nil
}

func direct(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsLoopback() || ip == netip.AddrFrom4([4]byte{169, 254, 169, 254}) || ip == netip.MustParseAddr("fd00:ec2::254")
}

// matches tells whether an entry of no_proxy covers a host and port.
func matches(entry, host, port string) bool {
	if entry == "*" {
		return true
	}
	ip, ipErr := netip.ParseAddr(host)
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		return ipErr == nil && prefix.Contains(ip.Unmap())
	}
	name := entry
	if addr, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return ipErr == nil && addr.Unmap() == ip.Unmap()
	}
	if h, p, ok := cutPort(entry); ok {
		if p != port {
			return false
		}
		name = h
	}
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ipErr == nil && addr.Unmap() == ip.Unmap()
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "*"), ".")
	return name != "" && ipErr != nil && (host == name || strings.HasSuffix(host, "."+name))
}

func cutPort(entry string) (host, port string, ok bool) {
	i := strings.LastIndexByte(entry, ':')
	if i < 0 || strings.HasSuffix(entry, "]") {
		return "", "", false
	}
	return entry[:i], entry[i+1:], true
}

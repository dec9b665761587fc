package api

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestFrom(t *testing.T) {
	s := &Server{Config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}}}
	for _, test := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "198.51.100.7:1234", nil, "198.51.100.7"},
		{"IPv6", "[2001:db8:1::1]:1234", nil, "2001:db8:1::1"},
		{"IPv4 in IPv6's form", "[::ffff:198.51.100.7]:1234", nil, "198.51.100.7"},
		{"a header of a stranger's", "198.51.100.7:1234", []string{"203.0.113.1"}, "198.51.100.7"},
		{"a proxy", "192.0.2.1:1234", []string{"203.0.113.1"}, "203.0.113.1"},
		{"a proxy with IPv6", "[2001:db8::5]:1234", []string{"2001:db8:1::1"}, "2001:db8:1::1"},
		{"two proxies", "192.0.2.1:1234", []string{"203.0.113.1, 192.0.2.2"}, "203.0.113.1"},
		{"two headers", "192.0.2.1:1234", []string{"203.0.113.1", "192.0.2.2"}, "203.0.113.1"},
		{"what the client has sent before", "192.0.2.1:1234", []string{"127.0.0.1, 203.0.113.1"}, "203.0.113.1"},
		{"a proxy that says nothing", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"a proxy that says nonsense", "192.0.2.1:1234", []string{"203.0.113.1, unknown"}, "192.0.2.1"},
		{"proxies only", "192.0.2.1:1234", []string{"192.0.2.3"}, "192.0.2.3"},
		{"no address", "@", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = test.remote
		for _, f := range test.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := s.from(r).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

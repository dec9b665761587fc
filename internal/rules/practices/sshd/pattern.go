package sshd

import (
	"net/netip"
	"strings"
)

// matchPattern matches as match_pattern() in match.c: "*" for any characters,
// "?" for one.
func matchPattern(s, pattern string) bool {
	star, mark := -1, 0
	i, p := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			i, p = i+1, p+1
		case star >= 0:
			mark++
			i, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// verdicts of a list of patterns.
const (
	negated = -1
	noMatch = 0
	matched = 1
	invalid = -2
)

// longest is the length of a pattern in a list from which on sshd gives up.
const longest = 1023

// matchList matches as match_pattern_list(): a pattern that is negated wins.
func matchList(s, patterns string, lower bool) int {
	result := noMatch
	for patterns != "" {
		var p string
		rest, neg := strings.CutPrefix(patterns, "!")
		p, patterns, _ = strings.Cut(rest, ",")
		if len(p) >= longest {
			return noMatch
		}
		if lower {
			p = strings.ToLower(p)
		}
		if !matchPattern(s, p) {
			continue
		}
		if neg {
			return negated
		}
		result = matched
	}
	return result
}

func matchHost(host, patterns string) int { return matchList(strings.ToLower(host), patterns, true) }

// matchAddresses matches as addr_match_list() in addrmatch.c: networks with
// their prefix length, or patterns on the text of the address. An address that
// is empty only checks the list.
func matchAddresses(address, patterns string) int {
	addr, err := netip.ParseAddr(address)
	if address != "" && err != nil {
		return noMatch
	}
	result := noMatch
	for entry := range strings.SplitSeq(patterns, ",") {
		entry, neg := strings.CutPrefix(entry, "!")
		if entry == "" {
			return invalid
		}
		network, kind := parseNetwork(entry)
		if kind == badNetwork {
			return invalid
		}
		hit := kind == isNetwork && contains(network, addr) || kind == noNetwork && matchPattern(address, entry)
		if address == "" || !hit {
			continue
		}
		if neg {
			return negated
		}
		result = matched
	}
	return result
}

func contains(n netip.Prefix, a netip.Addr) bool {
	// sshd does not take an IPv4 address inside an IPv6 one for the former.
	return n.Addr().BitLen() == a.BitLen() && n.Contains(a.WithZone(""))
}

const (
	noNetwork = iota // a pattern
	isNetwork
	badNetwork // sshd refuses it: "10.0.0.1/8"
)

// parseNetwork reads an address or network as addr_pton_cidr() in addr.c.
func parseNetwork(s string) (netip.Prefix, int) {
	text, bits, found := strings.Cut(s, "/")
	n := -1
	if found {
		if n = prefixLength(bits); n < 0 {
			return netip.Prefix{}, noNetwork
		}
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, noNetwork
	}
	addr = addr.WithZone("")
	if !found {
		n = addr.BitLen()
	}
	network := netip.PrefixFrom(addr, n)
	if n > addr.BitLen() || network.Masked().Addr() != addr {
		return netip.Prefix{}, badNetwork
	}
	return network, isNetwork
}

func prefixLength(s string) int {
	if s == "" || len(s) > 4 {
		return -1
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	if n > 128 {
		return -1
	}
	return n
}

// validUserPattern tells whether sshd takes an entry of AllowUsers.
func validUserPattern(s string) bool {
	_, hosts, found := strings.Cut(s, "@")
	return s != "" && (!found || matchAddresses("", hosts) != invalid)
}

// matchUser matches an entry of AllowUsers and the like as match_user().
func matchUser(c *Connection, entry string) bool {
	user, hosts, found := strings.Cut(entry, "@")
	if !matchPattern(c.User, user) {
		return false
	}
	return !found || matchHostAndAddress(c, hosts)
}

func matchHostAndAddress(c *Connection, patterns string) bool {
	byAddress := matchAddresses(c.Address, patterns)
	if byAddress < noMatch {
		return false
	}
	byName := matchHost(c.Host, patterns)
	return byName != negated && (byName == matched || byAddress == matched)
}

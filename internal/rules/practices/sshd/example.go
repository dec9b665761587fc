package sshd

import (
	"net/netip"
	"slices"
	"strings"
)

// examples are strings that the patterns in some lists match, and one that only
// patterns match that match everything.
func examples(lists []string, other string) []string {
	found := []string{other}
	for _, list := range lists {
		for p := range strings.SplitSeq(list, ",") {
			p = strings.TrimPrefix(p, "!")
			add(&found, example(p, "", "x"))
			add(&found, example(p, "x", "x"))
		}
	}
	// What two patterns match together.
	for _, p := range slices.Clone(found) {
		for _, list := range lists {
			for q := range strings.SplitSeq(list, ",") {
				if strings.Contains(q, "*") && len(found) < 500 {
					add(&found, example(strings.TrimPrefix(q, "!"), p, "x"))
				}
			}
		}
	}
	return slices.DeleteFunc(found, func(s string) bool { return s == "" })
}

// example replaces what is open in a pattern.
func example(pattern, star, question string) string {
	return strings.NewReplacer("*", star, "?", question).Replace(pattern)
}

// addressesFor are addresses that stand for all that lists of networks and
// patterns can tell apart: where one network begins or the address after it,
// some kind of address begins.
func addressesFor(lists []string) []string {
	found := []string{"203.0.113.77", "2001:db8:ffff::77"}
	for _, list := range lists {
		for entry := range strings.SplitSeq(list, ",") {
			entry = strings.TrimPrefix(entry, "!")
			n, kind := parseNetwork(entry)
			if kind == isNetwork {
				for _, a := range []netip.Addr{n.Addr(), after(n)} {
					if a.IsValid() {
						add(&found, a.String())
					}
				}
				continue
			}
			for _, star := range []string{"1", "7", "1.1", "1.1.1", ""} {
				if a, err := netip.ParseAddr(example(entry, star, "1")); err == nil {
					add(&found, a.String())
				}
			}
		}
	}
	return found
}

// after is the first address after a network; invalid if there is none.
func after(n netip.Prefix) netip.Addr {
	bytes := n.Addr().AsSlice()
	for bit := n.Bits(); bit < n.Addr().BitLen(); bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last.Next()
}

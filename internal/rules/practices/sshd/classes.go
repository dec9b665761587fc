package sshd

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Bounds, so that a host can't keep the service busy with its configuration.
const (
	maxClasses  = 40_000    // connections
	maxPeople   = 20_000    // people that Anyone makes up
	maxPatterns = 1_000     // that a configuration asks of connections
	maxWork     = 5_000_000 // lines to go through for all connections
)

// Person is an account as far as Match blocks can tell it from others.
type Person struct {
	Name   string
	UID0   bool
	Groups []string
}

// Classes are connections of the given people that stand for all there can be:
// whatever the configuration asks of a client's name, its address and the rest,
// some of them meets it, and some do not, in every combination. ok is false
// where there would be too many.
func (c *Config) Classes(people []Person) (classes []Connection, ok bool) {
	if c.patterns > maxPatterns {
		return nil, false
	}
	a := c.asked()
	dims := a.dimensions()
	people = a.distinct(people)
	count := len(people)
	for _, d := range dims {
		count *= len(d)
		if count > maxClasses || count*c.lines > maxWork {
			return nil, false
		}
	}
	for _, p := range people {
		base := Connection{User: p.Name, UID0: p.UID0, Groups: p.Groups}
		for _, address := range dims[0] {
			for _, name := range dims[1] {
				for _, local := range dims[2] {
					for _, port := range dims[3] {
						for _, domain := range dims[4] {
							conn := base
							conn.Address, conn.Host, conn.LocalAddress, conn.Domain = address, name, local, domain
							if name == "" {
								conn.Host = address
							}
							conn.LocalPort = portNumber(port)
							classes = append(classes, conn)
						}
					}
				}
			}
		}
	}
	return classes, true
}

// Selective tells whether a configuration makes any difference between
// connections.
func (c *Config) Selective() bool { return c.patterns > 0 }

// asked is all that a configuration asks of connections: lists of patterns, by
// what they are matched against.
type asked struct {
	users, groups, hosts, addresses, locals, ports, domains []string
	entries                                                 []string // of AllowUsers and DenyUsers
	names                                                   bool     // sshd looks up clients' names
}

func (c *Config) asked() asked {
	a := asked{names: c.value(c.globals, "usedns").Value == "yes", ports: c.ports()}
	a.collect(c.command)
	a.collect(c.nodes)
	return a
}

// ports are those that sshd is told to listen on. Sockets of systemd may be on
// others: those that Match blocks ask for are added to them.
func (c *Config) ports() []string {
	var ports []string
	for _, line := range c.globals["port"] {
		add(&ports, line.Args[0])
	}
	for _, line := range c.globals["listenaddress"] {
		if _, p, err := net.SplitHostPort(line.Args[0]); err == nil {
			add(&ports, p)
		}
	}
	if len(ports) == 0 {
		ports = []string{"22"}
	}
	return ports
}

func (a *asked) collect(nodes []*node) {
	for _, n := range nodes {
		for _, file := range n.includes {
			a.collect(file)
		}
		for _, cond := range n.criteria {
			into := map[string]*[]string{"user": &a.users, "group": &a.groups, "host": &a.hosts, "address": &a.addresses,
				"localaddress": &a.locals, "localport": &a.ports, "rdomain": &a.domains}[cond.attribute]
			if into != nil {
				add(into, cond.argument)
			}
		}
		switch n.setting.Keyword {
		case "allowusers", "denyusers":
			for _, entry := range n.setting.Args {
				add(&a.entries, entry)
				user, hosts, found := strings.Cut(entry, "@")
				add(&a.users, user)
				if found {
					add(&a.addresses, hosts)
					add(&a.hosts, hosts)
				}
			}
		case "allowgroups", "denygroups":
			for _, g := range n.setting.Args {
				add(&a.groups, g)
			}
		}
	}
}

func add(list *[]string, s string) {
	if !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// dimensions are the values that stand for all: addresses, names, local
// addresses, local ports, routing domains. The name "" is the address.
func (a asked) dimensions() [5][]string {
	addresses := slices.Clone(a.addresses)
	names := []string{""}
	if a.names {
		names = keepDistinct(append(names, examples(a.hosts, "client.example")...), func(s string) string {
			return signature(a.hosts, func(list string) int { return matchHost(s, list) })
		})
	} else {
		addresses = append(addresses, a.hosts...)
	}
	hosts := a.hosts
	if a.names {
		hosts = nil
	}
	return [5][]string{
		keepDistinct(addressesFor(addresses), func(s string) string {
			return signature(a.addresses, func(list string) int { return matchAddresses(s, list) }) +
				signature(hosts, func(list string) int { return matchHost(s, list) })
		}),
		names,
		keepDistinct(addressesFor(a.locals), func(s string) string {
			return signature(a.locals, func(list string) int { return matchAddresses(s, list) })
		}),
		keepDistinct(a.ports, func(s string) string { return strconv.Itoa(portNumber(s)) }),
		keepDistinct(append([]string{""}, examples(a.domains, "vrf")...), func(s string) string {
			return signature(a.domains, func(list string) int { return matchList(s, list, false) })
		}),
	}
}

func signature(lists []string, match func(string) int) string {
	b := make([]byte, len(lists))
	for i, list := range lists {
		b[i] = byte('1' + match(list))
	}
	return string(b)
}

// keepDistinct keeps the first value of each kind.
func keepDistinct(values []string, kindOf func(string) string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, v := range values {
		if k := kindOf(v); !seen[k] {
			seen[k] = true
			kept = append(kept, v)
		}
	}
	return kept
}

// distinct keeps the first of the people whom the configuration treats alike.
func (a asked) distinct(people []Person) []Person {
	var kept []Person
	seen := map[string]bool{}
	for _, p := range people {
		k := signature(a.users, func(list string) int { return matchList(p.Name, list, false) }) + "/" +
			signature(a.groups, func(list string) int { return boolean(matchGroups(p.Groups, list)) }) + "/" +
			signature(a.groups, func(list string) int {
				return boolean(slices.ContainsFunc(p.Groups, func(g string) bool { return matchPattern(g, list) }))
			}) + strconv.FormatBool(p.UID0)
		if !seen[k] {
			seen[k] = true
			kept = append(kept, p)
		}
	}
	return kept
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Anyone are people that need not have an account today: one for each way in
// which the configuration can tell a user by name, in no group and in each that
// it asks for; with pairs also in each two of them. ok is false where they would
// be too many.
func (c *Config) Anyone(pairs bool) (people []Person, ok bool) {
	if c.patterns > maxPatterns {
		return nil, false
	}
	a := c.asked()
	groups := [][]string{nil}
	single := examples(a.groups, "others")
	for i, g := range single {
		groups = append(groups, []string{g})
		for _, h := range single[:i] {
			if pairs {
				groups = append(groups, []string{g, h})
			}
		}
	}
	names := examples(a.users, "someone")
	if len(names)*len(groups) > maxPeople {
		return nil, false
	}
	for _, name := range names {
		for _, g := range groups {
			people = append(people, Person{Name: name, UID0: name == "root", Groups: g})
		}
	}
	return people, true
}

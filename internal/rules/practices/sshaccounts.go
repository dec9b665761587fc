package practices

import (
	"slices"

	"assay/internal/host"
	"assay/internal/rules/practices/sshd"
)

// accounts are the host's, as sshd tells them apart.
type accounts struct {
	people   []sshd.Person
	complete bool // with all their groups
	reason   string
}

// accountsOf are the accounts of /etc/passwd with their groups.
func accountsOf(h *host.Host) accounts {
	users, groups := h.Users(), h.Groups()
	a := accounts{complete: users.Complete && groups.Complete, reason: users.Reason}
	if users.Complete {
		a.reason = groups.Reason
	}
	names := map[uint32]string{}
	member := map[string][]string{}
	for _, g := range groups.Values {
		if g.Problem != "" {
			continue
		}
		if _, taken := names[g.GID]; !taken {
			names[g.GID] = g.Name
		}
		for _, m := range g.Members {
			member[m] = append(member[m], g.Name)
		}
	}
	for _, u := range users.Values {
		if u.Problem != "" {
			continue
		}
		p := sshd.Person{Name: u.Name, UID0: u.UID == 0, Groups: member[u.Name]}
		if primary, ok := names[u.GID]; ok && !slices.Contains(p.Groups, primary) {
			p.Groups = append([]string{primary}, p.Groups...)
		}
		a.people = append(a.people, p)
	}
	return a
}

// roots are the accounts with user id 0; without any, root, which the system
// takes for granted.
func (a accounts) roots() []sshd.Person {
	var roots []sshd.Person
	for _, p := range a.people {
		if p.UID0 {
			roots = append(roots, p)
		}
	}
	if len(roots) == 0 {
		roots = append(roots, sshd.Person{Name: "root", UID0: true})
	}
	return roots
}

// anyRoot are people with user id 0 under any name and in any groups that a
// configuration can single out, for where the accounts are not known.
func anyRoot(c *sshd.Config) ([]sshd.Person, bool) {
	people, ok := c.Anyone(true)
	for i := range people {
		people[i].UID0 = true
	}
	root := sshd.Person{Name: "root", UID0: true}
	for _, p := range slices.Clone(people) {
		root.Groups = p.Groups
		people = append(people, root)
	}
	return people, ok
}

// others are the people that are not root.
func others(people []sshd.Person) []sshd.Person {
	return slices.DeleteFunc(slices.Clone(people), func(p sshd.Person) bool { return p.UID0 && p.Name != "root" })
}

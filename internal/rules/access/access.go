// Package access tells who can write to a directory or a file: by its owner, its group
// and mode, and its access control list, as the kernel decides (acl(5),
// path_resolution(7)), for the accounts that a host has. Several rules packages ask it.
package access

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

const (
	write   = 2
	execute = 1
)

// Accounts are the accounts and groups of a host.
type Accounts struct {
	Users   []*telemetry.User
	Groups  []*telemetry.Group
	Unknown string // why there may be more of them; empty if there are not

	index *index // see Indexed
}

// index is what Writers looks up again and again.
type index struct {
	member     map[string][]uint32 // groups by the name of an account
	uids, gids map[uint32]bool     // that there are
	members    int
}

// AccountsOf are the accounts that a host's telemetry tells of, indexed.
func AccountsOf(h *host.Host) Accounts {
	users, groups := h.Users(), h.Groups()
	a := Accounts{Users: users.Values, Groups: groups.Values}
	switch {
	case !users.Complete:
		a.Unknown = users.Reason
	case !groups.Complete:
		a.Unknown = groups.Reason
	}
	return a.Indexed()
}

// Indexed are the same accounts, to be asked about many directories.
func (a Accounts) Indexed() Accounts {
	x := &index{member: map[string][]uint32{}, uids: map[uint32]bool{0: true}, gids: map[uint32]bool{0: true}}
	for _, u := range a.Users {
		if u.Problem == "" {
			x.uids[u.UID], x.member[u.Name] = true, nil
		}
	}
	for _, g := range a.Groups {
		if g.Problem != "" {
			continue
		}
		x.gids[g.GID] = true
		for _, name := range g.Members {
			if gids, known := x.member[name]; known && (len(gids) == 0 || gids[len(gids)-1] != g.GID) {
				x.member[name] = append(gids, g.GID)
				x.members++
			}
		}
	}
	a.index = x
	return a
}

// Cost is about how many comparisons Writers makes for a directory: hosts that are
// made for it can have so many accounts and entries that it would not end.
func (a Accounts) Cost(dir *telemetry.File, above []*telemetry.File) int {
	entries := 2 + len(above) + len(dir.ACL)
	for _, f := range above {
		entries += len(f.ACL)
	}
	who := len(a.Users) + len(dir.ACL) + 2
	if a.index != nil {
		who += a.index.members
	}
	return who * entries
}

// Writers are those, root apart, who can create names in a directory, or write to a
// file.
type Writers struct {
	Everyone bool     // the permissions of others give it to any account there is or will be
	Names    []string // accounts, sorted
	IDs      []string // of ids without an account: "uid 1234"
	Unknown  string   // why there may be more
}

// shown is how many accounts String names.
const shown = 20

// String names the writers; empty if there is none.
func (w Writers) String() string {
	all := slices.Concat(w.Names, w.IDs)
	if len(all) > shown {
		all = append(slices.Clone(all[:shown]), fmt.Sprintf("%d more", len(w.Names)+len(w.IDs)-shown))
	}
	if at := slices.Index(all, "nobody"); at >= 0 {
		all[at] = "the user nobody" // or a sentence says the opposite
	}
	text := strings.Join(all, ", ")
	switch {
	case !w.Everyone:
		return text
	case text == "":
		return "everyone"
	}
	return "everyone (" + text + ")"
}

// Writers finds who can write to a directory, or to a file of another kind, and can
// reach it through those above.
func (a Accounts) Writers(dir *telemetry.File, above []*telemetry.File) Writers {
	if a.index == nil {
		a = a.Indexed()
	}
	var w Writers
	var anybody subject
	w.Everyone = a.can(anybody, dir, above)
	for _, u := range a.Users {
		if u.Problem != "" || u.UID == 0 {
			continue
		}
		s := subject{known: true, uid: u.UID, gids: a.gids(u)}
		if a.can(s, dir, above) {
			w.Names = append(w.Names, u.Name)
		}
	}
	slices.Sort(w.Names)
	w.Names = slices.Compact(w.Names)
	w.IDs = a.strangers(dir, above)
	if a.Unknown != "" && grantsGroup(dir) {
		w.Unknown = a.Unknown
	}
	return w
}

// subject is who asks. The zero value is an account of which only others'
// permissions can be said to hold.
type subject struct {
	known bool
	uid   uint32
	gids  []uint32
}

func (a Accounts) gids(u *telemetry.User) []uint32 {
	if a.index == nil {
		a = a.Indexed()
	}
	return append([]uint32{u.GID}, a.index.member[u.Name]...)
}

// can tells whether a subject can write to a directory. Its owner can give
// himself what he has not.
func (a Accounts) can(s subject, dir *telemetry.File, above []*telemetry.File) bool {
	for _, f := range above {
		if !allows(f, s, execute) {
			return false
		}
	}
	want := uint8(write | execute)
	if dir.Kind == telemetry.Regular {
		want = write
	}
	return s.known && s.uid == dir.UID || allows(dir, s, want)
}

// strangers are ids that a directory's permissions name and no account has. What
// groups there are has to be known in full to say that of one.
func (a Accounts) strangers(dir *telemetry.File, above []*telemetry.File) []string {
	uids, gids := []uint32{dir.UID}, []uint32{dir.GID}
	for _, e := range dir.ACL {
		switch e.Tag {
		case "user":
			uids = append(uids, e.ID)
		case "group":
			gids = append(gids, e.ID)
		}
	}
	var ids []string
	for _, uid := range distinct(uids) {
		if !a.index.uids[uid] && a.can(subject{known: true, uid: uid}, dir, above) {
			ids = append(ids, fmt.Sprintf("uid %d", uid))
		}
	}
	for _, gid := range distinct(gids) {
		if !a.index.gids[gid] && a.Unknown == "" && a.can(subject{known: true, uid: 1<<32 - 2, gids: []uint32{gid}}, dir, above) {
			ids = append(ids, fmt.Sprintf("gid %d", gid))
		}
	}
	return ids
}

// distinct keeps the first of each.
func distinct(ids []uint32) []uint32 {
	seen := make(map[uint32]bool, len(ids))
	return slices.DeleteFunc(ids, func(id uint32) bool {
		before := seen[id]
		seen[id] = true
		return before
	})
}

// grantsGroup tells whether a group, the owner's or a named one, can write: then
// it matters who is in it.
func grantsGroup(f *telemetry.File) bool {
	if len(f.ACL) == 0 {
		return f.Mode&0o020 != 0
	}
	return slices.ContainsFunc(f.ACL, func(e telemetry.ACL) bool {
		return (e.Tag == "group" || e.Tag == "group_obj") && e.Perm&mask(f)&write != 0
	})
}

func mask(f *telemetry.File) uint8 {
	for _, e := range f.ACL {
		if e.Tag == "mask" {
			return e.Perm
		}
	}
	return 7
}

// allows is the kernel's check of a file's permissions. One entry must give all
// that is wanted. A list whose mask, which stands in the mode in place of the
// group's permissions, gives nothing is not looked at: whoever it names is then
// one of the others (acl_permission_check in fs/namei.c).
func allows(f *telemetry.File, s subject, want uint8) bool {
	if len(f.ACL) > 0 && f.Mode&0o070 != 0 {
		return allowsACL(f, s, want)
	}
	bits := uint8(f.Mode)
	switch {
	case s.known && s.uid == f.UID:
		bits = uint8(f.Mode >> 6)
	case slices.Contains(s.gids, f.GID):
		bits = uint8(f.Mode >> 3)
	}
	return bits&want == want
}

func allowsACL(f *telemetry.File, s subject, want uint8) bool {
	owner, other := uint8(f.Mode>>6)&7, uint8(f.Mode)&7
	limit := mask(f)
	grouped := false
	for _, e := range f.ACL {
		switch e.Tag {
		case "user_obj":
			owner = e.Perm
		case "other":
			other = e.Perm
		case "user":
			if s.known && e.ID == s.uid && s.uid != f.UID {
				return e.Perm&limit&want == want
			}
		}
	}
	if s.known && s.uid == f.UID {
		return owner&want == want
	}
	for _, e := range f.ACL {
		id := e.ID
		if e.Tag == "group_obj" {
			id = f.GID
		} else if e.Tag != "group" {
			continue
		}
		if slices.Contains(s.gids, id) {
			grouped = true
			if e.Perm&limit&want == want {
				return true
			}
		}
	}
	return !grouped && other&want == want
}

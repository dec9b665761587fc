package accounts

import (
	"math"
	"strconv"
	"strings"

	"assay/internal/telemetry"
)

// parseUser parses a line of passwd(5):
// name:password:uid:gid:gecos:home:shell.
func parseUser(f fields) telemetry.Record {
	u := &telemetry.User{Name: name(&f), File: f.file, Line: f.line, Home: f.at(5), Shell: f.at(6)}
	if special(u.Name) {
		// "+", "-", "+name", "+@netgroup": what NIS adds or takes away. The
		// password field overrides NIS's where it is not empty; an empty one
		// is no empty password.
		f.wrong("it is an entry for NIS, not an account")
		u.Home, u.Shell = "", ""
		u.Password = telemetry.PasswordDisabled
		if f.at(1) != "" {
			u.Password, u.Algorithm = password(f.at(1))
		}
		u.Problem = f.problem
		return u
	}
	if len(f.f) != 7 {
		f.wrong("it has %d fields, not 7", len(f.f))
		u.Home, u.Shell = "", "" // which field is which is not known
	}
	u.Password, u.Algorithm = f.password(1, 7)
	u.UID = f.id(2, "user")
	u.GID = f.id(3, "group")
	u.Problem = f.problem
	return u
}

// parseShadow parses a line of shadow(5):
// name:password:last change:min:max:warn:inactive:expire:reserved.
func parseShadow(f fields) telemetry.Record {
	s := &telemetry.Shadow{Name: name(&f), File: f.file, Line: f.line}
	if special(s.Name) {
		f.wrong("it is an entry for NIS, not an account")
	} else if len(f.f) != 9 {
		f.wrong("it has %d fields, not 9", len(f.f))
	}
	s.Password, s.Algorithm = f.password(1, 2)
	if s.Password == telemetry.PasswordShadowed {
		s.Password = telemetry.PasswordDisabled // "x" points nowhere from here
	}
	for i, field := range []**int64{&s.LastChange, &s.Min, &s.Max, &s.Warn, &s.Inactive, &s.Expire} {
		*field = f.days(i + 2)
	}
	s.Problem = f.problem
	return s
}

// parseGroup parses a line of group(5): name:password:gid:members.
func parseGroup(f fields) telemetry.Record {
	g := &telemetry.Group{Name: name(&f), File: f.file, Line: f.line}
	if special(g.Name) {
		f.wrong("it is an entry for NIS, not a group")
		g.Problem = f.problem
		return g
	}
	if len(f.f) != 4 {
		f.wrong("it has %d fields, not 4", len(f.f))
	}
	g.GID = f.id(2, "group")
	for _, m := range strings.Split(f.at(3), ",") {
		if m = strings.TrimSpace(m); m != "" {
			g.Members = append(g.Members, m)
		}
	}
	g.Problem = f.problem
	return g
}

// maxName is how much of a name is told: the kernel's tools take 32 bytes, and
// what is longer is no name but may be anything.
const maxName = 256

// name is the first field. Of a line without a colon nothing is told: it may be
// anything, a hash put there by mistake included.
func name(f *fields) string {
	switch {
	case len(f.f) < 2:
		f.wrong("it has no colon")
		return ""
	case f.at(0) == "":
		f.wrong("its name is empty")
	case len(f.at(0)) > maxName:
		f.wrong("its name is longer than %d bytes", maxName)
		return ""
	}
	return f.at(0)
}

func special(name string) bool {
	return strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-")
}

// password is the state of a password field. In a line that ends before the
// least number of fields nothing is known of it, which is not "no password".
func (f *fields) password(i, least int) (telemetry.PasswordState, string) {
	if len(f.f) < least {
		return telemetry.PasswordDisabled, ""
	}
	return password(f.at(i))
}

// id parses a user's or group's number, (uid_t)-1 excluded: chown(2) means "no
// change" by it.
func (f *fields) id(i int, what string) uint32 {
	n, err := strconv.ParseUint(f.at(i), 10, 32)
	if err != nil || n == math.MaxUint32 {
		f.wrong("its %s number is not one", what)
		return math.MaxUint32
	}
	return uint32(n)
}

// days parses a field of shadow. Empty is nil, and so is -1, by which chage(1)
// takes a limit away.
func (f *fields) days(i int) *int64 {
	field := f.at(i)
	if field == "" {
		return nil
	}
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		f.wrong("its field %d is not a number of days", i+1)
		return nil
	}
	if n < 0 {
		return nil
	}
	return &n
}

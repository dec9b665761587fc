package practices

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/logindefs"
	"assay/internal/telemetry"
)

// passwordMaximumAge is about how long a password may be used: what login.defs
// gives to accounts that are made from now on, and what shadow(5) says of those
// with a password that somebody can log in with. Locked and disabled passwords
// don't age; an account without one ("" in the field) does not either, and is
// one that can be logged in to.
var passwordMaximumAge = check{
	rule: rules.Rule{
		ID:       "password-maximum-age",
		Title:    "Configure password maximum age",
		Finding:  "Instance <id> is not configured for a maximum age for passwords",
		Severity: inspector.Medium,
		Description: "This rule helps determine whether the maximum age of passwords is configured on the host, for new accounts " +
			"and for those that there are.",
		Recommendation: "Set PASS_MAX_DAYS in /etc/login.defs to 365 or less, and run chage -M with the same number for every account with a password.",
	},
	evaluate: evaluateMaximumAge,
}

// aging collects what the rule finds.
type aging struct {
	most     int
	bad      []string // accounts whose password may be older
	badOnes  []rules.Evidence
	goodOnes []rules.Evidence
	usable   int
}

func evaluateMaximumAge(_ context.Context, h *host.Host, in rules.Input) []rules.Result {
	most, err := setting(in, "password-maximum-age", 365)
	if err != nil {
		return untold(err, "Correct the setting.")
	}
	defaults, defaultsBad, unknown := newAccounts(h, most)
	a := aging{most: most}
	if why := a.accounts(h); unknown == "" {
		unknown = why
	}
	r := rules.Result{Verdict: rules.Failed}
	switch {
	case defaultsBad || len(a.bad) > 0:
		r.Reason = a.complaint(defaults, defaultsBad, unknown)
		r.Evidence = append(a.badOnes, r.Evidence...)
		if defaultsBad {
			r.Evidence = slices.Insert(r.Evidence, 0, defaults)
		}
	case unknown != "":
		return untold(fmt.Errorf("%s", unknown), "Collect the sensors config and accounts of this host in full, as root.")
	default:
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("Passwords expire after at most %d days, those of the %d accounts that have one and those of new accounts.", most, a.usable)
		if a.usable == 0 {
			r.Reason = fmt.Sprintf("No account has a usable password; those of new accounts expire after at most %d days.", most)
		}
		r.Evidence = append([]rules.Evidence{defaults}, a.goodOnes...)
	}
	r.Evidence = r.Evidence[:min(len(r.Evidence), maxEvidence)]
	return []rules.Result{r}
}

// complaint words what is wrong, and what is not known: that nothing was seen of
// the accounts does not mean that none has a password.
func (a *aging) complaint(defaults rules.Evidence, defaultsBad bool, unknown string) string {
	var parts []string
	if n := len(a.bad); n > 0 {
		names := strings.Join(a.bad[:min(n, maxEvidence)], ", ")
		if n > maxEvidence {
			names += fmt.Sprintf(" and %d more", n-maxEvidence)
		}
		parts = append(parts, fmt.Sprintf("The passwords of %d accounts may be used for more than %d days: %s.", n, a.most, names))
	}
	if defaultsBad {
		parts = append(parts, fmt.Sprintf("New accounts get passwords that may be used for more than %d days: %s.", a.most, defaults.Found))
	}
	if unknown != "" {
		parts = append(parts, "There may be more: "+unknown+".")
	} else if a.usable == 0 {
		parts = append(parts, "No account has a usable password now.")
	}
	return strings.Join(parts, " ")
}

// newAccounts looks at PASS_MAX_DAYS in the file that is in force:
// /etc/login.defs, or /usr/etc/login.defs where there is none (SUSE). Without it,
// or with a value that is no number, shadow-utils gives no maximum.
func newAccounts(h *host.Host, most int) (e rules.Evidence, bad bool, unknown string) {
	files, unknown := loginDefs(h)
	if unknown != "" {
		return e, false, unknown
	}
	e = rules.Evidence{Sensor: telemetry.SensorConfig, Expected: fmt.Sprintf("PASS_MAX_DAYS of at most %d", most)}
	for _, f := range slices.Backward(files) {
		entry, ok := logindefs.Lookup(f.Text, "PASS_MAX_DAYS")
		if !ok {
			continue
		}
		e.Record, e.File, e.Line, e.Found = telemetry.Key(f), f.Path, entry.Line, excerpt(entry.Text)
		days, ok := logindefs.Number(entry.Value)
		if !ok {
			e.Found += " (not a number, and so without effect)"
		}
		return e, !ok || days < 0 || days > most, ""
	}
	if len(files) > 0 {
		f := files[len(files)-1]
		e.Record, e.File, e.Found = telemetry.Key(f), f.Path, "no PASS_MAX_DAYS"
		return e, true, ""
	}
	c := h.Coverage(telemetry.SensorConfig)
	e.Record, e.File, e.Found = telemetry.Key(&c), "/etc/login.defs", "no such file, and so no maximum for new accounts"
	return e, true, ""
}

// loginDefs are the files of login.defs, those that win last: the administrator's
// or else the distribution's, and with libeconf the drop-ins of both (SUSE).
func loginDefs(h *host.Host) (files []*telemetry.Text, unknown string) {
	system := h.System()
	if !system.OK() {
		return nil, "the host's system is not known: " + system.Reason
	}
	// SUSE builds shadow-utils with libeconf.
	vendor := host.FamilyOf(system.Value) == host.FamilySUSE
	paths := []string{"/etc/login.defs", "/usr/etc/login.defs"}
	if !vendor {
		paths = paths[:1]
	}
	for _, path := range paths {
		t := h.Text(path)
		switch {
		case t.Presence == host.NotCollected:
			return nil, path + " was not collected: " + t.Reason
		case t.OK() && t.Value.Truncated:
			return nil, path + " was collected in part only"
		case t.OK():
			files = append(files, t.Value)
		}
		if t.OK() {
			break
		}
	}
	if !vendor {
		return files, ""
	}
	for _, pattern := range []string{"/usr/etc/login.defs.d/*.defs", "/etc/login.defs.d/*.defs"} {
		all := h.Texts(pattern)
		if !all.Complete {
			return nil, pattern + " was not collected: " + all.Reason
		}
		files = append(files, all.Values...)
	}
	return files, ""
}

// accounts looks at every account that can be logged in to with a password. The
// answer is why there may be more.
func (a *aging) accounts(h *host.Host) (unknown string) {
	users, shadows := h.Users(), h.Shadows()
	entries := map[string]*telemetry.Shadow{}
	for _, s := range shadows.Values {
		if _, ok := entries[s.Name]; !ok { // getspnam takes the first
			entries[s.Name] = s
		}
	}
	for _, s := range shadows.Values {
		if s.Problem != "" && unknown == "" {
			unknown = fmt.Sprintf("%s:%d cannot be understood: %s", s.File, s.Line, s.Problem)
		}
	}
	seen := map[string]bool{}
	for _, u := range users.Values {
		if seen[u.Name] || u.Problem != "" {
			continue
		}
		seen[u.Name] = true
		a.account(u, entries[u.Name])
	}
	switch {
	case !users.Complete:
		return "the accounts are not known in full: " + users.Reason
	case !shadows.Complete:
		return "the ages of passwords are not known in full: " + shadows.Reason
	}
	return unknown
}

func (a *aging) account(u *telemetry.User, s *telemetry.Shadow) {
	expected := fmt.Sprintf("a maximum of at most %d days", a.most)
	if u.Password == telemetry.PasswordUsable || u.Password == telemetry.PasswordEmpty {
		a.usable++
		a.note(u.Name, true, rules.Evidence{Sensor: telemetry.SensorAccounts, Record: telemetry.Key(u), File: u.File, Line: u.Line,
			Found: u.Name + " has its password in passwd, where passwords have no maximum age", Expected: expected})
		return
	}
	if s == nil || s.Problem != "" || u.Password != telemetry.PasswordShadowed || s.Password != telemetry.PasswordUsable && s.Password != telemetry.PasswordEmpty {
		return
	}
	a.usable++
	e := rules.Evidence{Sensor: telemetry.SensorAccounts, Record: telemetry.Key(s), File: s.File, Line: s.Line, Expected: expected}
	switch {
	case s.Max == nil || *s.Max < 0:
		e.Found = u.Name + " has no maximum"
	case s.LastChange == nil || *s.LastChange < 0:
		e.Found = u.Name + " has no date of its last change, and so no aging"
	default:
		e.Found = fmt.Sprintf("%s has a maximum of %d days", u.Name, *s.Max)
		a.note(u.Name, *s.Max > int64(a.most), e)
		return
	}
	a.note(u.Name, true, e)
}

func (a *aging) note(name string, bad bool, e rules.Evidence) {
	if !bad {
		a.goodOnes = append(a.goodOnes, e)
		return
	}
	a.bad = append(a.bad, name)
	a.badOnes = append(a.badOnes, e)
}

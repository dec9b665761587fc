package pam

import "slices"

// what is the part that a module plays in a change of a password.
type what int

const (
	bystander what = iota
	quality        // looks at the new password and may refuse it
	storing        // stores it
	unknown        // not known to the engine: it may do anything
)

// module is a line's module as it behaves when an ordinary user changes the
// password of his local account.
type module struct {
	what   what
	check  Check
	broken string // why the line can only fail
	// answers are the ways in which it may answer: in the preliminary check,
	// where nothing is asked for yet, or in the update, with the token that
	// the lines before hand on and the demands that it is known to meet.
	answers func(prelim bool, t token, accepted []Demand) []answer
}

// answer is one possible answer.
type answer struct {
	code   code
	token  token
	stored bool // the token is the user's password from now on
}

// same answers with one of the codes and leaves the token alone.
func same(codes ...code) func(bool, token, []Demand) []answer {
	return func(_ bool, t token, _ []Demand) []answer {
		var all []answer
		for _, c := range codes {
			all = append(all, answer{code: c, token: t})
		}
		return all
	}
}

// bystanders are modules that have no say in what a password looks like, by the
// values that they return for a local account.
var bystanders = map[string][]code{
	"pam_permit": {success}, "pam_deny": {authtokErr}, "pam_warn": {ignore}, "pam_echo": {ignore, success},
	"pam_localuser": {success}, "pam_rootok": {authErr}, "pam_usertype": {success, permDenied},
	"pam_succeed_if": {success, authErr}, "pam_listfile": {success, authErr}, "pam_access": {success, permDenied},
	"pam_debug": {success, authErr}, "pam_systemd_home": {userUnknown, ignore}, "pam_selinux_permit": {success, ignore},
	// Directories: the local account is none of theirs.
	"pam_sss": {userUnknown, ignore, authinfoUnavail, systemErr}, "pam_ldap": {userUnknown, ignore, authinfoUnavail},
	"pam_krb5": {userUnknown, ignore, authErr}, "pam_winbind": {userUnknown, ignore, authinfoUnavail},
	"pam_nis": {userUnknown}, "pam_himmelblau": {userUnknown, ignore}, "pam_kanidm": {userUnknown, ignore},
	"pam_oddjob_mkhomedir": {success, ignore}, "pam_cifscreds": {success, ignore, serviceErr},
	// Key rings and encrypted folders that follow the password.
	"pam_gnome_keyring": {success, ignore, serviceErr, authtokRecovery}, "pam_kwallet5": {ignore, success}, "pam_kwallet": {ignore, success},
	"pam_ecryptfs": {success, ignore, serviceErr, authtokErr}, "pam_mount": {success, ignore, serviceErr},
	"pam_fscrypt": {success, ignore, serviceErr}, "pam_smbpass": {success, ignore, userUnknown}, "pam_ssh": {ignore, success},
	"pam_fprintd": {moduleUnknown},
}

// withoutPassword are modules without a function for changes of passwords:
// libpam finds none and fails the line with module_unknown. (Linux-PAM 1.7.2,
// its modules without pam_sm_chauthtok, and others of the kind.)
var withoutPassword = []string{
	"pam_canonicalize_user", "pam_env", "pam_faildelay", "pam_faillock", "pam_ftp", "pam_group", "pam_issue", "pam_keyinit",
	"pam_lastlog", "pam_lastlog2", "pam_limits", "pam_loginuid", "pam_mail", "pam_mkhomedir", "pam_motd", "pam_namespace",
	"pam_nologin", "pam_rhosts", "pam_securetty", "pam_selinux", "pam_sepermit", "pam_setquota", "pam_shells", "pam_tally",
	"pam_tally2", "pam_time", "pam_timestamp", "pam_tty_audit", "pam_umask", "pam_userdb", "pam_wheel", "pam_xauth",
	"pam_systemd", "pam_cap", "pam_ck_connector", "pam_elogind", "pam_u2f", "pam_google_authenticator", "pam_yubico",
	"pam_postgresok", "pam_wtmpdb", "pam_console",
}

// module makes the module of a line.
func (s System) module(at int, h Handler) (module, error) {
	switch {
	case h.kind == substackMark:
		return module{}, nil
	case h.kind == alwaysFails:
		return module{broken: h.Problem, answers: same(mustFail)}, nil
	}
	there, err := s.Files.Module(h.path)
	if err != nil {
		return module{}, err
	}
	if !there {
		return module{broken: "there is no module " + h.path, answers: same(moduleUnknown)}, nil
	}
	if codes, ok := bystanders[h.Module]; ok {
		return module{answers: same(codes...)}, nil
	}
	if slices.Contains(withoutPassword, h.Module) {
		return module{broken: h.Module + " cannot change passwords", answers: same(moduleUnknown)}, nil
	}
	switch h.Module {
	case "pam_unix", "pam_tcb":
		return s.unix(at, h), nil
	case "pam_pwquality":
		return s.pwquality(at, h)
	case "pam_cracklib":
		return s.cracklib(at, h), nil
	case "pam_passwdqc":
		return s.passwdqc(at, h)
	case "pam_pwhistory":
		return s.pwhistory(h)
	}
	return module{what: unknown, answers: anything}, nil
}

// anything is what a module that nobody knows may answer.
func anything(_ bool, t token, _ []Demand) []answer {
	var all []answer
	for c := range code(codes) {
		if c != 31 { // incomplete: the application would call again
			all = append(all, answer{code: c, token: t})
		}
	}
	return all
}

// asker is how a module comes by the new password, with libpam's
// pam_get_authtok: it takes the one that a module before it has left, else asks
// the user unless it is told not to. After a refusal the password is forgotten,
// and it asks again as often as it may.
type asker struct {
	handler int
	forced  bool // use_authtok, use_first_pass: never ask
	tries   int
	refused func(accepted []Demand) bool // whether it can refuse what meets these demands
	marks   bool                         // what it accepts meets its demand
	stores  bool
	spent   code // what it answers when the tries are used up
}

func (a asker) answers(prelim bool, t token, accepted []Demand) []answer {
	if prelim {
		return []answer{{code: success}}
	}
	none, fresh := token{stored: t.stored}, token{stored: t.stored, set: true}
	if !t.set && a.forced {
		return []answer{{code: authtokErr, token: none}}
	}
	given := t
	if !t.set {
		given = fresh
	}
	all := []answer{a.accept(given)}
	if refusable := a.refused(accepted); t.set && !refusable {
		return all
	}
	// The user may also give up, or use up his tries.
	all = append(all, answer{code: authtokErr, token: none})
	if a.spent != authtokErr {
		all = append(all, answer{code: a.spent, token: none})
	}
	if t.set && !a.forced && a.tries > 1 {
		all = append(all, a.accept(fresh))
	}
	return all
}

func (a asker) accept(t token) answer {
	if a.marks {
		t = t.with(a.handler)
	}
	if a.stores && t.stored {
		// The old password, which pam_unix looks at once more before it
		// stores the new one, is not the user's any longer.
		return answer{code: authErr, token: t}
	}
	t.stored = t.stored || a.stores
	return answer{code: success, token: t, stored: a.stores}
}

func always([]Demand) bool { return true }

package pam

import "strings"

// code is a module's return value, in libpam's numbering (_pam_types.h).
type code int

const (
	success          code = 0
	systemErr        code = 4
	permDenied       code = 6
	authErr          code = 7
	authinfoUnavail  code = 9
	userUnknown      code = 10
	maxTries         code = 11
	authtokErr       code = 20
	ignore           code = 25
	abort            code = 26
	moduleUnknown    code = 28
	codes                 = 32
	mustFail              = permDenied // of a line that libpam could not make sense of
	serviceErr       code = 3
	credUnavail      code = 15
	authtokRecovery  code = 21
	authtokLockBusy  code = 22
	newAuthtokNeeded code = 12
)

// codeNames are the names of pam.conf(5), by number.
var codeNames = [codes]string{
	"success", "open_err", "symbol_err", "service_err", "system_err", "buf_err", "perm_denied", "auth_err",
	"cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired",
	"session_err", "cred_unavail", "cred_expired", "cred_err", "no_module_data", "conv_err", "authtok_err",
	"authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore", "abort",
	"authtok_expired", "module_unknown", "bad_item", "conv_again", "incomplete",
}

func (c code) String() string { return codeNames[c] }

// action is what a control says about a return value. A positive one jumps over
// as many lines.
type action int

const (
	actIgnore action = 0
	actOK     action = -1
	actDone   action = -2
	actBad    action = -3
	actDie    action = -4
	actReset  action = -5
	actUndef  action = -6
)

// actionNames are in the order of libpam's table: a name that begins like an
// earlier one is never seen.
var actionNames = []string{"ignore", "ok", "done", "bad", "die", "reset"}

// control is what a line does with each return value of its module.
type control [codes]action

func (c *control) fill(a action) {
	for i := range c {
		if c[i] == actUndef {
			c[i] = a
		}
	}
}

func undefined() control {
	var c control
	for i := range c {
		c[i] = actUndef
	}
	return c
}

// parseControl reads the words and the bracketed form; the brackets are gone. A
// form that libpam cannot read makes every answer of the module a failure.
func parseControl(text string) control {
	c := undefined()
	switch strings.ToLower(text) {
	case "required", "requisite", "optional":
		c[success], c[newAuthtokNeeded] = actOK, actOK
	case "sufficient":
		c[success], c[newAuthtokNeeded] = actDone, actDone
	default:
		if !c.parse(text) {
			c = control{}
			for i := range c {
				c[i] = actBad
			}
		}
	}
	switch strings.ToLower(text) {
	case "requisite":
		c[ignore] = actIgnore
		c.fill(actDie)
	case "optional", "sufficient":
		c.fill(actIgnore)
	case "required":
		c[ignore] = actIgnore
	}
	c.fill(actBad)
	return c
}

// parse reads "value=action ...", as _pam_parse_control does.
func (c *control) parse(text string) bool {
	const space = " \t\n\v\f\r"
	for {
		text = strings.TrimLeft(text, space)
		if text == "" {
			return true
		}
		value, rest, ok := cutName(text, append(codeNames[:], "default"))
		if !ok || rest == "" {
			return false
		}
		rest, ok = strings.CutPrefix(strings.TrimLeft(rest, space), "=")
		rest = strings.TrimLeft(rest, space)
		if !ok || rest == "" {
			return false
		}
		var act action
		if act, text, ok = cutAction(rest); !ok {
			return false
		}
		if value == codes {
			c.fill(act)
		} else {
			c[value] = act
		}
	}
}

func cutAction(text string) (action, string, bool) {
	if i, rest, ok := cutName(text, actionNames); ok {
		return action(-i), rest, true
	}
	n, digits := 0, 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		if n = n*10 + int(text[digits]-'0'); n > 1<<31-1 {
			return 0, "", false
		}
		digits++
	}
	return action(n), text[digits:], n > 0
}

// cutName takes the first of the names that text begins with.
func cutName(text string, names []string) (int, string, bool) {
	for i, name := range names {
		if rest, ok := strings.CutPrefix(text, name); ok {
			return i, rest, true
		}
	}
	return 0, "", false
}

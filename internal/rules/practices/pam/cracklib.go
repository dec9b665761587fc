package pam

import (
	"slices"
	"strings"
)

// cracklibShortest is the shortest password that libcrack's FascistCheck lets
// pass (MINLEN in fascist.c), whatever the module's own settings are.
const cracklibShortest = 6

// cracklib is pam_cracklib, which Linux-PAM had up to 1.4. It has no
// configuration file (pam_cracklib.c, CO_ constants).
func (s System) cracklib(at int, h Handler) module {
	d := credits{length: 9, lower: 1, upper: 1, digit: 1, other: 1, floor: cracklibShortest}
	a := asker{
		handler: at, tries: 1, marks: true, refused: always,
		forced: slices.Contains(h.Args, "use_authtok") || slices.Contains(h.Args, "use_first_pass"),
	}
	for _, arg := range h.Args {
		name, value, _ := strings.Cut(arg, "=")
		n, _ := strtol(value)
		switch name {
		case "minlen":
			d.length = max(n, 5)
		case "lcredit":
			d.lower = n
		case "ucredit":
			d.upper = n
		case "dcredit":
			d.digit = n
		case "ocredit":
			d.other = n
		case "minclass":
			d.kinds = min(n, 4)
		case "retry":
			a.tries = max(n, 1)
		}
	}
	a.spent = spent(a.tries)
	return module{what: quality, check: Check{Handler: h, Demand: d, Configured: true}, answers: a.answers}
}

package pam

import (
	"slices"
	"strconv"
	"strings"
)

// unix is pam_unix, the module that stores the passwords of local accounts, and
// pam_tcb, which does the same in another place.
//
// Upstream demands no length unless minlen= is given (a password must not be
// empty). Debian's demands 6 by default; its option "obscure" raises nothing: the
// manual page describes checks of simplicity and similarity, but the module of
// Debian 12 (1.5.2-6+deb12u1) does not have them, and stores six letters. It asks
// up to three times unless use_authtok or use_first_pass is set: a second answer
// is then seen by pam_unix alone.
func (s System) unix(at int, h Handler) module {
	demand := credits{length: 1, floor: 1}
	check := Check{Handler: h}
	if s.Debian && h.Module == "pam_unix" {
		demand.floor = 6
	}
	remember := 0
	for _, arg := range h.Args {
		if v, ok := strings.CutPrefix(arg, "minlen="); ok && h.Module == "pam_unix" {
			n, _ := strtol(v)
			demand.floor = max(n, 1)
			check.Configured = true
		}
		if v, ok := strings.CutPrefix(arg, "remember="); ok {
			remember, _ = strtol(v)
		}
	}
	check.Demand = demand
	a := asker{
		handler: at, tries: 3, marks: true, stores: true, spent: authtokErr,
		forced: slices.Contains(h.Args, "use_authtok") || slices.Contains(h.Args, "use_first_pass"),
		refused: func(accepted []Demand) bool {
			return remember > 0 || refusable(demand, accepted)
		},
	}
	return module{what: storing, check: check, answers: a.answers}
}

// pwhistory refuses what the user had before, and says nothing about how a
// password looks. It matters where it asks again.
func (s System) pwhistory(h Handler) (module, error) {
	options := h.Args
	text, found, err := s.Files.Text("/etc/security/pwhistory.conf")
	if err != nil {
		return module{}, err
	}
	if found {
		var own []string
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			own = append(own, strings.TrimSpace(key)+"="+strings.TrimSpace(value))
		}
		options = append(own, options...)
	}
	a := asker{tries: 1, spent: maxTries, refused: always, forced: slices.Contains(h.Args, "use_authtok") || slices.Contains(h.Args, "use_first_pass")}
	for _, option := range options {
		if v, ok := strings.CutPrefix(option, "retry="); ok {
			a.tries, _ = strtol(v)
		}
		if v, ok := strings.CutPrefix(option, "remember="); ok && v == "0" {
			return module{answers: same(ignore)}, nil
		}
	}
	return module{answers: a.answers}, nil
}

// strtol reads a decimal number as C's strtol does: what follows the digits does
// not matter, and without digits it is 0. exact tells whether all of it was a
// number. Numbers are kept within 32 bits.
func strtol(text string) (n int, exact bool) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	if end < len(text) && (text[end] == '-' || text[end] == '+') {
		end++
	}
	begin := end
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if begin == end {
		return 0, false
	}
	v, err := strconv.ParseInt(text[:end], 10, 32)
	return int(v), err == nil && end == len(text)
}

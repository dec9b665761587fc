package pam

import (
	"slices"
	"strconv"
	"strings"
)

// passwdqcOptions are pam_passwdqc's (passwdqc_parse.c of passwdqc 2.0).
type passwdqcOptions struct {
	min     [5]int
	words   int // passphrase=
	retry   int
	enforce bool // for ordinary users
	forced  bool
	bad     string // the option that it refuses; it then fails always
	origin  []Origin
}

// passwdqc is pam_passwdqc. Other than the modules that use pam_get_authtok it
// asks on its own unless use_authtok is set, and where that is set it leaves a
// password that it refuses in place for the next module.
func (s System) passwdqc(at int, h Handler) (module, error) {
	o := passwdqcOptions{min: [5]int{disabled, 24, 11, 8, 8}, words: 3, retry: 3, enforce: true}
	if s.oldPasswdqc() {
		o.min[4] = 7
	}
	if err := s.passwdqcParse(&o, h.Args, 0); err != nil {
		return module{}, err
	}
	if o.bad != "" {
		return module{broken: "pam_passwdqc refuses its option " + o.bad, answers: same(abort)}, nil
	}
	d := phrases{one: o.min[0], two: o.min[1], three: o.min[3], four: o.min[4], phrase: o.min[2]}
	if o.words == 0 {
		d.phrase = disabled
	}
	m := module{what: quality, check: Check{Handler: h, Demand: d, Origin: o.origin, Configured: true}}
	m.answers = func(prelim bool, t token, _ []Demand) []answer {
		before := t
		switch {
		case prelim:
			return []answer{{code: success}}
		case o.forced && !t.set:
			return []answer{{code: authtokErr, token: t}}
		case !o.forced:
			t.set, t.checked = true, ""
		}
		if !o.enforce {
			return []answer{{code: success, token: t}}
		}
		refused := answer{code: authtokErr, token: before}
		return []answer{{code: success, token: t.with(at)}, refused}
	}
	return m, nil
}

// passwdqcParse takes options from arguments and from the files that they name.
func (s System) passwdqcParse(o *passwdqcOptions, options []string, depth int) error {
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if name == "config" && depth < 4 {
			text, found, err := s.Files.Text(value)
			if err != nil {
				return err
			}
			if !found {
				o.bad = option
				return nil
			}
			for i, line := range strings.Split(text, "\n") {
				line = strings.TrimSpace(line)
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if strings.HasPrefix(line, "min=") || strings.HasPrefix(line, "enforce=") || strings.HasPrefix(line, "passphrase=") {
					o.origin = append(o.origin, Origin{File: value, Line: i + 1, Text: line})
				}
				if err := s.passwdqcParse(o, []string{line}, depth+1); err != nil {
					return err
				}
			}
			continue
		}
		if !o.set(name, value) {
			o.bad = option
		}
		if o.bad != "" {
			return nil
		}
	}
	return nil
}

func (o *passwdqcOptions) set(name, value string) bool {
	switch name {
	case "min":
		return o.setMin(value)
	case "passphrase", "match", "max", "random":
		n, err := strconv.Atoi(strings.TrimSuffix(value, ",only"))
		if name == "passphrase" {
			o.words = n
		}
		if name == "random" && strings.HasSuffix(value, ",only") {
			o.min[4] = disabled
		}
		return err == nil && n >= 0
	case "enforce":
		o.enforce = value != "none"
		return slices.Contains([]string{"none", "users", "everyone"}, value)
	case "retry":
		n, err := strconv.Atoi(value)
		o.retry = n
		return err == nil && n >= 0
	case "use_authtok", "use_first_pass":
		o.forced = true
		return true
	}
	return slices.Contains([]string{"similar", "wordlist", "denylist", "filter", "non-unix", "ask_oldauthtok", "check_oldauthtok", "noaudit"}, name)
}

// setMin reads five lengths, none longer than the one before.
func (o *passwdqcOptions) setMin(value string) bool {
	words := strings.Split(value, ",")
	if len(words) != 5 {
		return false
	}
	for i, word := range words {
		n := disabled
		if word != "disabled" {
			var exact bool
			if n, exact = strtol(word); !exact || n < 0 {
				return false
			}
		}
		if i > 0 && n > o.min[i-1] {
			return false
		}
		o.min[i] = n
	}
	return true
}

package pam

import (
	"path"
	"slices"
	"strings"
)

// The configuration files of libpwquality (settings.c): the administrator's, and
// the distribution's where there is none of that name.
const (
	pwqualityConf       = "/etc/security/pwquality.conf"
	vendorPwqualityConf = "/usr/lib/security/pwquality.conf"
)

// pwqualitySettings are the settings that matter here, as libpwquality holds
// them.
type pwqualitySettings struct {
	values  map[string]int
	origins map[string]Origin
}

// numbers are libpwquality's settings; the words among them take no value.
var pwqualityNumbers = []string{
	"difok", "minlen", "dcredit", "ucredit", "lcredit", "ocredit", "minclass", "maxrepeat", "maxclassrepeat", "maxsequence",
	"gecoscheck", "dictcheck", "usercheck", "usersubstr", "enforcing", "retry",
}

// pwquality is pam_pwquality. Its settings are those of pwquality.conf.d in the
// order of their names, then pwquality.conf, then the line's arguments; a later
// one wins (settings.c, pam_pwquality.c of libpwquality 1.4.5).
func (s System) pwquality(at int, h Handler) (module, error) {
	settings, err := s.pwqualityFiles()
	if err != nil {
		return module{}, err
	}
	for _, arg := range h.Args {
		name, value, _ := strings.Cut(arg, "=")
		if len(name) < 80 && settings.set(name, value, Origin{}) {
			delete(settings.origins, strings.ToLower(name))
		}
	}
	v := settings.values
	demand := credits{
		length: v["minlen"], lower: v["lcredit"], upper: v["ucredit"], digit: v["dcredit"], other: v["ocredit"],
		kinds: v["minclass"], floor: 1,
	}
	if v["dictcheck"] != 0 {
		demand.floor = cracklibShortest
	}
	check := Check{Handler: h, Demand: demand, Origin: settings.sources(), Configured: true}
	a := asker{
		handler: at, tries: max(v["retry"], 1), marks: true, refused: always,
		forced: prefixed(h.Args, "use_authtok") || prefixed(h.Args, "use_first_pass"),
	}
	a.spent = spent(a.tries)
	if v["enforcing"] == 0 {
		a.marks, a.refused = false, func([]Demand) bool { return false }
	}
	return module{what: quality, check: check, answers: a.answers}, nil
}

// spent is what the quality modules answer after the last try: the refusal
// itself where there was only one.
func spent(tries int) code {
	if tries > 1 {
		return maxTries
	}
	return authtokErr
}

// prefixed tells whether an argument is the option, or the option with a value
// (pam_get_authtok's get_option).
func prefixed(args []string, option string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == option || strings.HasPrefix(a, option+"=") })
}

func (s System) pwqualityFiles() (pwqualitySettings, error) {
	p := pwqualitySettings{
		values:  map[string]int{"minlen": 8, "dictcheck": 1, "enforcing": 1, "retry": 1, "difok": 1, "usercheck": 1},
		origins: map[string]Origin{},
	}
	if s.oldPwquality() {
		p.values["minlen"] = 9
		for _, credit := range []string{"dcredit", "ucredit", "lcredit", "ocredit"} {
			p.values[credit] = 1
		}
	}
	files, err := s.dropIns(vendorPwqualityConf+".d/*.conf", pwqualityConf+".d/*.conf")
	if err != nil {
		return p, err
	}
	main, found, err := s.Files.Text(pwqualityConf)
	if err != nil {
		return p, err
	}
	name := pwqualityConf
	if !found {
		name = vendorPwqualityConf
		if main, found, err = s.Files.Text(name); err != nil {
			return p, err
		}
	}
	for _, file := range files {
		text, ok, err := s.Files.Text(file)
		if err != nil {
			return p, err
		}
		// A file that is not understood ends the reading of all of them.
		if ok && !p.read(file, text) {
			return p, nil
		}
	}
	if found {
		p.read(name, main)
	}
	return p, nil
}

// dropIns are the files of two folders in the order of their names; of two with
// one name the second folder's counts.
func (s System) dropIns(patterns ...string) ([]string, error) {
	byName := map[string]string{}
	var names []string
	for _, pattern := range patterns {
		files, err := s.Files.Names(pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if _, ok := byName[path.Base(file)]; !ok {
				names = append(names, path.Base(file))
			}
			byName[path.Base(file)] = file
		}
	}
	slices.Sort(names)
	files := make([]string, len(names))
	for i, name := range names {
		files[i] = byName[name]
	}
	return files, nil
}

// read takes the settings of a file; false where libpwquality gives up on it.
// What was read until then stays.
func (p *pwqualitySettings) read(file, text string) bool {
	number := 0
	for raw := range strings.Lines(text) {
		number++
		if len(raw) > 1023 || len(raw) == 1023 && !strings.HasSuffix(raw, "\n") {
			return false
		}
		line, _, _ := strings.Cut(raw, "#")
		line = strings.TrimFunc(line, isSpace)
		if line == "" {
			continue
		}
		end := strings.IndexFunc(line, func(r rune) bool { return isSpace(r) || r == '=' })
		name, value := line, ""
		if end >= 0 {
			name = line[:end]
			value = strings.TrimLeftFunc(line[end:], isSpace)
			value = strings.TrimLeftFunc(strings.TrimPrefix(value, "="), isSpace)
		}
		if !p.set(name, value, Origin{File: file, Line: number, Text: line}) {
			return false
		}
	}
	return true
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }

// set is libpwquality's set_name_value; false where it refuses the setting.
func (p *pwqualitySettings) set(name, value string, from Origin) bool {
	name = strings.ToLower(name)
	switch name {
	case "badwords", "dictpath":
		return true
	case "enforce_for_root", "local_users_only":
		return true
	}
	if !slices.Contains(pwqualityNumbers, name) {
		return false
	}
	n, exact := strtol(value)
	if !exact || n == 1<<31-1 || n == -1<<31 {
		return false
	}
	switch name {
	case "minlen":
		n = max(n, 6)
	case "minclass":
		n = min(n, 4)
	}
	p.values[name], p.origins[name] = n, from
	return true
}

// sources are the lines of files that decide about length and classes.
func (p *pwqualitySettings) sources() []Origin {
	var all []Origin
	for _, name := range []string{"minlen", "lcredit", "ucredit", "dcredit", "ocredit", "minclass", "dictcheck", "enforcing"} {
		if o, ok := p.origins[name]; ok {
			all = append(all, o)
		}
	}
	return all
}

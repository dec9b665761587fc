package sshd

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// configFile is sshd's configuration where -f names no other.
const configFile = "/etc/ssh/sshd_config"

// unitFolders are systemd's, the first wins (systemd.unit(5)). /lib is another
// one only where it is not a link to /usr/lib.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system"}

// unitNames are the units that start sshd, on one system or another.
var unitNames = []string{"ssh.service", "sshd.service", "ssh@.service", "sshd@.service"}

// variables are the files and variables from which init scripts take sshd's
// options where there is no unit of systemd.
var variables = map[host.Family]struct {
	file  string
	names []string
}{
	host.FamilyDebian: {"/etc/default/ssh", []string{"SSHD_OPTS"}},
	host.FamilyRedHat: {"/etc/sysconfig/sshd", []string{"OPTIONS"}},
	host.FamilySUSE:   {"/etc/sysconfig/ssh", []string{"SSHD_OPTS"}},
	host.FamilyAlpine: {"/etc/conf.d/sshd", []string{"SSHD_OPTS", "command_args"}},
}

// commands are the different ways in which a host starts sshd.
func commands(h *host.Host, f host.Family, s Server) ([]Command, error) {
	starts, err := fromUnits(h)
	if err != nil {
		return nil, err
	}
	if len(starts) == 0 {
		words, err := fromScript(h, f)
		if err != nil {
			return nil, err
		}
		starts = [][]placed{words}
	}
	var all []Command
	for _, words := range starts {
		c := parseCommand(words)
		c.Version, c.Build = s.Version, s.Build
		if f == host.FamilySUSE && c.File == configFile && h.Text(configFile).Presence == host.Absent {
			c.File = "/usr/etc/ssh/sshd_config" // the vendor's, as SUSE's patch does
		}
		if !slices.ContainsFunc(all, c.same) {
			all = append(all, c)
		}
	}
	return all, nil
}

func (c Command) same(d Command) bool {
	return c.File == d.File && slices.EqualFunc(c.Options, d.Options, func(a, b Setting) bool { return a.Text == b.Text })
}

// placed is a word of a command line and where it was written.
type placed struct {
	word string
	Place
}

// parseCommand reads sshd's arguments as getopt(3) does.
func parseCommand(words []placed) Command {
	c := Command{File: configFile}
	for i := 0; i < len(words); i++ {
		w := words[i].word
		if len(w) < 2 || w[0] != '-' {
			continue
		}
		for j := 1; j < len(w); j++ {
			if !strings.ContainsRune("bcCEfghkopu", rune(w[j])) {
				continue
			}
			value, at := w[j+1:], words[i].Place
			if value == "" && i+1 < len(words) {
				i++
				value, at = words[i].word, words[i].Place
			}
			switch w[j] {
			case 'f':
				c.File = path.Clean(value)
			case 'p':
				c.Options = append(c.Options, Setting{Text: "Port " + value, Place: at})
			case 'o':
				c.Options = append(c.Options, Setting{Text: value, Place: at})
			}
			break
		}
	}
	return c
}

// fromUnits are the command lines of the units of systemd; none if there is no
// unit.
func fromUnits(h *host.Host) ([][]placed, error) {
	var all [][]placed
	for _, name := range unitNames {
		u, err := readUnit(h, name)
		if err != nil {
			return nil, err
		}
		for _, start := range u.starts {
			words, err := u.expand(h, start)
			if err != nil {
				return nil, err
			}
			if len(words) > 0 && strings.HasPrefix(path.Base(words[0].word), "sshd") {
				all = append(all, words[1:])
			}
		}
	}
	return all, nil
}

// unit is what counts of a unit and its drop-ins.
type unit struct {
	starts      []placed // ExecStart
	environment []placed // Environment: NAME=VALUE
	files       []placed // EnvironmentFile
}

func readUnit(h *host.Host, name string) (unit, error) {
	var u unit
	main, err := firstText(h, name)
	if err != nil || main == nil {
		return u, err
	}
	dropIns, err := dropIns(h, name)
	if err != nil {
		return u, err
	}
	for _, t := range append([]*telemetry.Text{main}, dropIns...) {
		u.read(t)
	}
	return u, nil
}

// folders are systemd's of this host.
func folders(h *host.Host) []string {
	if linkTo(h, "/lib") != "" {
		return unitFolders[:len(unitFolders)-1]
	}
	return unitFolders
}

func linkTo(h *host.Host, name string) string {
	if f := h.File(name); f.OK() && f.Value.Kind == telemetry.Symlink {
		return f.Value.Target
	}
	return ""
}

func firstText(h *host.Host, name string) (*telemetry.Text, error) {
	for _, folder := range folders(h) {
		file := folder + "/" + name
		t := h.Text(file)
		if t.OK() {
			return t.Value, nil
		}
		if t.Presence == host.Absent {
			continue
		}
		if linkTo(h, file) == "/dev/null" {
			return nil, nil // masked
		}
		return nil, &Gap{t.Reason}
	}
	return nil, nil
}

// dropIns are a unit's, in the order in which they count; of several with the
// same name only the first folder's does.
func dropIns(h *host.Host, name string) ([]*telemetry.Text, error) {
	byName := map[string]*telemetry.Text{}
	for _, folder := range folders(h) {
		found := h.Texts(folder + "/" + name + ".d/*.conf")
		if !found.Complete {
			return nil, &Gap{fmt.Sprintf("whether there are drop-ins of %s in %s is not known: %s", name, folder, found.Reason)}
		}
		for _, t := range found.Values {
			if base := path.Base(t.Path); byName[base] == nil {
				byName[base] = t
			}
		}
	}
	texts := make([]*telemetry.Text, 0, len(byName))
	for _, t := range byName {
		texts = append(texts, t)
	}
	slices.SortFunc(texts, func(a, b *telemetry.Text) int { return cmp.Compare(path.Base(a.Path), path.Base(b.Path)) })
	return texts, nil
}

// read adds the lines of a file; an empty value takes back what was before.
func (u *unit) read(t *telemetry.Text) {
	at := Place{File: t.Path, Record: telemetry.Key(t)}
	section, joined := "", ""
	for line := range strings.SplitSeq(t.Text, "\n") {
		at.Line++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if head, goesOn := strings.CutSuffix(line, `\`); goesOn {
			joined += head + " "
			continue
		}
		line, joined = joined+line, ""
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, found := strings.Cut(line, "=")
		if found && section == "[Service]" {
			u.set(strings.TrimSpace(key), strings.TrimSpace(value), at)
		}
	}
}

func (u *unit) set(key, value string, at Place) {
	into := map[string]*[]placed{"ExecStart": &u.starts, "Environment": &u.environment, "EnvironmentFile": &u.files}[key]
	switch {
	case into == nil:
	case value == "":
		*into = nil
	case key == "Environment":
		for _, word := range shellWords(value) {
			*into = append(*into, placed{word, at})
		}
	default:
		*into = append(*into, placed{value, at})
	}
}

// expand splits an ExecStart into words and replaces its variables: "$NAME"
// alone by any number of words, "${NAME}" in place (systemd.service(5)).
func (u *unit) expand(h *host.Host, start placed) ([]placed, error) {
	values := map[string]placed{}
	if strings.Contains(start.word, "$") {
		var err error
		if values, err = u.values(h); err != nil {
			return nil, err
		}
	}
	var words []placed
	for _, word := range shellWords(strings.TrimLeft(start.word, "@-:+!|")) {
		name, whole := strings.CutPrefix(word, "$")
		if whole && !strings.HasPrefix(name, "{") {
			v := values[name]
			for _, w := range shellWords(v.word) {
				words = append(words, placed{w, v.Place})
			}
			continue
		}
		at := start.Place
		for name, v := range values {
			if replaced := strings.ReplaceAll(word, "${"+name+"}", v.word); replaced != word {
				word, at = replaced, v.Place
			}
		}
		words = append(words, placed{word, at})
	}
	return words, nil
}

func (u *unit) values(h *host.Host) (map[string]placed, error) {
	values := map[string]placed{}
	for _, e := range u.environment {
		name, value, _ := strings.Cut(e.word, "=")
		values[name] = placed{value, e.Place}
	}
	for _, f := range u.files {
		t := h.Text(strings.TrimPrefix(f.word, "-"))
		if t.Presence == host.NotCollected {
			return nil, &Gap{t.Reason}
		}
		if t.OK() {
			assignmentsOf(t.Value, values)
		}
	}
	return values, nil
}

// fromScript are sshd's arguments where an init script starts it.
func fromScript(h *host.Host, f host.Family) ([]placed, error) {
	source, known := variables[f]
	if !known {
		return nil, nil
	}
	t := h.Text(source.file)
	if t.Presence == host.NotCollected {
		return nil, &Gap{t.Reason}
	}
	if !t.OK() {
		return nil, nil
	}
	values := map[string]placed{}
	assignmentsOf(t.Value, values)
	var words []placed
	if v := values["cfgfile"]; v.word != "" { // OpenRC's
		words = append(words, placed{"-f" + v.word, v.Place})
	} else if v := values["SSHD_CONFIG"]; v.word != "" {
		words = append(words, placed{"-f" + v.word, v.Place})
	} else if v := values["SSHD_CONFDIR"]; v.word != "" {
		words = append(words, placed{"-f" + v.word + "/sshd_config", v.Place})
	}
	for _, name := range source.names {
		v := values[name]
		if strings.ContainsAny(v.word, "$`") {
			return nil, &Gap{fmt.Sprintf("%s: %s is computed by the shell: %s", v.Place, name, v.word)}
		}
		for _, w := range shellWords(v.word) {
			words = append(words, placed{w, v.Place})
		}
	}
	return words, nil
}

// assignmentsOf adds the lines NAME=VALUE of a file.
func assignmentsOf(t *telemetry.Text, into map[string]placed) {
	at := Place{File: t.Path, Record: telemetry.Key(t)}
	for line := range strings.SplitSeq(t.Text, "\n") {
		at.Line++
		name, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		into[name] = placed{value, at}
	}
}

// shellWords splits at blanks outside of quotes.
func shellWords(s string) []string {
	var words []string
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '\t' {
			continue
		}
		word, end, _ := argument(s, i)
		words, i = append(words, word), end
	}
	return words
}

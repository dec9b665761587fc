package sshd

import (
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

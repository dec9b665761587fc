package sshd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kind is the form of a keyword's arguments.
type kind int

const (
	nothing kind = iota // ignored, whatever it is
	flag
	rootLogin
	rhosts
	family
	compression
	gateway
	forward
	tunnel
	number
	duration
	port
	listen
	word
	words
	list
	users
	names
	assignments
	algorithms
	keyOptions
	facility
	level
	rekey
	startups
	permit
	methods
	mask
	digest
	protocol
	routing
	timeouts
	subsystem
	text    // the rest of the line
	program // the rest of the line, an absolute path
	matchLine
	includeLine
)

// choices are the values of the kinds that have few. sshd compares them without
// regard to case, but for tunnel.
var choices = map[kind][]string{
	flag:        {"yes", "no"},
	rootLogin:   {"yes", "no", "prohibit-password", "without-password", "forced-commands-only"},
	rhosts:      {"yes", "no", "shosts-only"},
	family:      {"inet", "inet6", "any"},
	compression: {"yes", "no", "delayed"},
	gateway:     {"yes", "no", "clientspecified"},
	forward:     {"yes", "no", "all", "local", "remote"},
	tunnel:      {"yes", "no", "point-to-point", "ethernet"},
	digest:      {"md5", "sha1", "sha256", "sha384", "sha512"},
	facility: {"daemon", "user", "auth", "authpriv", "local0", "local1", "local2", "local3", "local4", "local5",
		"local6", "local7"},
	level: {"quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"},
}

// Methods are the authentication methods that AuthenticationMethods may name.
var methodNames = []string{"none", "publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "gssapi-keyex"}

// checks are the forms of the first argument of the kinds that have one.
var checks = map[kind]func(string) bool{
	number:   integer,
	duration: timeSpan,
	port:     func(s string) bool { return portNumber(s) > 0 },
	mask:     octal,
	rekey:    volume,
	startups: startupSpec,
	protocol: func(s string) bool { return strings.Trim(strings.ReplaceAll(s, "1", "2"), "2,") == "" },
	routing:  func(s string) bool { return strings.EqualFold(s, "none") || s == "%D" },
}

// each are the forms of every argument of the kinds that take any number.
var each = map[kind]func(string) bool{
	list:        func(s string) bool { return s != "" },
	words:       func(s string) bool { return s != "" },
	users:       validUserPattern,
	names:       func(s string) bool { return s != "" && !strings.Contains(s, "=") },
	assignments: func(s string) bool { return strings.Contains(s, "=") },
	methods:     validMethods,
	permit:      validPermit,
	timeouts:    validTimeout,
	keyOptions: func(s string) bool {
		return slices.Contains([]string{"none", "touch-required", "verify-required"}, strings.ToLower(s))
	},
}

// check tells why sshd refuses the arguments of a keyword; nil if it does not.
// It returns how many of them it took: the others are too many.
func (k keyword) check(args []string) (taken int, err error) {
	if ok, many := each[k.kind]; many {
		return len(args), k.checkEach(args, ok)
	}
	if len(args) == 0 || args[0] == "" {
		return 0, fmt.Errorf("%s: missing argument", k.name)
	}
	if values, few := choices[k.kind]; few {
		if !slices.Contains(values, k.fold(args[0])) {
			return 0, fmt.Errorf("%s: unsupported option %q", k.name, args[0])
		}
		return 1, nil
	}
	if k.name == "unusedconnectiontimeout" && strings.EqualFold(args[0], "none") {
		return 1, nil
	}
	if ok := checks[k.kind]; ok != nil && !ok(args[0]) {
		return 0, fmt.Errorf("%s: invalid value %q", k.name, args[0])
	}
	return k.more(args)
}

func (k keyword) fold(arg string) string {
	if k.kind == tunnel {
		return arg
	}
	return strings.ToLower(arg)
}

// more checks the arguments after the first.
func (k keyword) more(args []string) (int, error) {
	switch k.kind {
	case rekey:
		if len(args) > 1 && args[1] != "none" && !timeSpan(args[1]) {
			return 0, fmt.Errorf("%s: invalid time value %q", k.name, args[1])
		}
		return min(len(args), 2), nil
	case listen:
		return checkListen(k.name, args)
	case subsystem:
		if len(args) < 2 {
			return 0, fmt.Errorf("%s: missing subsystem command", k.name)
		}
		return len(args), nil
	}
	return 1, nil
}

func (k keyword) checkEach(args []string, ok func(string) bool) error {
	if len(args) == 0 && (k.kind == methods || k.kind == permit || k.kind == words) {
		return fmt.Errorf("%s: missing argument", k.name)
	}
	for _, arg := range args {
		if k.kind == permit && (args[0] == "any" || args[0] == "none") {
			if len(args) > 1 {
				return fmt.Errorf("%s: extra arguments at end of line", k.name)
			}
			return nil
		}
		alone := k.kind == methods && arg == "any" || (k.kind == timeouts || k.name == "logverbose") && strings.EqualFold(arg, "none")
		if alone && len(args) > 1 {
			return fmt.Errorf("%s: %q must appear alone", k.name, arg)
		}
		if !ok(arg) {
			return fmt.Errorf("%s: invalid argument %q", k.name, arg)
		}
	}
	return nil
}

func checkListen(name string, args []string) (int, error) {
	arg := args[0]
	if strings.Contains(arg, "[") || strings.Count(arg, ":") < 2 {
		if strings.HasPrefix(arg, "[") {
			end := strings.IndexByte(arg, ']')
			if end < 0 {
				return 0, fmt.Errorf("%s: bad address:port usage", name)
			}
			arg = arg[end+1:]
		}
		if _, p, found := strings.Cut(arg, ":"); found && portNumber(p) <= 0 {
			return 0, fmt.Errorf("%s: bad port number", name)
		}
	}
	if len(args) > 1 {
		return 0, fmt.Errorf("%s: bad ListenAddress syntax", name)
	}
	return 1, nil
}

func integer(s string) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && n >= 0
}

// portNumber reads a port as a2port() does: a number, or -1. Names of services
// are not known here.
func portNumber(s string) int {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(s, " \t"), "+"), 10, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// timeSpan tells whether s is a time as in sshd_config(5): "600", "1h30m".
func timeSpan(s string) bool {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return false
	}
	digits := false
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case strings.ContainsRune("sSmMhHdDwW", c) && digits:
			digits = false
		default:
			return false
		}
	}
	return len(s) < 10
}

func octal(s string) bool {
	n, err := strconv.ParseUint(s, 8, 32)
	return err == nil && n <= 0o777
}

func volume(s string) bool {
	if s == "default" {
		return true
	}
	n, err := strconv.ParseUint(strings.TrimRight(s, "kKmMgG"), 10, 32)
	if err != nil || len(s)-len(strings.TrimRight(s, "kKmMgG")) > 1 {
		return false
	}
	return n == 0 || n >= 16 || strings.ContainsAny(s, "kKmMgG")
}

func startupSpec(s string) bool {
	var n [3]int
	parts := strings.Split(s, ":")
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if i > 2 || err != nil || v < 1 {
			return false
		}
		n[i] = v
	}
	return len(parts) == 1 || len(parts) == 3 && n[0] <= n[2] && n[1] <= 100
}

func validMethods(s string) bool {
	if s == "any" {
		return true
	}
	for m := range strings.SplitSeq(s, ",") {
		name, _, _ := strings.Cut(m, ":")
		if !slices.Contains(methodNames, name) {
			return false
		}
	}
	return true
}

func validPermit(s string) bool {
	at := strings.LastIndexByte(s, ':')
	p := s[at+1:]
	return p == "*" || portNumber(p) > 0
}

func validTimeout(s string) bool {
	if strings.EqualFold(s, "none") {
		return true
	}
	name, span, found := strings.Cut(s, "=")
	return found && name != "" && timeSpan(span)
}

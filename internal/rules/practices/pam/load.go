package pam

import (
	"fmt"
	"path"
	"strings"
)

// kind is what becomes of a line.
type kind int

const (
	runModule kind = iota
	alwaysFails
	substackMark
)

// Handler is a line of a stack.
type Handler struct {
	File    string
	Line    int
	Text    string   // the line, its continuations put together
	Module  string   // "pam_unix"; empty if the line names none
	Args    []string // of the module
	Problem string   // why the line can only fail

	kind    kind
	level   int // how deep in substacks
	path    string
	control control
}

// Stack is the password stack of a service: what libpam runs for it when a
// password is changed.
type Stack struct {
	Service  string
	Handlers []Handler
	Broken   string // why libpam refuses to run anything; empty if it does not
}

// Load reads the password stack of a service. found is false where the service
// has no configuration of its own: it is then that of "other". An error is one
// of Files, or ErrTooLarge.
func (s System) Load(service string) (stack Stack, found bool, err error) {
	l := loader{system: s, service: service}
	own, found, err := l.loadService(service)
	if err != nil {
		return Stack{}, found, err
	}
	other, otherFound, err := l.loadService("other")
	if err != nil {
		return Stack{}, found, err
	}
	stack = Stack{Service: service, Handlers: own.handlers, Broken: own.broken}
	switch {
	case !found && !otherFound:
		stack.Broken = "there is no PAM configuration for the service " + service + ", and none for other"
	case stack.Broken == "" && other.broken != "":
		stack.Broken = other.broken
	case len(own.handlers) == 0:
		stack.Handlers = other.handlers
	}
	return stack, found, nil
}

type loader struct {
	system  System
	service string
	lines   int
}

// part is what one configuration file, with all that it includes, adds.
type part struct {
	handlers []Handler
	broken   string
}

// loadService reads a service's file, or its lines of /etc/pam.conf where the
// host has no folder of services.
func (l *loader) loadService(service string) (part, bool, error) {
	for _, folder := range vendorFolders {
		there, err := l.system.Files.Folder(strings.TrimSuffix(folder, "/"))
		if err != nil {
			return part{}, false, err
		}
		if there {
			name, text, found, err := l.open(service)
			if err != nil || !found {
				return part{}, false, err
			}
			p, err := l.parse(name, text, scope{})
			return p, true, err
		}
	}
	text, found, err := l.system.Files.Text("/etc/pam.conf")
	if err != nil || !found {
		return part{}, false, err
	}
	p, err := l.parse("/etc/pam.conf", text, scope{service: service})
	return p, len(p.handlers) > 0, err
}

func (l *loader) open(name string) (at, text string, found bool, err error) {
	candidates := []string{name}
	if !strings.HasPrefix(name, "/") {
		candidates = nil
		for _, folder := range vendorFolders {
			candidates = append(candidates, folder+name)
		}
	}
	for _, at := range candidates {
		text, found, err := l.system.Files.Text(path.Clean(at))
		if err != nil || found {
			return at, text, found, err
		}
	}
	return "", "", false, nil
}

// scope is where in the configuration a file is read.
type scope struct {
	service  string // lines begin with a service, and only this one's count
	password bool   // included for the password stack only
	includes int
	level    int
}

func (l *loader) parse(file, text string, in scope) (part, error) {
	lines, whole := splitLines(text)
	if l.lines += len(lines); l.lines > maxLines {
		return part{}, fmt.Errorf("%s: %w", file, ErrTooLarge)
	}
	var p part
	for _, ln := range lines {
		t := tokens{rest: ln.text}
		if in.service != "" {
			if name, _ := t.next(); !strings.EqualFold(name, in.service) {
				continue
			}
		}
		h := Handler{File: file, Line: ln.number, Text: strings.TrimSpace(ln.text), level: in.level}
		added, err := l.parseLine(h, &t, in)
		if err != nil {
			return part{}, err
		}
		p.handlers = append(p.handlers, added.handlers...)
		if added.broken != "" {
			p.broken = added.broken
			return p, nil
		}
		if len(p.handlers) > maxHandlers {
			return part{}, fmt.Errorf("%s: %w", file, ErrTooLarge)
		}
	}
	if !whole {
		p.broken = file + " ends in the middle of a line"
	}
	return p, nil
}

// parseLine makes the handlers of one line, which are several for an include.
func (l *loader) parseLine(h Handler, t *tokens, in scope) (part, error) {
	typ, _ := t.next()
	if l.system.Debian && strings.EqualFold(typ, "@include") {
		name, _ := t.next()
		return l.include(h, name, in, direct)
	}
	switch strings.ToLower(strings.TrimPrefix(typ, "-")) {
	case "password":
	case "auth", "account", "session":
		return part{}, nil
	default:
		// A line of no type belongs to the stack that it was included for,
		// at the top of a service to auth.
		if !in.password {
			return part{}, nil
		}
		h.kind, h.Problem = alwaysFails, "the line has no valid type"
	}
	word, ok := t.next()
	if !ok {
		h.kind, h.Problem, h.control = alwaysFails, "the line has no control", parseControl("required")
		return part{handlers: []Handler{h}}, nil
	}
	switch strings.ToLower(word) {
	case "include":
		name, _ := t.next()
		return l.include(h, name, in, including)
	case "substack":
		name, _ := t.next()
		return l.include(h, name, in, substack)
	}
	h.control = parseControl(word)
	h.path, ok = t.next()
	if !ok {
		h.kind, h.Problem = alwaysFails, "the line names no module"
	} else {
		h.Module = strings.TrimSuffix(path.Base(h.path), ".so")
		h.Args = t.all()
	}
	return part{handlers: []Handler{h}}, nil
}

// mode is how a line takes in another file.
type mode int

const (
	including mode = iota
	substack
	direct // Debian's @include, which takes lines of all types
)

// include reads another file for the stack.
func (l *loader) include(h Handler, name string, in scope, how mode) (part, error) {
	in.service = ""
	in.password = in.password || how != direct
	in.includes++
	var p part
	if how == substack {
		m := h
		m.kind = substackMark
		p.handlers = []Handler{m}
		in.level++
	}
	problem := "the includes are too deep"
	if in.includes < maxIncludes && name != "" {
		file, text, found, err := l.open(name)
		if err != nil {
			return part{}, err
		}
		problem = "there is no configuration file " + name
		if found {
			inner, err := l.parse(file, text, in)
			p.handlers = append(p.handlers, inner.handlers...)
			if err != nil || inner.broken == "" {
				return p, err
			}
			problem = inner.broken
		}
	}
	if !in.password {
		// An @include for all types: Debian's libpam has no stack to put the
		// failure into, and gives up.
		p.broken = problem
		return p, nil
	}
	h.kind, h.Problem, h.control = alwaysFails, problem, parseControl("required")
	p.handlers = append(p.handlers, h)
	return p, nil
}

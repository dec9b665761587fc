package pam

import (
	"fmt"
	"slices"
	"strings"
)

// Way is one way in which a user's new password can come to be stored.
type Way struct {
	Service  string
	Store    Handler   // the module that stores it
	Checks   []Check   // the modules whose demands it has met, in their order
	Bypassed []Handler // the quality modules on the way whose refusal did not matter, or that checked another password
	Shortest int       // length of the shortest password that can go this way; at most LongestSearched
	Demanded Class     // the classes without which no password goes this way
	Unknown  []Handler // modules on the way that the engine does not know
}

// Check is a module with what it demands.
type Check struct {
	Handler Handler
	Demand  Demand
	Origin  []Origin // the lines that say so, beside the handler's own
	// Configured tells whether somebody has decided on the demand: it is not
	// only what pam_unix does anyway.
	Configured bool
}

// Origin is a line of a module's own configuration file that is in force.
type Origin struct {
	File string
	Line int
	Text string
}

// Ways walks the stack in every way in which its modules may answer and returns
// those in which a password is stored, one for each set of modules that have
// checked it. None is returned where every change of a password is refused; why
// tells the reason then. An error is one of Files, or ErrTooLarge.
func (s System) Ways(stack Stack) (ways []Way, why string, err error) {
	if stack.Broken != "" {
		return nil, stack.Broken, nil
	}
	if len(stack.Handlers) == 0 {
		return nil, "the service " + stack.Service + " has no password stack", nil
	}
	w := walker{system: s, stack: stack, ways: map[string]Way{}}
	if err := w.prepare(); err != nil {
		return nil, "", err
	}
	w.prelim = true
	if err := w.start(); err != nil {
		return nil, "", err
	}
	if !w.passed {
		return nil, w.refusal(), nil
	}
	w.prelim = false
	if err := w.start(); err != nil {
		return nil, "", err
	}
	for _, key := range sortedKeys(w.ways) {
		ways = append(ways, w.ways[key])
	}
	if len(ways) == 0 {
		why = w.refusal()
	}
	return ways, why, nil
}

func sortedKeys(m map[string]Way) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

type walker struct {
	system   System
	stack    Stack
	modules  []module // by handler
	prelim   bool
	passed   bool // some way through the preliminary check ends in success
	seen     map[state]bool
	answered map[question][]answer
	ways     map[string]Way
	blocked  []string // lines that can only fail
}

// verdict is what the stack has come to so far: libpam's impression and status.
type verdict struct {
	impression int // -1, 0 (none yet), 1
	status     code
}

// state is a point of a walk.
type state struct {
	at    int
	prev  int // the level of the line before
	now   verdict
	saved [maxIncludes + 1]verdict
	token token
}

// question is what the answers of a module depend on.
type question struct {
	at    int
	token token
}

// token is what is known of the new password that modules hand on.
type token struct {
	set     bool
	checked string // the handlers that have accepted it: "1,4,"
	stored  bool   // a password is stored already, whatever this one is
}

func (w *walker) prepare() error {
	for i := range w.stack.Handlers {
		m, err := w.system.module(i, w.stack.Handlers[i])
		if err != nil {
			return err
		}
		w.modules = append(w.modules, m)
		if m.broken != "" {
			h := w.stack.Handlers[i]
			w.blocked = append(w.blocked, fmt.Sprintf("%s:%d: %s", h.File, h.Line, m.broken))
		}
	}
	return nil
}

func (w *walker) refusal() string {
	if len(w.blocked) > 0 {
		return "the stack refuses every change of a password: " + strings.Join(w.blocked, "; ")
	}
	return ""
}

func (w *walker) start() error {
	w.seen, w.answered = map[state]bool{}, map[question][]answer{}
	first := state{now: verdict{status: mustFail}}
	first.saved[0] = first.now
	todo := []state{first}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w.seen[s] {
			continue
		}
		w.seen[s] = true
		if len(w.seen) > maxStates {
			return fmt.Errorf("the password stack of %s: %w", w.stack.Service, ErrTooLarge)
		}
		todo = append(todo, w.step(s)...)
	}
	return nil
}

// step runs the module at a state and returns the states after each of its
// possible answers.
func (w *walker) step(s state) []state {
	if s.at >= len(w.stack.Handlers) {
		w.passed = w.passed || s.now.status == success && s.now.impression > 0
		return nil
	}
	h := &w.stack.Handlers[s.at]
	if s.prev < h.level {
		s.saved[h.level] = s.now
	}
	s.prev = h.level
	if h.kind == substackMark {
		s.at++
		return []state{s}
	}
	var next []state
	for _, a := range w.answers(s.at, s.token) {
		if a.stored {
			w.store(s.at, a.token)
		}
		n := s
		n.token = a.token
		w.decide(&n, h, a.code)
		next = append(next, n)
	}
	return next
}

// answers asks a module once for each token.
func (w *walker) answers(at int, t token) []answer {
	key := question{at, t}
	if _, ok := w.answered[key]; !ok {
		w.answered[key] = w.modules[at].answers(w.prelim, t, w.accepted(t))
	}
	return w.answered[key]
}

// decide is _pam_dispatch_aux's treatment of a return value (pam_dispatch.c,
// Linux-PAM 1.1.0 to 1.7: the first walk of chauthtok freezes nothing).
func (w *walker) decide(s *state, h *Handler, c code) {
	act := h.control[c]
	switch {
	case act == actReset:
		s.now = s.saved[h.level]
	case act == actOK, act == actDone:
		if s.now.impression == 0 || s.now.impression > 0 && s.now.status == success {
			s.now = verdict{1, c}
		}
		if act == actDone && s.now.impression > 0 {
			w.leave(s, h.level)
		}
	case act == actBad, act == actDie:
		if s.now.impression >= 0 {
			s.now = verdict{-1, c}
			if c == ignore {
				s.now.status = mustFail
			}
		}
		if act == actDie {
			w.leave(s, h.level)
		}
	case act > 0:
		if !w.jump(s, h.level, int(act)) {
			s.now = verdict{-1, mustFail}
		}
	}
	s.at++
}

// leave goes to the end of the substack, or of the stack.
func (w *walker) leave(s *state, level int) {
	for s.at+1 < len(w.stack.Handlers) && w.stack.Handlers[s.at+1].level >= level {
		s.at++
	}
}

// jump skips n lines; a substack is one. It tells whether there were as many.
func (w *walker) jump(s *state, level, n int) bool {
	lines := w.stack.Handlers
	for s.at+1 < len(lines) && lines[s.at+1].level >= level && n > 0 {
		s.at++
		for s.at+1 < len(lines) && lines[s.at+1].level > level {
			s.at++
		}
		n--
	}
	return n == 0
}

// accepted are the demands that a token is known to meet.
func (w *walker) accepted(t token) []Demand {
	var demands []Demand
	for _, i := range t.list() {
		if d := w.modules[i].check.Demand; d != nil {
			demands = append(demands, d)
		}
	}
	return demands
}

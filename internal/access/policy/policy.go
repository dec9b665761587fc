package policy

import (
	"net/netip"
	"strings"
	"time"
)

// Effect is what a statement does with the requests that it matches.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Policy is a parsed policy. It does not change and is safe for concurrent use.
type Policy struct {
	Version, ID string
	Statements  []Statement
}

// Statement allows or denies actions under conditions.
type Statement struct {
	Sid        string // may be empty
	Effect     Effect
	Actions    []string // patterns, in lower case
	Not        bool     // the statement is about all actions but these (NotAction)
	Conditions []Condition
}

// Condition compares a key of the request with values. All conditions of a
// statement have to hold.
type Condition struct {
	Operator string // "IpAddress"
	Key      string // "aws:SourceIp"
	negated  bool   // holds if none of the values matches
	match    func(Request) (present, matches bool)
}

// Request is what is asked.
type Request struct {
	Action   string     // "inspector:ListFindings"
	SourceIP netip.Addr // the zero Addr: not known
	Now      time.Time
	Secure   bool      // it came over TLS
	Issued   time.Time // when the temporary credentials were issued; zero: there are none
}

// Named is a policy that somebody has, under its name.
type Named struct {
	Name   string
	Policy *Policy
}

// Decision is the answer, with what decided.
type Decision struct {
	Allowed   bool
	Explicit  bool   // a statement decided; else nothing allows it
	Policy    string // the name of the policy, of an explicit decision
	Statement int    // its index there, from 0
	Sid       string // its Sid, if it has one
}

// Evaluate decides a request under all policies of a principal.
func Evaluate(policies []Named, r Request) Decision {
	action := strings.ToLower(r.Action)
	var allowed Decision
	for _, named := range policies {
		for i, s := range named.Policy.Statements {
			if s.Effect == Allow && allowed.Allowed || !s.matches(action, r) {
				continue
			}
			d := Decision{Allowed: s.Effect == Allow, Explicit: true, Policy: named.Name, Statement: i, Sid: s.Sid}
			if !d.Allowed {
				return d
			}
			allowed = d
		}
	}
	return allowed
}

func (s Statement) matches(action string, r Request) bool {
	named := false
	for _, pattern := range s.Actions {
		if glob(pattern, action) {
			named = true
			break
		}
	}
	if named == s.Not {
		return false
	}
	for _, c := range s.Conditions {
		if !c.holds(r) {
			return false
		}
	}
	return true
}

// holds is IAM's: a key that the request does not have matches no value, so that a
// condition does not hold, and one that is negated does.
func (c Condition) holds(r Request) bool {
	present, matches := c.match(r)
	return (present && matches) != c.negated
}

// glob tells whether text is a pattern's, in which * stands for any characters and
// ? for one. It takes time in proportion to the product of their lengths at most.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // let the last star take one more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

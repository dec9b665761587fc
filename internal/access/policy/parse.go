package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize is how long a policy may be: AWS's bound of a managed policy, but for
// white space, which is not counted.
const (
	MaxSize = 6144
	maxText = 64 << 10 // with white space
)

// Error says what is wrong with a policy, and where.
type Error struct {
	Line, Column int    // from 1; columns count bytes
	Path         string // "Statement[0].Condition.IpAddress"; empty: the whole
	Reason       string
}

func (e *Error) Error() string {
	where := fmt.Sprintf("line %d, column %d", e.Line, e.Column)
	if e.Path != "" {
		where += " (" + e.Path + ")"
	}
	return where + ": " + e.Reason
}

// Parse parses a policy. Every error is an *Error.
func Parse(text []byte) (*Policy, error) {
	p := &parser{text: text, decoder: jsontext.NewDecoder(bytes.NewReader(text))}
	if len(text) > maxText || significant(text) > MaxSize {
		return nil, p.fail(0, "", "a policy has at most %d characters, white space not counted", MaxSize)
	}
	policy, err := p.policy()
	if err != nil {
		return nil, err
	}
	if end := int(p.decoder.InputOffset()); len(bytes.TrimSpace(text[end:])) > 0 {
		return nil, p.fail(end, "", "there is something behind the policy")
	}
	return policy, nil
}

// significant counts what is not white space.
func significant(text []byte) int {
	return len(text) - bytes.Count(text, []byte(" ")) - bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("\t")) - bytes.Count(text, []byte("\r"))
}

type parser struct {
	text    []byte
	decoder *jsontext.Decoder
	at      int // where the last token began
}

func (p *parser) fail(offset int, path, format string, args ...any) error {
	before := p.text[:min(offset, len(p.text))]
	line := bytes.Count(before, []byte("\n"))
	return &Error{line + 1, len(before) - bytes.LastIndexByte(before, '\n'), path, fmt.Sprintf(format, args...)}
}

// wrong is an error at the last token.
func (p *parser) wrong(path, format string, args ...any) error {
	return p.fail(p.at, path, format, args...)
}

// next reads a token. The decoder refuses names that come twice in an object, and
// text that is not UTF-8.
func (p *parser) next(path string) (jsontext.Token, error) {
	before := int(p.decoder.InputOffset())
	token, err := p.decoder.ReadToken()
	if err != nil {
		offset, reason := p.decoder.InputOffset(), err.Error()
		var syntax *jsontext.SyntacticError
		if errors.As(err, &syntax) {
			offset, reason = syntax.ByteOffset, syntax.Err.Error()
		}
		return token, p.fail(int(offset), path, "this is not JSON as policies have it: %s", reason)
	}
	rest := p.text[before:]
	p.at = before + len(rest) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
	return token, nil
}

// object reads an object, calling member with each name.
func (p *parser) object(path string, member func(name string) error) error {
	token, err := p.next(path)
	if err != nil {
		return err
	}
	if token.Kind() != '{' {
		return p.wrong(path, "an object is expected here")
	}
	return p.members(path, member)
}

// members reads the rest of an object.
func (p *parser) members(path string, member func(name string) error) error {
	for {
		token, err := p.next(path)
		if err != nil {
			return err
		}
		if token.Kind() == '}' {
			return nil
		}
		if err := member(token.String()); err != nil {
			return err
		}
	}
}

func (p *parser) word(path string) (string, error) {
	token, err := p.next(path)
	if err != nil {
		return "", err
	}
	if token.Kind() != '"' {
		return "", p.wrong(path, "a string is expected here")
	}
	return token.String(), nil
}

// item is a scalar with its place.
type item struct {
	text string
	at   int
}

// list reads a scalar or an array of them; numbers and booleans only if bare.
func (p *parser) list(path string, bare bool) ([]item, error) {
	token, err := p.next(path)
	if err != nil {
		return nil, err
	}
	if token.Kind() != '[' {
		one, err := p.scalar(path, token, bare)
		return []item{one}, err
	}
	var all []item
	for {
		token, err := p.next(path)
		if err != nil {
			return nil, err
		}
		if token.Kind() == ']' {
			return all, nil
		}
		one, err := p.scalar(path, token, bare)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

func (p *parser) scalar(path string, token jsontext.Token, bare bool) (item, error) {
	switch token.Kind() {
	case '"':
		return item{token.String(), p.at}, nil
	case '0', 't', 'f':
		if bare {
			return item{token.String(), p.at}, nil
		}
	}
	return item{}, p.wrong(path, "a string is expected here")
}

func (p *parser) policy() (*Policy, error) {
	policy := &Policy{Version: "2008-10-17"} // IAM's default
	err := p.object("", func(name string) (err error) {
		switch name {
		case "Version":
			if policy.Version, err = p.word(name); err == nil && policy.Version != "2012-10-17" && policy.Version != "2008-10-17" {
				err = p.wrong(name, `a policy's version is "2012-10-17" or "2008-10-17", not %.40q`, policy.Version)
			}
		case "Id":
			policy.ID, err = p.word(name)
		case "Statement":
			policy.Statements, err = p.statements()
		default:
			err = p.wrong(name, "a policy has Version, Id and Statement; %s", p.unknown(name, "Version", "Id", "Statement"))
		}
		return err
	})
	if err == nil && len(policy.Statements) == 0 {
		err = p.wrong("", "a policy needs at least one Statement")
	}
	if err != nil {
		return nil, err
	}
	return policy, nil
}

// unknown says that a name is none, and which was meant if it differs in case only.
func (p *parser) unknown(name string, known ...string) string {
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return fmt.Sprintf("%.60q has to be written %q", name, k)
		}
	}
	return fmt.Sprintf("%.60q is not supported", name)
}

func (p *parser) statements() ([]Statement, error) {
	token, err := p.next("Statement")
	if err != nil {
		return nil, err
	}
	if token.Kind() == '{' {
		s, err := p.statement("Statement")
		return []Statement{s}, err
	}
	if token.Kind() != '[' {
		return nil, p.wrong("Statement", "a statement or a list of them is expected here")
	}
	var all []Statement
	for {
		path := fmt.Sprintf("Statement[%d]", len(all))
		if token, err = p.next(path); err != nil {
			return nil, err
		}
		if token.Kind() == ']' {
			return all, nil
		}
		if token.Kind() != '{' {
			return nil, p.wrong(path, "a statement is an object")
		}
		s, err := p.statement(path)
		if err != nil {
			return nil, err
		}
		if s.Sid != "" && slices.ContainsFunc(all, func(other Statement) bool { return other.Sid == s.Sid }) {
			return nil, p.wrong(path, "another statement has the Sid %q", s.Sid)
		}
		all = append(all, s)
	}
}

// statement reads a statement whose brace was read.
func (p *parser) statement(path string) (Statement, error) {
	var s Statement
	begin, resource := p.at, false
	err := p.members(path, func(name string) (err error) {
		here := path + "." + name
		switch name {
		case "Sid":
			if s.Sid, err = p.word(here); err == nil && (len(s.Sid) > 100 || strings.ContainsFunc(s.Sid, notAlphanumeric)) {
				err = p.wrong(here, "a Sid has at most 100 letters and digits")
			}
		case "Effect":
			var text string
			if text, err = p.word(here); err == nil && text != string(Allow) && text != string(Deny) {
				err = p.wrong(here, `an Effect is "Allow" or "Deny", not %.40q`, text)
			}
			s.Effect = Effect(text)
		case "Action", "NotAction":
			if s.Actions != nil {
				return p.wrong(here, "a statement has either Action or NotAction")
			}
			s.Not = name == "NotAction"
			s.Actions, err = p.actions(here)
		case "Resource":
			resource = true
			err = p.resource(here)
		case "Condition":
			s.Conditions, err = p.conditions(here)
		case "NotResource":
			err = p.wrong(here, "there are no permissions for single resources, as in Amazon Inspector Classic: use \"Resource\": \"*\"")
		case "Principal", "NotPrincipal":
			err = p.wrong(here, "a policy of a user or a group has no %s: it is about whom it is attached to", name)
		default:
			err = p.wrong(here, "a statement has Sid, Effect, Action or NotAction, Resource and Condition; %s",
				p.unknown(name, "Sid", "Effect", "Action", "NotAction", "Resource", "Condition"))
		}
		return err
	})
	switch {
	case err != nil:
		return s, err
	case s.Effect == "":
		return s, p.fail(begin, path, "this statement has no Effect")
	case s.Actions == nil:
		return s, p.fail(begin, path, "this statement has neither Action nor NotAction")
	case !resource:
		return s, p.fail(begin, path, `this statement has no Resource: it has to be "*"`)
	}
	return s, nil
}

func notAlphanumeric(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
}

func (p *parser) actions(path string) ([]string, error) {
	items, err := p.list(path, false)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, p.wrong(path, "at least one action is expected here")
	}
	var patterns []string
	for _, a := range items {
		service, name, ok := strings.Cut(a.text, ":")
		if a.text != "*" && (!ok || service == "" || name == "" ||
			strings.ContainsFunc(service, func(r rune) bool { return notAlphanumeric(r) && r != '-' }) ||
			strings.ContainsFunc(name, func(r rune) bool { return notAlphanumeric(r) && r != '*' && r != '?' })) {
			return nil, p.fail(a.at, path, `%.80q is not an action: "inspector:ListFindings", "inspector:Describe*", or "*"`, a.text)
		}
		patterns = append(patterns, strings.ToLower(a.text))
	}
	return patterns, nil
}

func (p *parser) resource(path string) error {
	items, err := p.list(path, false)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return p.wrong(path, `a Resource is expected here: "*"`)
	}
	for _, r := range items {
		if r.text != "*" {
			return p.fail(r.at, path, `%.80q would be a permission for single resources, which Amazon Inspector Classic does not have: the Resource has to be "*"`, r.text)
		}
	}
	return nil
}

func (p *parser) conditions(path string) ([]Condition, error) {
	var all []Condition
	err := p.object(path, func(operator string) error {
		here := path + "." + operator
		if err := checkOperator(operator); err != nil {
			return p.wrong(path, "%v", err)
		}
		at, first := p.at, len(all)
		err := p.object(here, func(key string) error {
			if err := checkKey(operator, key); err != nil {
				return p.wrong(here, "%v", err)
			}
			at := p.at
			values, err := p.list(here+"."+key, true)
			if err != nil {
				return err
			}
			c, err := p.condition(operator, key, here+"."+key, at, values)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(all[first:], func(other Condition) bool { return other.Key == c.Key }) {
				return p.fail(at, here, "the key %s is there twice: give it a list of values", c.Key)
			}
			all = append(all, c)
			return nil
		})
		if err == nil && len(all) == first {
			err = p.fail(at, here, "a condition needs a key")
		}
		return err
	})
	return all, err
}

func (p *parser) condition(operator, key, path string, at int, values []item) (Condition, error) {
	if len(values) == 0 {
		return Condition{}, p.fail(at, path, "%v", errNoValues)
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.text
	}
	c, i, err := newCondition(operator, key, texts)
	if err != nil {
		return c, p.fail(values[i].at, path, "%v", err)
	}
	return c, nil
}

package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// statement is a policy of one statement with a condition.
func conditional(condition string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}`
}

func TestEvaluate(t *testing.T) {
	const (
		all      = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
		readOnly = `{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"R","Effect":"Allow","Action":["inspector:List*","INSPECTOR:describeF?ndings"],"Resource":["*"]}]}`
		noDelete = `{"Statement":[{"Effect":"Deny","Action":"inspector:Delete*","Resource":"*"}]}`
		others   = `{"Statement":[{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}]}`
	)
	for _, test := range []struct {
		name     string
		policies []string
		action   string
		want     Decision
	}{
		{"nothing", nil, "inspector:ListFindings", Decision{}},
		{"all", []string{all}, "iam:CreateUser", Decision{Allowed: true, Explicit: true, Policy: "0"}},
		{"a wildcard", []string{readOnly}, "inspector:ListFindings", Decision{Allowed: true, Explicit: true, Policy: "0", Sid: "R"}},
		{"case", []string{readOnly}, "inspector:DescribeFindings", Decision{Allowed: true, Explicit: true, Policy: "0", Sid: "R"}},
		{"not named", []string{readOnly}, "inspector:DeleteAssessmentRun", Decision{}},
		{"another service", []string{readOnly}, "inspector2:ListFindings", Decision{}},
		{"a deny behind an allow", []string{all, noDelete}, "inspector:DeleteAssessmentRun", Decision{Explicit: true, Policy: "1"}},
		{"a deny before an allow", []string{noDelete, all}, "inspector:DeleteAssessmentRun", Decision{Explicit: true, Policy: "0"}},
		{"a deny of others", []string{noDelete, all}, "inspector:ListFindings", Decision{Allowed: true, Explicit: true, Policy: "1"}},
		{"all but", []string{others}, "inspector:ListFindings", Decision{Allowed: true, Explicit: true, Policy: "0"}},
		{"but", []string{others}, "iam:CreateUser", Decision{}},
	} {
		var set []Named
		for i, text := range test.policies {
			set = append(set, Named{fmt.Sprint(i), parse(t, text)})
		}
		if got := Evaluate(set, Request{Action: test.action, Now: noon}); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestConditions(t *testing.T) {
	from := func(ip string) Request { return Request{SourceIP: netip.MustParseAddr(ip), Now: noon, Secure: true} }
	issued := Request{Now: noon, Issued: noon.Add(-time.Hour)}
	for _, test := range []struct {
		condition string
		r         Request
		want      bool
	}{
		{`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, from("203.0.113.7"), true},
		{`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, from("203.0.114.7"), false},
		{`{"IpAddress":{"aws:sourceIP":["198.51.100.1","203.0.113.0/24"]}}`, from("198.51.100.1"), true},
		{`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, from("::ffff:203.0.113.7"), true},
		{`{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, from("2001:db8::1"), true},
		{`{"IpAddress":{"aws:SourceIp":"fe80::/10"}}`, from("fe80::1%eth0"), true},
		{`{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, from("2001:db8::1"), false},
		{`{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, Request{Now: noon}, false},
		{`{"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, Request{Now: noon}, true},
		{`{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]}}`, from("198.51.100.1"), false},
		{`{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]}}`, from("192.0.2.1"), true},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2026-11-26T11:59:59Z"}}`, from("::1"), true},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2026-11-26T12:00:00Z"}}`, from("::1"), false},
		{`{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-11-26T13:00:00+01:00"}}`, from("::1"), true},
		{`{"DateLessThan":{"aws:CurrentTime":"2026-11-26T12:00Z"}}`, from("::1"), false},
		{`{"DateLessThanEquals":{"aws:CurrentTime":"2026-11-27"}}`, from("::1"), true},
		{`{"DateEquals":{"aws:CurrentTime":"2026-11-26T12:00:00Z"}}`, Request{Now: noon.Add(time.Millisecond)}, true},
		{`{"DateNotEquals":{"aws:CurrentTime":["2026-11-26T12:00:00Z","2026-11-27"]}}`, from("::1"), false},
		{`{"DateLessThan":{"aws:EpochTime":"1800000000"}}`, from("::1"), true},
		{`{"NumericLessThan":{"aws:EpochTime":1800000000}}`, from("::1"), true},
		{`{"NumericGreaterThan":{"aws:EpochTime":"1800000000"}}`, from("::1"), false},
		{`{"NumericEquals":{"aws:EpochTime":"1795694400"}}`, from("::1"), true},
		{`{"NumericNotEquals":{"aws:EpochTime":"1795694400.5"}}`, from("::1"), true},
		{`{"NumericGreaterThanEquals":{"aws:EpochTime":"1795694400"},"NumericLessThanEquals":{"aws:EpochTime":"1795694400"}}`, from("::1"), true},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, from("198.51.100.1"), false},
		{`{"DateLessThan":{"aws:TokenIssueTime":"2026-11-26T11:30:00Z"}}`, issued, true},
		{`{"DateLessThan":{"aws:TokenIssueTime":"2026-11-26T11:30:00Z"}}`, from("::1"), false},
		{`{"DateNotEquals":{"aws:TokenIssueTime":"2026-11-26T11:30:00Z"}}`, from("::1"), true},
		{`{"Bool":{"aws:SecureTransport":"true"}}`, from("::1"), true},
		{`{"Bool":{"aws:SecureTransport":false}}`, from("::1"), false},
		{`{"Bool":{"aws:SecureTransport":["false"]}}`, Request{Now: noon}, true},
		{`{}`, from("::1"), true},
	} {
		p := parse(t, conditional(test.condition))
		test.r.Action = "inspector:ListFindings"
		if got := Evaluate([]Named{{"p", p}}, test.r).Allowed; got != test.want {
			t.Errorf("%s: %v, want %v", test.condition, got, test.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	statement := func(members string) string { return `{"Statement":[{` + members + `}]}` }
	for _, test := range []struct{ text, want string }{
		{``, "not JSON"},
		{`nonsense`, "line 1, column 2: this is not JSON"},
		{`[]`, "an object is expected"},
		{`{}`, "at least one Statement"},
		{`{"Statement":[]}`, "at least one Statement"},
		{`{"Statement":"x"}`, "a statement or a list"},
		{`{"Statement":["x"]}`, "a statement is an object"},
		{`{"Version":"2024-01-01"}`, `line 1, column 12 (Version): a policy's version`},
		{"{\n  \"version\": \"2012-10-17\"}", `line 2, column 3 (version): a policy has Version, Id and Statement; "version" has to be written "Version"`},
		{`{"Version":"2012-10-17","Version":"2012-10-17"}`, "duplicate"},
		{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]} {}`, "something behind"},
		{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]`, "not JSON"},
		{statement(`"Effect":"Allow","Action":"*"`), "line 1, column 15 (Statement[0]): this statement has no Resource"},
		{statement(`"Effect":"Allow","Resource":"*"`), "neither Action nor NotAction"},
		{statement(`"Action":"*","Resource":"*"`), "no Effect"},
		{statement(`"Effect":"allow","Action":"*","Resource":"*"`), `an Effect is "Allow" or "Deny", not "allow"`},
		{statement(`"Effect":1,"Action":"*","Resource":"*"`), "a string is expected"},
		{statement(`"Effect":"Allow","Action":[],"Resource":"*"`), "at least one action"},
		{statement(`"Effect":"Allow","Action":"ListFindings","Resource":"*"`), "is not an action"},
		{statement(`"Effect":"Allow","Action":"*:List","Resource":"*"`), "is not an action"},
		{statement(`"Effect":"Allow","Action":"inspector:","Resource":"*"`), "is not an action"},
		{statement(`"Effect":"Allow","Action":"inspector:${aws:username}","Resource":"*"`), "is not an action"},
		{statement(`"Effect":"Allow","Action":true,"Resource":"*"`), "a string is expected"},
		{statement(`"Effect":"Allow","Action":["*",null],"Resource":"*"`), "a string is expected"},
		{statement(`"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"`), "either Action or NotAction"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:inspector:*"`), "does not have: the Resource has to be"},
		{statement(`"Effect":"Allow","Action":"*","Resource":[]`), "a Resource is expected"},
		{statement(`"Effect":"Allow","Action":"*","NotResource":"*"`), "no permissions for single resources"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"`), "no Principal"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","condition":{}`), `"condition" has to be written "Condition"`},
		{statement(`"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"`), "letters and digits"},
		{`{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]}`, "another statement has the Sid"},
		{conditional(`[]`), "an object is expected"},
		{conditional(`{"StringEquals":{"aws:username":"bob"}}`), `the operator "StringEquals" is not supported`},
		{conditional(`{"ipaddress":{"aws:SourceIp":"::/0"}}`), `the operator "ipaddress" is not supported`},
		{conditional(`{"IpAddressIfExists":{"aws:SourceIp":"::/0"}}`), "is not supported"},
		{conditional(`{"ForAnyValue:IpAddress":{"aws:SourceIp":"::/0"}}`), "is not supported"},
		{conditional(`{"IpAddress":{"aws:VpcSourceIp":"::/0"}}`), `the condition key "aws:VpcSourceIp" is not supported`},
		{conditional(`{"IpAddress":{"aws:CurrentTime":"::/0"}}`), "does not go with the key aws:CurrentTime"},
		{conditional(`{"NumericLessThan":{"aws:CurrentTime":"1"}}`), "does not go with"},
		{conditional(`{"IpAddress":{}}`), "needs a key"},
		{conditional(`{"IpAddress":{"aws:SourceIp":[]}}`), "at least one value"},
		{conditional(`{"IpAddress":{"aws:SourceIp":"203.0.113.0/33"}}`), "not an address"},
		{conditional(`{"IpAddress":{"aws:SourceIp":["::1","${aws:SourceIp}"]}}`), "not an address"},
		{conditional(`{"IpAddress":{"aws:SourceIp":"fe80::1%eth0"}}`), "not an address"},
		{conditional(`{"IpAddress":{"aws:SourceIp":"::ffff:192.0.2.0/120"}}`), "write it as IPv4"},
		{conditional(`{"IpAddress":{"aws:SourceIp":{"x":1}}}`), "a string is expected"},
		{conditional(`{"IpAddress":{"aws:SourceIp":"::/0","aws:sourceip":"::/0"}}`), "there twice"},
		{conditional(`{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`), "not a date"},
		{conditional(`{"DateLessThan":{"aws:CurrentTime":"-1"}}`), "not a date"},
		{conditional(`{"NumericLessThan":{"aws:EpochTime":"NaN"}}`), "not a number"},
		{conditional(`{"NumericLessThan":{"aws:EpochTime":"0x1p4"}}`), "not a number"},
		{conditional(`{"Bool":{"aws:SecureTransport":"True"}}`), "neither"},
		{`{"Id":"` + strings.Repeat("x", MaxSize) + `"}`, "at most 6144"},
		{strings.Repeat(" ", maxText+1), "at most 6144"},
		{"{\"Id\":\"\xff\"}", "not JSON"},
	} {
		_, err := Parse([]byte(test.text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.100s: got %v, want %q", test.text, err, test.want)
		}
	}
}

func TestPlacesOfErrors(t *testing.T) {
	const text = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["inspector:List*", "List"],
      "Resource": "*"
    }
  ]
}`
	_, err := Parse([]byte(text))
	if e, ok := err.(*Error); !ok || e.Line != 6 || e.Column != 37 || e.Path != "Statement[0].Action" {
		t.Errorf("got %+v", err)
	}
}

func TestManaged(t *testing.T) {
	set := func(name string) []Named { return []Named{{name, parse(t, Managed()[name])}} }
	for _, test := range []struct{ action, allowed string }{
		{"inspector:ListFindings", FullAccess + ReadOnlyAccess + Administrator},
		{"inspector:PreviewAgents", FullAccess + ReadOnlyAccess + Administrator},
		{"inspector:StartAssessmentRun", FullAccess + Administrator},
		{"assay:ListAgents", FullAccess + ReadOnlyAccess + Administrator},
		{"assay:CreateEnrollmentToken", FullAccess + Administrator},
		{"iam:CreateAccessKey", Administrator},
	} {
		for name := range Managed() {
			if got := Evaluate(set(name), Request{Action: test.action}).Allowed; got != strings.Contains(test.allowed, name) {
				t.Errorf("%s %s: %v", name, test.action, got)
			}
		}
	}
}

// A second evaluator, as simple as can be: it collects the matching statements of
// what the policies were made of, and applies IAM's rule to them.
type drawn struct {
	effect   string
	not      bool
	actions  []string
	operator string // empty: no condition
	values   []string
}

func (d drawn) json() string {
	quoted := func(all []string) string { return `["` + strings.Join(all, `","`) + `"]` }
	name := map[bool]string{false: "Action", true: "NotAction"}[d.not]
	s := fmt.Sprintf(`{"Effect":%q,%q:%s,"Resource":"*"`, d.effect, name, quoted(d.actions))
	if d.operator != "" {
		key := "aws:SourceIp"
		if strings.HasPrefix(d.operator, "Date") {
			key = "aws:CurrentTime"
		}
		s += fmt.Sprintf(`,"Condition":{%q:{%q:%s}}`, d.operator, key, quoted(d.values))
	}
	return s + "}"
}

// naiveGlob tries everything.
func naiveGlob(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '*' {
		return naiveGlob(pattern[1:], text) || text != "" && naiveGlob(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && naiveGlob(pattern[1:], text[1:])
}

func (d drawn) applies(action, ip string, now time.Time) bool {
	named := false
	for _, a := range d.actions {
		named = named || naiveGlob(strings.ToLower(a), strings.ToLower(action))
	}
	if named == d.not {
		return false
	}
	some := func(test func(string) bool) bool { return slices.ContainsFunc(d.values, test) }
	inside := func(v string) bool { // the values are 10.0.N.0/24
		return ip != "" && strings.HasPrefix(ip, strings.TrimSuffix(v, "0/24"))
	}
	compare := func(test func(a, b string) bool) bool { // RFC 3339 in UTC orders as text
		return some(func(v string) bool { return test(now.Format(time.RFC3339), v) })
	}
	switch d.operator {
	case "IpAddress":
		return some(inside)
	case "NotIpAddress":
		return !some(inside)
	case "DateLessThan":
		return compare(func(a, b string) bool { return a < b })
	case "DateGreaterThanEquals":
		return compare(func(a, b string) bool { return a >= b })
	case "DateNotEquals":
		return !compare(func(a, b string) bool { return a == b })
	}
	return true
}

func TestAgainstNaiveEvaluator(t *testing.T) {
	actions := []string{"inspector:ListFindings", "inspector:ListTags", "inspector:DeleteAssessmentRun", "assay:ListAgents", "iam:CreateUser"}
	patterns := rapid.OneOf(rapid.SampledFrom(actions), rapid.SampledFrom([]string{"*", "inspector:*", "inspector:List*", "INSPECTOR:*s", "assay:?ist*", "inspector:*e*e*", "iam:*?", "inspector:ListTag?"}),
		rapid.StringMatching(`inspector:[L*?][ist*?]{1,6}[TagsF*?]{1,5}`))
	hours := func(t *rapid.T) string {
		return noon.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "hour")) * time.Hour).Format(time.RFC3339)
	}
	rapid.Check(t, func(t *rapid.T) {
		var statements []drawn
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			d := drawn{
				effect:   rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect"),
				not:      rapid.IntRange(0, 4).Draw(t, "not") == 0,
				actions:  rapid.SliceOfN(patterns, 1, 3).Draw(t, "actions"),
				operator: rapid.SampledFrom([]string{"", "", "IpAddress", "NotIpAddress", "DateLessThan", "DateGreaterThanEquals", "DateNotEquals"}).Draw(t, "operator"),
			}
			for range rapid.IntRange(1, 2).Draw(t, "values") {
				if strings.HasPrefix(d.operator, "Date") {
					d.values = append(d.values, hours(t))
				} else {
					d.values = append(d.values, fmt.Sprintf("10.0.%d.0/24", rapid.IntRange(0, 2).Draw(t, "net")))
				}
			}
			statements = append(statements, d)
		}
		action := rapid.SampledFrom(actions).Draw(t, "action")
		ip := rapid.SampledFrom([]string{"", "10.0.0.1", "10.0.1.1", "10.0.2.255", "192.0.2.1"}).Draw(t, "ip")
		now, err := time.Parse(time.RFC3339, hours(t))
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Action: action, Now: now}
		if ip != "" {
			r.SourceIP = netip.MustParseAddr(ip)
		}

		var texts []string
		allowed, denied := false, false
		for _, d := range statements {
			texts = append(texts, d.json())
			if d.applies(action, ip, now) {
				allowed, denied = allowed || d.effect == "Allow", denied || d.effect == "Deny"
			}
		}
		// The statements in one policy, and each in its own, decide alike.
		one, err := Parse([]byte(`{"Statement":[` + strings.Join(texts, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		var each []Named
		for _, text := range texts {
			p, err := Parse([]byte(`{"Statement":` + text + `}`))
			if err != nil {
				t.Fatal(err)
			}
			each = append(each, Named{text, p})
		}
		for _, set := range [][]Named{{{"one", one}}, each} {
			got := Evaluate(set, r)
			if got.Allowed != (allowed && !denied) || got.Explicit != (allowed || denied) {
				t.Fatalf("got %+v; allowed %v, denied %v by %v", got, allowed, denied, texts)
			}
			if got.Explicit {
				d := statements[got.Statement]
				if len(set) > 1 {
					d = statements[slices.Index(texts, got.Policy)]
				}
				if !d.applies(action, ip, now) || (d.effect == "Allow") != got.Allowed {
					t.Fatalf("the statement that is said to have decided has not: %+v", got)
				}
			}
		}
	})
}

func TestGlobTakesNoLongTime(t *testing.T) {
	if glob(strings.Repeat("*a", 3000)+"b", strings.Repeat("a", 10_000)) {
		t.Error("it matches")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range Managed() {
		f.Add(text)
	}
	f.Add(conditional(`{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","::1"]},"NumericLessThan":{"aws:EpochTime":1.5}}`))
	f.Add(conditional(`{"DateLessThan":{"aws:CurrentTime":"2026-11-26"},"Bool":{"aws:SecureTransport":true}}`))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || len(e.Error()) > 2*maxText {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(p.Statements) == 0 {
			t.Fatal("a policy without statements was accepted")
		}
		for _, s := range p.Statements {
			if s.Effect != Allow && s.Effect != Deny || len(s.Actions) == 0 {
				t.Fatalf("accepted %+v", s)
			}
		}
		r := Request{Action: "inspector:ListFindings", SourceIP: netip.MustParseAddr("192.0.2.1"), Now: noon}
		d := Evaluate([]Named{{"p", p}}, r)
		if d.Allowed && !d.Explicit {
			t.Fatal("allowed by nobody")
		}
		if deny, err := Parse([]byte(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)); err != nil || Evaluate([]Named{{"p", p}, {"d", deny}}, r).Allowed {
			t.Fatal("allowed in spite of a deny", err)
		}
	})
}

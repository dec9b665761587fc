package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what the values of a key are.
type kind int

const (
	address kind = iota
	date
	number
	boolean
)

// operators by name; ordered ones have a test of how the request's value compares
// to the condition's.
var operators = map[string]struct {
	kind    kind
	negated bool
	test    func(int) bool
}{
	"IpAddress":                {address, false, nil},
	"NotIpAddress":             {address, true, nil},
	"Bool":                     {boolean, false, nil},
	"DateEquals":               {date, false, equal},
	"DateNotEquals":            {date, true, equal},
	"DateLessThan":             {date, false, less},
	"DateLessThanEquals":       {date, false, lessEqual},
	"DateGreaterThan":          {date, false, greater},
	"DateGreaterThanEquals":    {date, false, greaterEqual},
	"NumericEquals":            {number, false, equal},
	"NumericNotEquals":         {number, true, equal},
	"NumericLessThan":          {number, false, less},
	"NumericLessThanEquals":    {number, false, lessEqual},
	"NumericGreaterThan":       {number, false, greater},
	"NumericGreaterThanEquals": {number, false, greaterEqual},
}

func equal(c int) bool        { return c == 0 }
func less(c int) bool         { return c < 0 }
func lessEqual(c int) bool    { return c <= 0 }
func greater(c int) bool      { return c > 0 }
func greaterEqual(c int) bool { return c >= 0 }

// keys by their name in lower case, with the kinds of operators that they go with.
// Times count in whole seconds, as AWS's do.
var keys = map[string]struct {
	name  string
	kinds []kind
	at    func(Request) time.Time // of dates; zero: absent
}{
	"aws:sourceip":        {"aws:SourceIp", []kind{address}, nil},
	"aws:securetransport": {"aws:SecureTransport", []kind{boolean}, nil},
	"aws:currenttime":     {"aws:CurrentTime", []kind{date}, func(r Request) time.Time { return r.Now }},
	"aws:epochtime":       {"aws:EpochTime", []kind{date, number}, func(r Request) time.Time { return r.Now }},
	"aws:tokenissuetime":  {"aws:TokenIssueTime", []kind{date}, func(r Request) time.Time { return r.Issued }},
}

func checkOperator(name string) error {
	if _, ok := operators[name]; !ok {
		return fmt.Errorf("the operator %.60q is not supported: IpAddress, NotIpAddress, Bool, and Date... and Numeric... with Equals, NotEquals, LessThan, LessThanEquals, GreaterThan, GreaterThanEquals are", name)
	}
	return nil
}

func checkKey(operator, name string) error {
	key, ok := keys[strings.ToLower(name)]
	if !ok {
		return fmt.Errorf("the condition key %.80q is not supported: aws:SourceIp, aws:CurrentTime, aws:EpochTime, aws:TokenIssueTime and aws:SecureTransport are", name)
	}
	if !slices.Contains(key.kinds, operators[operator].kind) {
		return fmt.Errorf("the operator %s does not go with the key %s", operator, key.name)
	}
	return nil
}

// newCondition makes a condition of parts that were checked; i is the index of the
// value that is wrong.
func newCondition(operator, keyName string, values []string) (c Condition, i int, err error) {
	o, key := operators[operator], keys[strings.ToLower(keyName)]
	c = Condition{Operator: operator, Key: key.name, negated: o.negated}
	switch o.kind {
	case address:
		prefixes, i, err := each(values, parsePrefix)
		c.match = func(r Request) (bool, bool) {
			ip := r.SourceIP.Unmap().WithZone("")
			return ip.IsValid(), slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
		}
		return c, i, err
	case boolean:
		wanted, i, err := each(values, parseBool)
		c.match = func(r Request) (bool, bool) { return true, slices.Contains(wanted, r.Secure) }
		return c, i, err
	case date:
		times, i, err := each(values, parseDate)
		c.match = func(r Request) (bool, bool) {
			at := key.at(r)
			return !at.IsZero(), slices.ContainsFunc(times, func(t time.Time) bool { return o.test(at.Truncate(time.Second).Compare(t)) })
		}
		return c, i, err
	}
	numbers, i, err := each(values, parseNumber)
	c.match = func(r Request) (bool, bool) {
		at := key.at(r)
		seconds := float64(at.Unix())
		return !at.IsZero(), slices.ContainsFunc(numbers, func(n float64) bool {
			switch {
			case seconds < n:
				return o.test(-1)
			case seconds > n:
				return o.test(1)
			}
			return o.test(0)
		})
	}
	return c, i, err
}

// each parses all values; the index is that of the first that cannot be.
func each[T any](values []string, parse func(string) (T, error)) (out []T, i int, err error) {
	for i, v := range values {
		parsed, err := parse(v)
		if err != nil {
			return nil, i, err
		}
		out = append(out, parsed)
	}
	return out, 0, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if ip, ipErr := netip.ParseAddr(s); ipErr == nil && ip.Zone() == "" {
		p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("%.60q is not an address or a range of them: 203.0.113.0/24, 2001:db8::/32", s)
	case p.Addr().Is4In6():
		return p, fmt.Errorf("%.60q is an IPv4 address in IPv6's form: write it as IPv4", s)
	}
	return p.Masked(), nil
}

func parseBool(s string) (bool, error) {
	if s != "true" && s != "false" {
		return false, fmt.Errorf(`%.60q is neither "true" nor "false"`, s)
	}
	return s == "true", nil
}

// parseDate reads a date of ISO 8601, with a time of day or without (midnight in
// UTC), or seconds since 1970.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 && n < 1<<40 {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, fmt.Errorf("%.60q is not a date: 2026-11-26T12:00:00Z, 2026-11-26, or seconds since 1970", s)
}

func parseNumber(s string) (float64, error) {
	if strings.Trim(s, "0123456789.-") != "" {
		return 0, fmt.Errorf("%.60q is not a number", s)
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%.60q is not a number", s)
	}
	return n, nil
}

var errNoValues = errors.New("a condition needs at least one value")

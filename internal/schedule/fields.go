package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// set is a set of small numbers, of years at most.
type set [4]uint64

func (s *set) add(n int)     { s[n/64] |= 1 << (n % 64) }
func (s set) has(n int) bool { return n >= 0 && n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0 }
func (s set) empty() bool    { return s == set{} }

// field is a position of a cron expression.
type field struct {
	name      string
	low, high int
	names     []string // of the numbers from low on
}

const firstYear = 1970

var (
	minuteField  = field{name: "minute", high: 59}
	hourField    = field{name: "hour", high: 23}
	domField     = field{name: "day of the month", low: 1, high: 31}
	monthField   = field{name: "month", low: 1, high: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	dowField     = field{name: "day of the week", high: 7, names: strings.Fields("sun mon tue wed thu fri sat")}
	awsDOWField  = field{name: "day of the week", low: 1, high: 7, names: dowField.names}
	awsYearField = field{name: "year", low: firstYear, high: maxYear}
)

// parse reads a list of numbers, ranges and steps: "*", "5", "mon-fri", "*/15",
// "10-40/10", "5/20". The set holds numbers minus base.
func (f field) parse(text string, base int) (all set, err error) {
	for item := range strings.SplitSeq(text, ",") {
		low, high, step, err := f.item(item)
		if err != nil {
			return all, err
		}
		for n := low; n <= high; n += step {
			all.add(n - base)
		}
	}
	return all, nil
}

func (f field) item(text string) (low, high, step int, err error) {
	span, by, stepped := strings.Cut(text, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(by); err != nil || step < 1 || step > f.high {
			return 0, 0, 0, fmt.Errorf("in the %s, %q is not a step from 1 to %d", f.name, by, f.high)
		}
	}
	first, last, ranged := strings.Cut(span, "-")
	switch {
	case span == "*":
		return f.low, f.high, step, nil
	case !ranged:
		low, err = f.number(span)
		if high = low; stepped {
			high = f.high
		}
		return low, high, step, err
	}
	if low, err = f.number(first); err == nil {
		high, err = f.number(last)
	}
	if err == nil && low > high {
		err = fmt.Errorf("in the %s, %q goes backwards", f.name, span)
	}
	return low, high, step, err
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high || text[0] == '+' || text[0] == '-' {
		return 0, fmt.Errorf("in the %s, %.40q is not a number from %d to %d", f.name, text, f.low, f.high)
	}
	return n, nil
}

package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func parseRule(text string) (rule, error) {
	var r rule
	var err error
	inner, call := strings.CutSuffix(text, ")")
	words := strings.Fields(text)
	switch {
	case call && strings.HasPrefix(inner, "rate("):
		r, err = parseRate(strings.Fields(inner[len("rate("):]))
	case call && strings.HasPrefix(inner, "cron("):
		r, err = parseCron(strings.Fields(inner[len("cron("):]), cloudWatch)
	case len(words) > 0 && words[0] == "every":
		r, err = parseEvery(words[1:])
	case len(words) == 5:
		r, err = parseCron(words, unix)
	default:
		err = errNotation
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no schedule: %w", text, err)
	}
	return r, nil
}

// maxDays bounds the pause between two times: a hundred years.
const maxDays = 36500

// every is a number of days by the calendar: the time of day stays that of the
// start, whatever clocks do.
type every struct{ days int }

func parseEvery(words []string) (rule, error) {
	n, unit, err := quantity(words)
	if err != nil {
		return nil, err
	}
	if unit != "day" {
		return nil, fmt.Errorf(`%q is counted by the calendar, so in days; hours and minutes are for rate(...)`, "every")
	}
	return every{n}, nil
}

func (e every) after(t time.Time, s Schedule) (time.Time, bool) {
	begin := s.start.In(s.zone)
	// An estimate that is not too late, however clocks changed in between.
	k := max(0, (t.Sub(begin).Hours()/24-2)/float64(e.days))
	for i := int(k); ; i++ {
		at := resolve(begin.Year(), begin.Month(), begin.Day()+i*e.days, begin.Hour(), begin.Minute(), begin.Second(), s.zone)
		if at.After(t) {
			return at, at.Year() <= maxYear
		}
	}
}

// rate is a fixed time.
type rate struct{ period time.Duration }

func parseRate(words []string) (rule, error) {
	n, unit, err := quantity(words)
	if err != nil {
		return nil, err
	}
	return rate{time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[unit]}, nil
}

func (r rate) after(t time.Time, s Schedule) (time.Time, bool) {
	if t.Before(s.start) {
		return s.start, true
	}
	at := s.start.Add((t.Sub(s.start)/r.period + 1) * r.period)
	return at, at.Year() <= maxYear
}

// quantity reads "7 days". As in CloudWatch Events one is singular and more are
// plural; unlike there the other is taken, too.
func quantity(words []string) (n int, unit string, err error) {
	if len(words) != 2 {
		return 0, "", fmt.Errorf(`a number and a unit are wanted, such as "7 days"`)
	}
	unit = strings.TrimSuffix(words[1], "s")
	most := map[string]int{"minute": maxDays * 24 * 60, "hour": maxDays * 24, "day": maxDays}[unit]
	if most == 0 {
		return 0, "", fmt.Errorf("%q is not a unit: minutes, hours, days", words[1])
	}
	n, err = strconv.Atoi(words[0])
	if err != nil || n < 1 || n > most {
		return 0, "", fmt.Errorf("%q is not a number of %ss from 1 to %d", words[0], unit, most)
	}
	return n, unit, nil
}

package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// dialect is one of the two notations of cron.
type dialect int

const (
	unix       dialect = iota // cron(5)
	cloudWatch                // Amazon CloudWatch Events, "Schedule Expressions for Rules"
)

func parseCron(words []string, d dialect) (rule, error) {
	if want := []int{5, 6}[d]; len(words) != want {
		return nil, fmt.Errorf("it has %d fields, not %d", len(words), want)
	}
	c := cron{everyHour: words[1] == "*"}
	var err error
	if c.minutes, err = minuteField.parse(words[0], 0); err != nil {
		return nil, err
	}
	if c.hours, err = hourField.parse(words[1], 0); err != nil {
		return nil, err
	}
	if c.months, err = monthField.parse(words[3], 0); err != nil {
		return nil, err
	}
	if d == unix {
		c.day, err = unixDays(words[2], words[4])
		return c, err
	}
	if words[5] != "*" {
		if c.years, err = awsYearField.parse(words[5], firstYear); err != nil {
			return nil, err
		}
	}
	c.day, err = awsDays(words[2], words[4])
	return c, err
}

// unixDays are the dates that either field names; where one of them begins with a
// star, those that both name (crontab(5)).
func unixDays(dom, dow string) (func(time.Time) bool, error) {
	days, err := domField.parse(dom, 0)
	if err != nil {
		return nil, err
	}
	weekdays, err := dowField.parse(dow, 0)
	if err != nil {
		return nil, err
	}
	if weekdays.has(7) {
		weekdays.add(0)
	}
	either := !strings.HasPrefix(dom, "*") && !strings.HasPrefix(dow, "*")
	return func(date time.Time) bool {
		a, b := days.has(date.Day()), weekdays.has(int(date.Weekday()))
		return a && b || either && (a || b)
	}, nil
}

var errQuestionMark = errors.New(`one of day of the month and day of the week has to be "?", and only one`)

func awsDays(dom, dow string) (func(time.Time) bool, error) {
	switch {
	case (dom == "?") == (dow == "?"):
		return nil, errQuestionMark
	case dow == "?":
		return awsDayOfMonth(dom)
	}
	return awsDayOfWeek(dow)
}

// awsDayOfMonth knows, beside numbers, L (the last day), and W (the weekday next
// to a day, within the month).
func awsDayOfMonth(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.Day() == lastDay(date) }, nil
	}
	if near, ok := strings.CutSuffix(text, "W"); ok {
		if near == "L" {
			return func(date time.Time) bool { return date.Day() == weekdayNear(date, lastDay(date)) }, nil
		}
		day, err := domField.number(near)
		return func(date time.Time) bool {
			return day <= lastDay(date) && date.Day() == weekdayNear(date, day)
		}, err
	}
	days, err := domField.parse(text, 0)
	return func(date time.Time) bool { return days.has(date.Day()) }, err
}

// awsDayOfWeek knows, beside numbers from 1 (Sunday), "6L" (the last Friday of the
// month) and "6#2" (its second).
func awsDayOfWeek(text string) (func(time.Time) bool, error) {
	if last, ok := strings.CutSuffix(text, "L"); ok && last != "" {
		n, err := awsDOWField.number(last)
		return func(date time.Time) bool {
			return int(date.Weekday()) == n-1 && date.Day() > lastDay(date)-7
		}, err
	}
	if day, which, ok := strings.Cut(text, "#"); ok {
		n, err := awsDOWField.number(day)
		if err != nil {
			return nil, err
		}
		nth, err := field{name: "week of the month", low: 1, high: 5}.number(which)
		return func(date time.Time) bool {
			return int(date.Weekday()) == n-1 && (date.Day()+6)/7 == nth
		}, err
	}
	if text == "L" {
		text = "7"
	}
	weekdays, err := awsDOWField.parse(text, 1)
	return func(date time.Time) bool { return weekdays.has(int(date.Weekday())) }, err
}

// lastDay is the number of days in a date's month.
func lastDay(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// weekdayNear is the day from Monday to Friday that is closest to a day of the
// date's month and in that month.
func weekdayNear(date time.Time, day int) int {
	switch time.Date(date.Year(), date.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == lastDay(date) {
			return day - 2
		}
		return day + 1
	}
	return day
}

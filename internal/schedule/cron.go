package schedule

import "time"

// maxYear is the last year of CloudWatch Events; nothing is planned further.
const maxYear = 2199

// cron is a set of minutes of the calendar.
type cron struct {
	minutes, hours, months set
	years                  set // of years since firstYear; empty: all
	everyHour              bool
	day                    func(time.Time) bool // whether a date is of the rule, its month and year apart
}

// after looks at one date after the other. A date's times that clocks skip come
// when they do, which may be after those that are not skipped, and those that they
// show twice come once; but where every hour is meant, it is every hour that
// passes.
func (c cron) after(t time.Time, s Schedule) (time.Time, bool) {
	y, m, d := t.In(s.zone).Date()
	// A date that clocks skip altogether has its times at the begin of the next.
	date := time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC)
	for date.Year() <= maxYear {
		switch {
		case !c.inYear(date.Year()):
			date = time.Date(date.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !c.months.has(int(date.Month())):
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case c.day(date):
			if at, ok := c.onDate(date, t, s.zone); ok {
				return at, true
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

func (c cron) inYear(year int) bool { return c.years.empty() || c.years.has(year-firstYear) }

// onDate is the first time of a date that is later than t.
func (c cron) onDate(date, t time.Time, zone *time.Location) (first time.Time, ok bool) {
	y, m, d := date.Date()
	if c.everyHour {
		return c.everyHourOf(resolve(y, m, d, 0, 0, 0, zone), resolve(y, m, d+1, 0, 0, 0, zone), t)
	}
	for h := range 24 {
		if !c.hours.has(h) {
			continue
		}
		for minute := range 60 {
			if !c.minutes.has(minute) {
				continue
			}
			at := resolve(y, m, d, h, minute, 0, zone)
			if at.After(t) && (!ok || at.Before(first)) {
				first, ok = at, true
			}
		}
	}
	return first, ok
}

// everyHourOf walks through a date minute by minute.
func (c cron) everyHourOf(begin, end, t time.Time) (time.Time, bool) {
	if skip := t.Sub(begin).Truncate(time.Minute); skip > 0 {
		begin = begin.Add(skip)
	}
	for at := begin; at.Before(end); at = at.Add(time.Minute) {
		if at.After(t) && c.minutes.has(at.Minute()) {
			return at, true
		}
	}
	return time.Time{}, false
}

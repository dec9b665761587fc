package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func parse(t testing.TB, text, zone, start string) Schedule {
	t.Helper()
	s, err := Parse(text, zone, moment(t, start))
	if err != nil {
		t.Fatalf("%s in %s: %v", text, zone, err)
	}
	return s
}

// The times that follow a moment. Offsets are those of the zone, so that a reader
// sees what its clocks show.
func TestNext(t *testing.T) {
	for _, test := range []struct{ text, zone, start, after, want string }{
		// From a start on.
		{"every 7 days", "", "2026-03-01T02:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T02:00:00Z 2026-03-08T02:00:00Z"},
		{"every 7 days", "", "2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z", "2026-03-08T02:00:00Z"},
		{"every 1 day", "", "2016-03-01T02:00:00Z", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z 2026-03-02T02:00:00Z"},
		{"rate(7 days)", "", "2026-03-01T02:00:07Z", "2026-03-01T02:00:07Z", "2026-03-08T02:00:07Z 2026-03-15T02:00:07Z"},
		{"rate(12 hours)", "", "2026-03-01T02:00:00Z", "2026-03-05T00:00:00Z", "2026-03-05T02:00:00Z 2026-03-05T14:00:00Z"},
		{"rate(1 hour)", "", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z", "2026-03-01T04:00:00Z"},
		{"rate(5 minutes)", "", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z", "2026-03-01T03:05:00Z"},
		// Across changes of clocks: by the calendar, and by the number of seconds.
		{"every 1 day", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		{"rate(1 day)", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00 2026-03-30T03:30:00+02:00"},
		{"every 1 day", "Europe/Berlin", "2026-10-24T02:30:00+02:00", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},

		// cron.
		{"30 2 * * *", "", "2026-01-01T00:00:00Z", "2026-05-01T02:30:00Z", "2026-05-02T02:30:00Z"},
		{"30 2 * * mon-fri", "", "2026-01-01T00:00:00Z", "2026-05-01T02:30:00Z", "2026-05-04T02:30:00Z 2026-05-05T02:30:00Z"},
		{"0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z"},
		{"0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 13 * 5", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z 2026-01-13T00:00:00Z"}, // either
		{"0 0 */2 * 5", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z 2026-01-23T00:00:00Z"},                     // both
		{"0 0 * * 7", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
		{"0 12 * jan,JUL sun", "", "2026-01-01T00:00:00Z", "2026-01-26T00:00:00Z", "2026-07-05T12:00:00Z"},
		{"5/20 8-9 1 1 *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T08:05:00Z 2026-01-01T08:25:00Z 2026-01-01T08:45:00Z 2026-01-01T09:05:00Z"},
		{"0 9 * * *", "America/New_York", "2026-01-01T00:00:00Z", "2026-03-07T14:00:00Z", "2026-03-08T09:00:00-04:00 2026-03-09T09:00:00-04:00"},
		{"0 9 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-03-07T14:00:00Z", "2026-03-08T09:00:00+05:30"},
		{"0 2 * * *", "", "2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T02:00:00Z"}, // not before the start

		// Skipped times come when clocks skip them; together they are one.
		{"30 2 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		{"10,30,50 2 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:10:00+02:00"},
		{"30 2,3 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-29T03:30:00+02:00"},
		{"15 0 * * *", "America/Sao_Paulo", "2018-01-01T00:00:00Z", "2018-11-03T12:00:00Z", "2018-11-04T01:00:00-02:00 2018-11-05T00:15:00-02:00"}, // at midnight
		{"0 12 30 * *", "Pacific/Apia", "2011-01-01T00:00:00Z", "2011-12-01T00:00:00Z", "2011-12-31T00:00:00+14:00 2012-01-30T12:00:00+14:00"},     // a whole day
		{"15 2 * * *", "Australia/Lord_Howe", "2026-01-01T00:00:00Z", "2026-10-03T00:00:00Z", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
		// What is shown twice comes once, the first time.
		{"30 2 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},
		{"30 1 * * *", "America/New_York", "2026-01-01T00:00:00Z", "2026-10-31T12:00:00Z", "2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00"},
		{"0 */2 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-10-24T23:00:00Z", "2026-10-25T02:00:00+02:00 2026-10-25T04:00:00+01:00"},
		// Every hour is every hour that passes.
		{"30 * * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-25T03:30:00+01:00"},
		{"30 * * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00"},

		// CloudWatch Events; examples of its guide first.
		{"cron(0 10 * * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"},
		{"cron(15 12 * * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-01T10:00:00Z", "2026-01-01T12:15:00Z"},
		{"cron(0 18 ? * MON-FRI *)", "", "2026-01-01T00:00:00Z", "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"},
		{"cron(0 8 1 * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-02T18:00:00Z", "2026-02-01T08:00:00Z"},
		{"cron(0/15 * * * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-02T18:00:00Z", "2026-01-02T18:15:00Z"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "", "2026-01-01T00:00:00Z", "2026-01-02T17:55:00Z", "2026-01-05T08:00:00Z"},
		{"cron(0 9 ? * 2#1 *)", "", "2026-01-01T00:00:00Z", "2026-01-05T09:00:00Z", "2026-02-02T09:00:00Z"},
		{"cron(0 9 ? * 6L *)", "", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z", "2026-01-30T09:00:00Z 2026-02-27T09:00:00Z"},
		{"cron(0 9 ? * L *)", "", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z", "2026-01-03T09:00:00Z"},
		{"cron(0 9 L * ? *)", "", "2026-01-01T00:00:00Z", "2026-02-01T09:00:00Z", "2026-02-28T09:00:00Z 2026-03-31T09:00:00Z"},
		{"cron(0 9 3W * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T09:00:00Z 2026-02-03T09:00:00Z"},
		{"cron(0 9 1W * ? *)", "", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-02T09:00:00Z"},
		{"cron(0 9 1W 8 ? *)", "", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-08-03T09:00:00Z"},
		{"cron(0 9 LW * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-27T09:00:00Z"},
		{"cron(0 9 31W * ? *)", "", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-31T09:00:00Z"},
		{"cron(0 9 1 1 ? 2027-2028)", "", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2027-01-01T09:00:00Z 2028-01-01T09:00:00Z never"},
		{"cron(0 9 ? * 1 *)", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-04T09:00:00Z"}, // Sunday
	} {
		s := parse(t, test.text, test.zone, test.start)
		at := moment(t, test.after)
		for want := range strings.FieldsSeq(test.want) {
			next, ok := s.Next(at)
			if !ok && want == "never" {
				continue
			}
			if got := next.Format(time.RFC3339); !ok || !next.Equal(moment(t, want)) {
				t.Errorf("%s in %q after %s: %s, %v, want %s", test.text, test.zone, at.Format(time.RFC3339), got, ok, want)
				break
			}
			at = next
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "not one of"},
		{"daily", "not one of"},
		{"@daily", "not one of"},
		{"* * * *", "not one of"},
		{"0 0 * * * *", "not one of"},
		{"rate()", "number and a unit"},
		{"rate(7)", "number and a unit"},
		{"rate(0 days)", "from 1"},
		{"rate(-1 days)", "from 1"},
		{"rate(36501 days)", "from 1 to 36500"},
		{"rate(99999999999999999999 days)", "from 1"},
		{"rate(7 weeks)", "not a unit"},
		{"rate(1 minute)", "at least 5m"},
		{"every 2 hours", "rate(...)"},
		{"every day", "number and a unit"},
		{"* * * * *", "at least 5m"},
		{"58,2 * * * *", "at least 5m"},
		{"0,1 0 1 1 *", "at least 5m"},
		{"0 0 30 2 *", "never comes"},
		{"60 0 * * *", "minute"},
		{"-1 0 * * *", "minute"},
		{"+1 0 * * *", "minute"},
		{"0 24 * * *", "hour"},
		{"0 0 0 * *", "day of the month"},
		{"0 0 32 * *", "day of the month"},
		{"0 0 * 13 *", "month"},
		{"0 0 * foo *", "month"},
		{"0 0 * * 8", "day of the week"},
		{"0 0 * * fri-mon", "backwards"},
		{"*/0 0 * * *", "step"},
		{"*/99 0 * * *", "step"},
		{"1,,2 0 * * *", "minute"},
		{"0 0 L * *", "day of the month"},
		{"cron(0 0 * * *)", "5 fields, not 6"},
		{"cron(0 0 * * * *)", `has to be "?"`},
		{"cron(0 0 ? * ? *)", `has to be "?"`},
		{"cron(0 0 ? * 0 *)", "day of the week"},
		{"cron(0 0 ? * 2#6 *)", "week of the month"},
		{"cron(0 0 ? * L#1 *)", "day of the week"},
		{"cron(0 0 W * ? *)", "day of the month"},
		{"cron(0 0 1 1 ? 1969)", "year"},
		{"cron(0 0 1 1 ? 2020)", "never comes"},
		{strings.Repeat("0,", 300) + "0 0 * * *", "at most 512"},
	} {
		_, err := Parse(test.text, "", moment(t, "2026-01-01T00:00:00Z"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: the error is %v, want one with %q", test.text, err, test.want)
		}
	}
	for _, zone := range []string{"Local", "Europe/Nowhere", "../etc/passwd", strings.Repeat("x", 100), "CEST"} {
		if _, err := Parse("every 7 days", zone, time.Now()); err == nil || !strings.Contains(err.Error(), "time zone") {
			t.Errorf("the zone %q: %v", zone, err)
		}
	}
}

func TestSince(t *testing.T) {
	s := parse(t, "rate(1 day)", "", "2026-01-01T00:00:00Z")
	from := moment(t, "2026-01-01T00:00:00Z")
	for days, most := range map[int]int{0: 100, 1: 100, 5: 100, 9: 7} {
		last, n := s.Since(from, from.Add(time.Duration(days)*24*time.Hour+time.Hour), most)
		if want := min(days, most); n != want || n > 0 && !last.Equal(from.AddDate(0, 0, want)) {
			t.Errorf("after %d days: %d times, the last %v", days, n, last)
		}
	}
}

// What cron finds is what a walk through every minute finds, in zones whose clocks
// change in all ways, save for the times that clocks skip.
func TestCronIsAsEveryMinute(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		minute, hour := rapid.IntRange(0, 59).Draw(t, "minute"), rapid.SampledFrom([]string{"*", "0", "1", "2", "3", "1-3", "23", "*/6"}).Draw(t, "hour")
		dow := rapid.SampledFrom([]string{"*", "0", "6,0", "mon-fri"}).Draw(t, "dow")
		text := fmt.Sprintf("%d %s * * %s", minute, hour, dow)
		s, err := Parse(text, zone, time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 3*365*24*60).Draw(t, "from")) * time.Minute)
		next, ok := s.Next(from)
		if !ok || !next.After(from) {
			t.Fatalf("%s in %s after %v: %v, %v", text, zone, from, next, ok)
		}
		c := s.rule.(cron)
		for at := from.Add(time.Minute); at.Before(next); at = at.Add(time.Minute) {
			local := at.In(location)
			if c.minutes.has(local.Minute()) && c.hours.has(local.Hour()) && c.day(wall(local)) && !second(local) {
				t.Fatalf("%s in %s after %v: %v, but %v was earlier", text, zone, from, next, local)
			}
		}
		local := next.In(location)
		begin, _ := local.ZoneBounds()
		if !local.Equal(begin) && !(c.minutes.has(local.Minute()) && c.hours.has(local.Hour()) && c.day(wall(local))) {
			t.Fatalf("%s in %s after %v: %v, which is none of its times", text, zone, from, local)
		}
	})
}

// second tells whether clocks show a time for the second time.
func second(t time.Time) bool {
	begin, _ := t.ZoneBounds()
	return !begin.IsZero() && wall(t).Before(wall(begin.Add(-1)))
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"every 7 days", "rate(7 days)", "30 2 * * mon-fri", "cron(0 9 ? * 6L *)", "cron(0 9 3W * ? 2030-2040)", "0 0 29 2 *", "*/5 1-3,7 */2 jan,3-5/2 *"} {
		f.Add(text, "Europe/Berlin", int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, text, zone string, from int64) {
		start := time.Unix(from%(1<<33), 0)
		s, err := Parse(text, zone, start)
		if err != nil {
			return
		}
		at := start.Add(-1)
		for range 20 {
			next, ok := s.Next(at)
			if !ok {
				return
			}
			if !next.After(at) || next.Before(s.start) {
				t.Fatalf("%q in %q: after %v comes %v", text, zone, at, next)
			}
			at = next
		}
	})
}

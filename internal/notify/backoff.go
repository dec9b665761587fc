package notify

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// schedule are the pauses after each attempt that failed: a day all in all.
var schedule = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// Attempts is how often a delivery is tried before it is given up.
const Attempts = len(schedule) + 1

// longestWait bounds what an endpoint may ask for with Retry-After.
const longestWait = 6 * time.Hour

// Backoff is the pause after an attempt, from 1, that failed: that of the schedule,
// a fifth more or less, so that what failed together does not come back together.
func Backoff(attempt int) time.Duration {
	pause := schedule[min(max(attempt, 1), len(schedule))-1]
	return pause*4/5 + rand.N(pause*2/5)
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
// What is neither, or in the past, is nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

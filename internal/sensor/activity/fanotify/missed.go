//go:build linux

package fanotify

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// missed counts what was told and could not be looked at.
type missed struct {
	overflows atomic.Uint64 // how often the queue was full: the kernel does not tell how many it dropped
	unopened  atomic.Uint64 // files
	dear      atomic.Uint64 // executions that would have taken too long
	nobody    atomic.Uint64 // executions whose process had ended: of an unknown user
}

// budget is what looking at executions may take. What is beyond is taken out of the
// queue, and not looked at: what waits there keeps its file system from being unmounted.
type budget struct {
	window, most time.Duration
	began        time.Time
	spent        time.Duration
}

// newBudget is 5 % of a processor. An execution takes 15 µs if its process is over, else 75.
func newBudget() budget { return budget{window: 10 * time.Second, most: 500 * time.Millisecond} }

func (b *budget) over(now time.Time) bool {
	if now.Sub(b.began) >= b.window {
		b.began, b.spent = now, 0
	}
	return b.spent >= b.most
}

func (b *budget) spend(d time.Duration) { b.spent += d }

// used is how long this thread has been on a processor.
func used() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0 // there is no kernel without it
	}
	return time.Duration(t.Nano())
}

// Shortcomings are why what was told is not all that was executed: last what nobody is
// told of.
func (f *Fanotify) Shortcomings() (all []string) {
	for _, m := range []struct {
		n    uint64
		what string
	}{
		{f.missed.overflows.Load(), "the queue of executions was full %d times, and some are missing"},
		{f.missed.unopened.Load(), "%d programs that were executed could not be looked at"},
		{f.missed.dear.Load(), "%d executions were not looked at, since that would have taken more than 5 %% of a processor"},
		{f.missed.nobody.Load(), "%d executions were over before their user could be told"},
	} {
		if m.n > 0 {
			all = append(all, fmt.Sprintf(m.what, m.n))
		}
	}
	all = append(all, f.marks.shortcomings()...)
	return append(all, "fanotify does not tell of what is executed of memory, on older kernels by an open file, nor twice of what one process executes twice in a row, and it tells of what then fails to start, too")
}

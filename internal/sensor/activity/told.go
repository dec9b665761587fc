//go:build linux

package activity

import (
	"context"
	"errors"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor/activity/poll"
	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// teller is told of executions by the kernel, but of nothing else.
type teller interface {
	Executions() iter.Seq2[seen.Execution, error]
	Totals() seen.Totals
	Watch(context.Context, func(seen.Sight)) error
	Shortcomings() []string
	Close() error
}

// told is the source of what the kernel tells of executions, with the looks at /proc for
// everything else, and for programs of which it does not tell.
type told struct {
	teller
	looks *poll.Poll
}

// openTold takes over a teller.
func openTold(t Tier, by teller, at proc.FS) (*way, error) {
	looks, err := poll.New(at)
	if err != nil {
		return nil, errors.Join(err, by.Close())
	}
	return &way{
		source: told{by, looks}, tier: string(t),
		guard: func(context.Context) error { return nil }, // they limit themselves
		doubt: func(d *doubts) {
			// Of executions that nobody told of it lacks the files, too.
			d.add(cut(strings.Join(by.Shortcomings(), "; ")), executions, files)
			for _, reason := range looks.Shortcomings() {
				d.add(reason, connections, listeners)
			}
		},
	}, nil
}

// Watch implements source. That looks see an execution is news only if the kernel did not
// tell of it, which is not asked here: to look at a process twice does no harm.
func (t told) Watch(ctx context.Context, see func(seen.Sight)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.teller.Watch(ctx, see) })
	group.Go(func() error { return t.looks.Watch(ctx, see) })
	return group.Wait()
}

// Executions are those told, and of programs that nobody told of those seen.
func (t told) Executions() iter.Seq2[seen.Execution, error] {
	return func(yield func(seen.Execution, error) bool) {
		of := map[file]bool{}
		for e, err := range t.teller.Executions() {
			of[e.File] = true
			if !yield(e, err) {
				return
			}
		}
		for e, err := range t.looks.Executions() {
			if !of[e.File] && !yield(e, err) {
				return
			}
		}
	}
}

// Flows implements source.
func (t told) Flows() iter.Seq2[seen.Flow, error] { return t.looks.Flows() }

// Listeners implements source.
func (t told) Listeners() iter.Seq2[seen.Listener, error] { return t.looks.Listeners() }

// Totals implements source. Executions are those told.
func (t told) Totals() (seen.Totals, error) {
	all, err := t.looks.Totals()
	executed := t.teller.Totals()
	all.Executions, all.ExecutionsFull = executed.Executions, executed.ExecutionsFull
	return all, err
}

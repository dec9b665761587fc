//go:build linux

package activity

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// source counts what happens.
type source interface {
	Executions() iter.Seq2[seen.Execution, error]
	Flows() iter.Seq2[seen.Flow, error]
	Listeners() iter.Seq2[seen.Listener, error]
	Totals() (seen.Totals, error)
	// Watch calls a function with what is seen first until ctx ends, which is no error.
	Watch(context.Context, func(seen.Sight)) error
	Close() error
}

// kernel is the source that sees all there is: programs in the kernel, within a limit.
type kernel struct {
	*bpf.Programs
	limit *limit
	began time.Time   // to count
	own   seen.Totals // of the canary
}

// newKernel loads the programs and proves that they count. A kernel that takes them and
// does not call them is as one that does not take them; what is not proven is doubted.
func newKernel(d *doubts, load func() (*bpf.Programs, error)) (*kernel, error) {
	programs, err := load()
	if err != nil {
		return nil, err
	}
	k := &kernel{Programs: programs, limit: newLimit(), began: time.Now()}
	k.own, err = programs.Canary()
	switch {
	case errors.Is(err, bpf.ErrDeaf):
		err = fmt.Errorf("a connection that the agent made to see whether connections are counted was not: %w", err)
		return nil, errors.Join(err, programs.Close())
	case err != nil:
		d.add("that connections are counted is not proven: "+err.Error(), connections, listeners)
	}
	d.without = ""
	if err := programs.CountLoads(); err != nil {
		d.without = "the kernel does not let them be counted: " + err.Error()
	}
	return k, nil
}

// doubt tells what was not seen.
func (k *kernel) doubt(d *doubts) {
	k.limit.doubt(d)
	skipped, err := k.Skipped()
	if err != nil {
		d.add(err.Error())
	}
	doubtSkipped(skipped, d)
	if k.Loads == bpf.AtExit {
		d.add(fmt.Sprintf("what a program maps is only seen when its process ends, if it has not been unmapped before, nor another program executed by the process (%v)", k.Refused), loads)
	}
}

// counted are the parts that each of the programs in the kernel counts.
var counted = [bpf.Hooks][]string{bpf.Exec: {executions}, bpf.Socket: {connections, listeners}, bpf.Map: {loads}}

func doubtSkipped(skipped [bpf.Hooks]uint64, d *doubts) {
	for at, n := range skipped {
		if n > 0 {
			d.add(fmt.Sprintf("%d events may not have been counted: they came on a processor that was counting another one", n), counted[at]...)
		}
	}
}

// Totals leaves the canary out.
func (k *kernel) Totals() (seen.Totals, error) {
	t, err := k.Programs.Totals()
	t.Flows -= min(k.own.Flows, t.Flows)
	return t, err
}

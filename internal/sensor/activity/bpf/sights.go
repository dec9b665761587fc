//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/ringbuf"
)

// Kind is what was seen for the first time.
type Kind uint32

// The kinds.
const (
	SawExecution Kind = iota + 1
	SawFlow
	SawListener
)

// Sight says that a map has a new entry, and which process made it: one that may
// have ended when it is told.
type Sight struct {
	Kind Kind
	PID  int
}

// Watch calls a function with each first sight until ctx ends, which is no error. What
// the ring had no room for is not told (Totals.Rings); it is in the maps.
func (p *Programs) Watch(ctx context.Context, see func(Sight)) error {
	reader, err := ringbuf.NewReader(p.sights)
	if err != nil {
		return fmt.Errorf("watch the kernel programs: %w", err)
	}
	defer reader.Close()
	defer context.AfterFunc(ctx, func() { reader.Close() })()
	var record ringbuf.Record
	for {
		err := reader.ReadInto(&record)
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watch the kernel programs: %w", err)
		}
		if s := record.RawSample; len(s) >= 8 {
			see(Sight{Kind(order.Uint32(s)), int(order.Uint32(s[4:]))})
		}
	}
}

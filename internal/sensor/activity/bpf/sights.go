//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/ringbuf"

	"assay/internal/sensor/activity/seen"
)

// Watch calls a function with each first sight until ctx ends, which is no error. What
// the ring had no room for is not told (Totals.Rings); it is in the maps.
func (p *Programs) Watch(ctx context.Context, see func(seen.Sight)) error {
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
		if s := record.RawSample; len(s) >= sightSize {
			see(parseSight(s))
		}
	}
}

// sightSize is what a sight takes at least: its kind, the process, and a key.
const (
	sightSize = 8 + sightKey
	sightKey  = 48
)

func parseSight(b []byte) seen.Sight {
	s := seen.Sight{Kind: seen.Kind(order.Uint32(b)), PID: int(order.Uint32(b[4:]))}
	switch key := b[8:]; s.Kind {
	case seen.SawExecution, seen.SawFlow: // both keys begin with the program
		s.File = file(key)
	case seen.SawLoad:
		s.File, s.Path = file(key), pathOf(key[sightKey:])
	}
	return s
}

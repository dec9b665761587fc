//go:build linux

package activity

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/connector"
	"assay/internal/sensor/activity/fanotify"
	"assay/internal/sensor/activity/poll"
	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
)

// Tier is a way to observe, by its name in the agent's settings.
type Tier string

// The tiers.
const (
	EBPF      Tier = "ebpf"        // programs in the kernel
	Direct    Tier = "ebpf/direct" // of them the build that follows pointers (Linux 5.11 and newer)
	Core      Tier = "ebpf/core"   // the build that reads what they point to
	Fanotify  Tier = "fanotify"    // executions as the kernel tells that files are opened for them, the rest by looks
	Connector Tier = "connector"   // executions as the kernel tells of them on a netlink socket, the rest by looks
	Poll      Tier = "poll"        // looks at /proc
)

// Tiers returns all that are different, best first: EBPF is the better one of its builds.
func Tiers() []Tier { return []Tier{EBPF, Fanotify, Connector, Poll} }

// ParseTiers reads names separated by commas, such as "ebpf,poll".
//
// A build of EBPF is taken if it is named.
func ParseTiers(text string) ([]Tier, error) {
	var all []Tier
	for name := range strings.SplitSeq(text, ",") {
		t := Tier(strings.TrimSpace(name))
		if !slices.Contains(append(Tiers(), Direct, Core), t) {
			return nil, fmt.Errorf("there is no way to observe that is called %q: ebpf, ebpf/direct, ebpf/core, fanotify, connector, poll", name)
		}
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all, nil
}

// way is a tier at work.
type way struct {
	source
	tier string // as telemetry names it
	// began is since when it counts; zero: since it is opened.
	began time.Time
	// guard does what the source needs while it counts, until ctx ends.
	guard func(ctx context.Context) error
	// doubt tells what was missed so far; it may be called at any time.
	doubt func(*doubts)
	loads iter.Seq2[seen.Load, error] // nil: it cannot tell
}

// open opens the first of the tiers that can be had; refused tells why the ones before
// it can not.
func (a activity) open(d *doubts) (w *way, refused []error) {
	for _, t := range a.tiers {
		w, err := a.openOne(t, d)
		if err == nil {
			return w, refused
		}
		refused = append(refused, err)
	}
	return nil, refused
}

func (a activity) openOne(t Tier, d *doubts) (*way, error) {
	switch t {
	case EBPF:
		return openKernel(d, bpf.Load)
	case Direct, Core:
		return openKernel(d, func() (*bpf.Programs, error) { return bpf.LoadOnly(strings.TrimPrefix(string(t), "ebpf/")) })
	case Fanotify:
		told, err := fanotify.New(a.proc)
		if err != nil {
			return nil, err
		}
		return openTold(t, told, a.proc)
	case Connector:
		told, err := connector.New(a.proc)
		if err != nil {
			return nil, err
		}
		return openTold(t, told, a.proc)
	case Poll:
		return openPoll(a.proc)
	}
	return nil, fmt.Errorf("there is no way to observe that is called %q", t)
}

// openKernel has the kernel count.
func openKernel(d *doubts, load func() (*bpf.Programs, error)) (*way, error) {
	k, err := newKernel(d, load)
	if err != nil {
		return nil, refuse(err, stand("/"))
	}
	return &way{
		source: k, tier: "ebpf/" + k.Build,
		guard: func(ctx context.Context) error { return k.limit.guard(ctx, k.Programs) },
		doubt: k.doubt,
		loads: k.Mapped(), began: k.began,
	}, nil
}

// openPoll looks at /proc.
func openPoll(files proc.FS) (*way, error) {
	if !hostfs.Privileged() {
		return nil, errors.New("only root can look at all processes")
	}
	looks, err := poll.New(files)
	if err != nil {
		return nil, err
	}
	return &way{
		source: looks, tier: string(Poll),
		guard: func(context.Context) error { return nil }, // it limits itself
		doubt: func(d *doubts) {
			for _, reason := range looks.Shortcomings() {
				d.add(reason)
			}
		},
	}, nil
}

// because are the reasons why better tiers are not at work, in brackets; empty: there
// are none.
func because(refused []error) string {
	if len(refused) == 0 {
		return ""
	}
	return " (" + words(refused) + ")"
}

// words are errors on one line.
func words(all []error) string {
	return cut(strings.ReplaceAll(errors.Join(all...).Error(), "\n", "; "))
}

// cut shortens what the kernel's verifier, or paths, may make long.
func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxWords)], "") }

const maxWords = 800 // bytes

// unsupported is why no agent could have programs in the kernel; empty: one could, or
// none was tried.
func unsupported(refused []error) string {
	for _, err := range refused {
		if r := (*refusal)(nil); errors.As(err, &r) && r.kernel {
			return words([]error{r})
		}
	}
	return ""
}

//go:build linux

package activity

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/programs"
	"assay/internal/telemetry"
)

// Bounds of what is looked at.
const (
	maxHeld    = 512 // files that wait for it
	maxLooked  = 16_384
	maxLooking = time.Minute // in all
)

// looker looks at files that were executed or mapped, as the sensor of programs does.
// They are held as soon as they are seen, so that they can be looked at when the process
// is over. It is safe for concurrent use.
type looker struct {
	held chan held
	self int // this process

	mu      sync.Mutex // of all that follows
	files   *programs.Looker
	problem error // why there is none
	took    time.Duration
	looked  map[file]*programs.Looked
}

type held struct {
	object *hostfs.Object
	pid    int
	id     file
}

func newLooker(p proc.FS, fs *hostfs.FS) *looker {
	l := &looker{held: make(chan held, maxHeld), self: os.Getpid(), looked: map[file]*programs.Looked{}}
	l.files, l.problem = programs.NewLooker(p, fs)
	return l
}

// hold has a file looked at that one of the kernel's links leads to, if there is room.
func (l *looker) hold(link string, pid int, id file) {
	if l.has(id) {
		return
	}
	o, err := hostfs.OpenObject(link)
	if err != nil {
		return
	}
	select {
	case l.held <- held{o, pid, id}:
	default:
		o.Close()
	}
}

func (l *looker) has(id file) bool { return l.get(id) != nil }

func (l *looker) get(id file) *programs.Looked {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looked[id]
}

// work looks at what is held until ctx ends.
func (l *looker) work(ctx context.Context) {
	for {
		select {
		case h := <-l.held:
			l.take(h)
		case <-ctx.Done():
			l.drain()
			return
		}
	}
}

// drain looks at what is held now.
func (l *looker) drain() {
	for {
		select {
		case h := <-l.held:
			l.take(h)
		default:
			return
		}
	}
}

func (l *looker) take(h held) {
	defer h.object.Close()
	l.look(h.object, h.pid, h.id)
}

// named looks at a file by its path below a root that a process has.
func (l *looker) named(root *hostfs.FS, name string, pid int, id file) {
	if l.has(id) {
		return
	}
	o, err := root.Object(name)
	if err != nil {
		return
	}
	if info, err := o.Stat(); err != nil || (place{info.Device, info.Inode}) != placeOf(id) {
		o.Close()
		return
	}
	l.take(held{o, pid, id})
}

// look keeps what is to be told of a file, if it still is the one that was seen: a
// process may execute another one by now.
func (l *looker) look(o *hostfs.Object, pid int, id file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil || l.took > maxLooking || len(l.looked) >= maxLooked || l.looked[id] != nil {
		return
	}
	began := time.Now()
	defer func() { l.took += time.Since(began) }()
	f, err := l.files.Look(context.Background(), o, pid)
	if err != nil || f == nil || f.Inode != id.Inode && f.Problem == "" {
		return
	}
	l.looked[id] = f
}

// shortcoming is why not all that could be looked at was; empty: it was.
func (l *looker) shortcoming() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.problem != nil:
		return l.problem.Error()
	case l.took > maxLooking:
		return fmt.Sprintf("looking at them took more than %v", maxLooking)
	case len(l.looked) >= maxLooked:
		return fmt.Sprintf("no more than %d are looked at", maxLooked)
	}
	return ""
}

// above notes in f the folders above it, and returns what is to be told of them.
func (l *looker) above(f *programs.Looked) (folders []telemetry.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.files.Above(f, func(r telemetry.Record) error { // fails only if this does
		folders = append(folders, r)
		return nil
	})
	return folders
}

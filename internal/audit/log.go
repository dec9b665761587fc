package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Log appends events to "<day>.jsonl" in a folder, one file a day in UTC, mode
// 0600. One process has the folder; it is safe for concurrent use there.
type Log struct {
	dir       string
	suffix    string
	retention time.Duration
	log       *slog.Logger

	mu      sync.Mutex
	file    *os.File
	day     string
	written int64 // events, to tell what a sync has covered
	broken  error // of the last event

	syncing sync.Mutex
	synced  int64

	strangers *rate.Limiter
	left      int64 // events of strangers that were left out since the last that was not
	leftTotal int64
}

// Strangers may fill some megabytes a day: 100 events at once, and one every ten
// seconds.
const (
	strangersBurst = 100
	strangersEvery = 10 * time.Second
)

const day = "2006-01-02"

// Open opens the log of a folder, which is made if it is missing. Files older than
// the retention are deleted whenever a day begins.
func Open(dir string, retention time.Duration, log *slog.Logger) (*Log, error) {
	return open(dir, "", retention, log)
}

// OpenBeside opens a log beside that of another process in the same folder.
func OpenBeside(dir, name string) (*Log, error) {
	return open(dir, "."+name, 0, slog.New(slog.DiscardHandler))
}

func open(dir, suffix string, retention time.Duration, log *slog.Logger) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the audit log: %w", err)
	}
	return &Log{dir: dir, suffix: suffix + ".jsonl", retention: retention, log: log, strangers: rate.NewLimiter(rate.Every(strangersEvery), strangersBurst)}, nil
}

// Append writes an event. That of a change is on the disk when Append returns;
// events of others may be lost with the machine's power, not with the process.
//
// Strangers' events beyond a rate are left out and counted; the next of theirs that
// is written tells how many.
func (l *Log) Append(e Event) error {
	if e.Anonymous() && !l.strangers.Allow() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.left++
		l.leftTotal++
		return nil
	}
	number, err := l.append(e)
	if err != nil || e.ReadOnly || e.Anonymous() {
		return err
	}
	return l.sync(number)
}

func (l *Log) append(e Event) (number int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.broken = err }()
	if e.Anonymous() && l.left > 0 {
		e.Request, _ = json.Marshal(map[string]int64{"unrecordedCallsBefore": l.left})
	}
	line, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("write an audit event: %w", err)
	}
	if err := l.turn(e.Time); err != nil {
		return 0, err
	}
	// One write a line: another process that reads sees whole lines.
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		l.close() // the next one begins on a line of its own
		return 0, fmt.Errorf("write an audit event: %w", err)
	}
	if e.Anonymous() {
		l.left = 0
	}
	l.written++
	return l.written, nil
}

// turn opens the file of a time's day.
func (l *Log) turn(at time.Time) error {
	today := at.UTC().Format(day)
	if l.file != nil && l.day >= today { // an event of the old day that comes late goes to the new
		return nil
	}
	if err := l.close(); err != nil {
		return fmt.Errorf("close the audit log of %s: %w", l.day, err)
	}
	name := filepath.Join(l.dir, today+l.suffix)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	if err := endLine(file); err != nil {
		file.Close()
		return fmt.Errorf("open the audit log: %w", err)
	}
	l.file, l.day = file, today
	l.expire(at)
	return nil
}

// endLine ends a line that a crash has cut off.
func endLine(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = f.Write([]byte("\n"))
	}
	return err
}

// expire deletes the files of days that are over the retention.
func (l *Log) expire(now time.Time) {
	if l.retention <= 0 {
		return
	}
	oldest := now.Add(-l.retention).UTC().Format(day)
	for _, name := range files(l.dir) {
		if filepath.Base(name)[:len(day)] < oldest {
			if err := os.Remove(name); err != nil {
				l.log.Warn("an old audit log was not deleted", "error", err)
			}
		}
	}
}

// sync waits until an event is on the disk. Those who wait at once share the work.
func (l *Log) sync(number int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= number {
		return nil
	}
	l.mu.Lock()
	file, covered := l.file, l.written
	l.mu.Unlock()
	if file == nil { // closed, and so synced, since
		return nil
	}
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
		l.mu.Lock()
		l.broken = err
		l.mu.Unlock()
		return fmt.Errorf("write an audit event to the disk: %w", err)
	}
	l.synced = covered
	return nil
}

// Ready tells whether the last event could be written; if not, it tries with an
// empty line. What changes something is not begun while events cannot be kept.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		return nil
	}
	if err := l.turn(time.Now()); err != nil {
		return err
	}
	if _, err := l.file.Write([]byte("\n")); err != nil {
		return fmt.Errorf("the audit log cannot be written: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("the audit log cannot be written: %w", err)
	}
	l.broken = nil
	return nil
}

// LeftOut counts the events of strangers that were left out.
func (l *Log) LeftOut() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leftTotal
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.close()
}

func (l *Log) close() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}

// files are the paths of a log's files in the order of their days.
func files(dir string) []string {
	all, _ := filepath.Glob(filepath.Join(escape(dir), "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*.jsonl"))
	return all
}

// escape makes a folder's name a pattern that matches it alone.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

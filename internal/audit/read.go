package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Filter chooses events. Empty fields choose all.
type Filter struct {
	Since, Until time.Time // inclusive, exclusive
	User         string    // userName
	Name         string    // eventName
	Errors       bool      // only calls that failed
}

func (f Filter) wants(e Event) bool {
	return !e.Time.Before(f.Since) && (f.Until.IsZero() || e.Time.Before(f.Until)) &&
		(f.User == "" || f.User == e.Identity.User) && (f.Name == "" || strings.EqualFold(f.Name, e.Name)) && (!f.Errors || e.ErrorCode != "")
}

// maxLine is longer than any event: its parameters are bounded, and so is the rest.
const maxLine = 256 << 10

// Read calls fn with the events of a folder that a filter wants, day by day in the
// order in which they were written, with the line as it is in the file. It tells how many
// lines were no events: those that a crash has cut off.
func Read(dir string, f Filter, fn func(e Event, line []byte) error) (damaged int, err error) {
	if _, err := os.Stat(dir); err != nil {
		return 0, fmt.Errorf("read the audit log: %w", err)
	}
	for _, name := range files(dir) {
		// An event that came late is in the file of the next day.
		of := filepath.Base(name)[:len(day)]
		if of < f.Since.UTC().Format(day) && !f.Since.IsZero() || !f.Until.IsZero() && of > f.Until.AddDate(0, 0, 1).UTC().Format(day) {
			continue
		}
		n, err := readFile(name, f, fn)
		damaged += n
		if err != nil {
			return damaged, fmt.Errorf("read the audit log %s: %w", name, err)
		}
	}
	return damaged, nil
}

func readFile(name string, f Filter, fn func(Event, []byte) error) (damaged int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var e Event
		if json.Unmarshal(line, &e) != nil {
			damaged++
			continue
		}
		if f.wants(e) {
			if err := fn(e, line); err != nil {
				return damaged, err
			}
		}
	}
	return damaged, lines.Err()
}

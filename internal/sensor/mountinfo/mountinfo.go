// Package mountinfo reads the kernel's list of mounts (proc_pid_mountinfo(5)),
// for the sensor that reports it and for those that must know what they would
// step on: a file server that does not answer hangs whoever asks it for a file.
package mountinfo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// Entry is one mount.
type Entry struct {
	ID, Parent   int
	Device       string // major:minor
	Root         string // the folder of the file system that is mounted
	Point        string // where, unescaped
	FileSystem   string // "ext4", "fuse.sshfs"
	Source       string
	Options      []string // of this mount
	SuperOptions []string // of the file system
}

// maxBytes bounds what is read of a mountinfo file: a hundred thousand mounts.
const maxBytes = 16 << 20

// Read reads a mountinfo file.
func Read(name string) ([]Entry, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("read %s: it is larger than %d bytes", name, maxBytes)
	}
	return Parse(data)
}

// Parse parses a whole mountinfo file. The first line that is not one is an
// error: a list of mounts with holes is worth nothing.
func Parse(data []byte) ([]Entry, error) {
	var entries []Entry
	for number, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if line == "" && number == 0 {
			continue
		}
		e, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("mountinfo, line %d: %w", number+1, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

var errLine = errors.New("it is not a line of mountinfo")

// parseLine parses "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw".
func parseLine(line string) (Entry, error) {
	mount, system, ok := strings.Cut(line, " - ")
	m, s := strings.Split(mount, " "), strings.Split(system, " ")
	if !ok || len(m) < 6 || len(s) < 2 {
		return Entry{}, errLine
	}
	id, err1 := strconv.Atoi(m[0])
	parent, err2 := strconv.Atoi(m[1])
	if err := errors.Join(err1, err2); err != nil || !strings.HasPrefix(m[4], "/") {
		return Entry{}, errLine
	}
	e := Entry{
		ID: id, Parent: parent, Device: m[2], Root: unescape(m[3]), Point: path.Clean(unescape(m[4])),
		Options: options(m[5]), FileSystem: unescape(s[0]), Source: unescape(s[1]),
	}
	if len(s) > 2 {
		e.SuperOptions = options(s[len(s)-1])
	}
	return e, nil
}

func options(field string) []string {
	if field == "" {
		return nil
	}
	list := strings.Split(field, ",")
	for i := range list {
		list[i] = unescape(list[i])
	}
	return list
}

// unescape undoes the kernel's mangling of space, tab, newline, backslash and
// hash as three octal digits.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Package accounts is the sensor of the accounts in a host's own files: passwd(5),
// shadow(5) and group(5) as typed records. A password leaves the host as one word,
// the state it is in, and the name of its algorithm; never as text. Accounts of
// directories (LDAP, SSSD) are not asked for: that would open connections.
package accounts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// Bounds of one file. A host with 100,000 accounts has some 8 MB.
const (
	maxBytes = 32 << 20
	maxLine  = 64 << 10
)

// file is one of the three, and how a line of it becomes a record.
type file struct {
	part string
	path string
	// absent tells what it means that there is no such file: nil if the
	// host simply has no entries of the kind.
	absent *telemetry.Coverage
	parse  func(f fields) telemetry.Record
}

var noFile = &telemetry.Coverage{State: telemetry.Failed, Reason: "the file does not exist"}

var files = []file{
	{"passwd", "/etc/passwd", noFile, parseUser},
	// Without a shadow file passwords are in passwd, or nowhere.
	{"shadow", "/etc/shadow", nil, parseShadow},
	{"group", "/etc/group", noFile, parseGroup},
}

type accounts struct{}

// New returns the sensor.
func New() sensor.Sensor { return accounts{} }

func (accounts) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorAccounts,
		Summary: "Local accounts and groups, with the state and age of their passwords.",
		Reads:   []string{"/etc/passwd", "/etc/shadow", "/etc/group"},
		Never:   []string{"passwords and their hashes", "full names and other GECOS data", "accounts of directories such as LDAP"},
	}
}

func (accounts) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	var parts []telemetry.Part
	var missing []string
	for _, f := range files {
		c, err := f.collect(ctx, host, emit)
		if err != nil {
			return telemetry.Coverage{}, err
		}
		parts = append(parts, telemetry.Part{Name: f.part, State: c.State, Reason: c.Reason})
		if c.State != telemetry.Complete {
			missing = append(missing, c.Reason)
		}
	}
	c := sensor.Covered(missing)
	c.Parts = parts
	return c, nil
}

func (f file) collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	data, more, err := host.FS.ReadFile(f.path, maxBytes)
	if err != nil {
		return f.unread(err), nil
	}
	var missing []string
	if more {
		missing = append(missing, fmt.Sprintf("%s is larger than %d bytes", f.path, maxBytes))
	}
	for number := 1; len(data) > 0; number++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if ctx.Err() != nil {
			return telemetry.Coverage{}, ctx.Err()
		}
		if len(line) > maxLine {
			missing = append(missing, fmt.Sprintf("%s, line %d, is longer than %d bytes", f.path, number, maxLine))
			continue
		}
		// As glibc does: blanks before the name are none of it.
		line = bytes.TrimLeft(line, " \t\r\f\v")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := emit(f.parse(split(f.path, number, line))); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return sensor.Covered(missing), nil
}

// unread is the coverage of a file that could not be read.
func (f file) unread(err error) telemetry.Coverage {
	c := telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}
	switch {
	case errors.Is(err, fs.ErrPermission):
		c.State = telemetry.Denied
	case errors.Is(err, fs.ErrNotExist) && f.absent == nil:
		return telemetry.Coverage{State: telemetry.Complete}
	}
	return c
}

// fields are those of one line.
type fields struct {
	file    string
	line    int
	f       []string
	problem string // the first thing that is wrong with the line
}

func split(file string, number int, line []byte) fields {
	f := fields{file: file, line: number}
	if !utf8.Valid(line) {
		f.problem = "it is not valid UTF-8"
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	if bytes.IndexByte(line, 0) >= 0 {
		f.problem = "it has a NUL byte"
	}
	for _, field := range bytes.Split(line, []byte(":")) {
		f.f = append(f.f, string(field))
	}
	return f
}

// at is a field, empty where there are fewer.
func (f *fields) at(i int) string {
	if i < len(f.f) {
		return f.f[i]
	}
	return ""
}

// wrong keeps the first thing that is wrong with the line.
func (f *fields) wrong(format string, args ...any) {
	if f.problem == "" {
		f.problem = fmt.Sprintf(format, args...)
	}
}

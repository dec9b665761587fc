package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"assay/internal/sensor/config/redact"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// file reads a file once, whatever number of patterns name it. A folder is none;
// that one is where a file is expected is told if expected is set.
func (c *collection) file(name string, expected bool) error {
	if c.full != "" || c.seen[name] || len(c.only) > 0 && !telemetry.InScope(c.only, name) {
		return nil
	}
	folder, err := c.folder(path.Dir(name))
	if folder == nil {
		return err
	}
	rec := &telemetry.Text{Path: name}
	data, err := c.read(path.Join(folder.real, path.Base(name)), rec)
	switch {
	case errors.Is(err, errFolder) && !expected, errors.Is(err, errNothing):
		return nil
	case err != nil:
		return c.problem(name, reason(err))
	}
	return c.put(rec, data)
}

var (
	errNothing = errors.New("there is nothing")
	errFolder  = errors.New("is a directory")
	errBinary  = errors.New("is not text: it has NUL bytes")
)

// read reads the file at a path whose folder is without links.
func (c *collection) read(name string, rec *telemetry.Text) ([]byte, error) {
	if err := c.away(name); err != nil {
		return nil, err
	}
	info, err := c.fs.Lstat(name)
	if gone(err) {
		return nil, errNothing
	} else if err != nil {
		return nil, err
	}
	real := name
	if info.Mode&fs.ModeSymlink != 0 {
		if real, err = c.fs.Follow(name, c.away); gone(err) {
			return nil, errors.New(telemetry.ProblemDangling)
		} else if err != nil {
			return nil, err
		}
		if info, err = c.fs.Lstat(real); err != nil {
			return nil, err
		}
	}
	if real != rec.Path {
		rec.Resolved = real
	}
	if real == "/dev/null" {
		return nil, nil // an empty file to whoever reads it
	}
	if err := kindProblem(info); err != nil {
		return nil, err
	}
	if err := c.permitted(real); err != nil {
		return nil, err
	}
	return c.bytesOf(real, rec)
}

func kindProblem(info hostfs.Info) error {
	switch mode := info.Mode; {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errFolder
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("is a pipe")
	case mode&fs.ModeSocket != 0:
		return errors.New("is a socket")
	case mode&fs.ModeDevice != 0:
		return errors.New("is a device")
	}
	return hostfs.ErrNotRegular
}

// bytesOf reads the file that was judged: if the path leads elsewhere by now, it
// is not read.
func (c *collection) bytesOf(real string, rec *telemetry.Text) ([]byte, error) {
	file, err := c.fs.OpenIf(real, func(now string) error {
		if now != real {
			return errors.New("changed while it was looked at")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err != nil {
		return nil, err
	}
	rec.Size = int64(len(data))
	if len(data) > maxText {
		rec.Truncated, data = true, data[:maxText]
		if info, err := file.Stat(); err == nil {
			rec.Size = info.Size()
		}
	}
	return data, nil
}

// put emits the text of a file.
func (c *collection) put(rec *telemetry.Text, data []byte) error {
	if bytes.IndexByte(data, 0) >= 0 {
		return c.problem(rec.Path, errBinary.Error())
	}
	text := string(data)
	if rec.Truncated {
		// The last line may be cut in the middle of what redaction goes by.
		text = text[:strings.LastIndexByte(text, '\n')+1]
	}
	if !utf8.ValidString(text) {
		text, rec.Lossy = strings.ToValidUTF8(text, "\uFFFD"), true
	}
	rec.Text, rec.Redacted = redact.Text(rec.Path, text)
	if rec.Redacted == 0 && !rec.Truncated {
		sum := sha256.Sum256(data)
		rec.Digest = hex.EncodeToString(sum[:])
	}
	c.bytes += int64(len(data))
	return c.record(rec)
}

// problem reports why there is no text of a file, or no list of a folder.
func (c *collection) problem(name, why string) error {
	if c.seen[name] || len(c.only) > 0 && !telemetry.InScope(c.only, name) {
		return nil
	}
	return c.record(&telemetry.Text{Path: name, Problem: why})
}

func (c *collection) record(rec *telemetry.Text) error {
	c.seen[rec.Path] = true
	if c.files++; c.files > maxFiles || c.bytes > maxBytes {
		c.full = fmt.Sprintf("the host has more than %d files or %d MiB of configuration; those after %s were not read", maxFiles, maxBytes>>20, rec.Path)
		return nil
	}
	if !utf8.ValidString(rec.Path) {
		rec.Raw = []byte(rec.Path)
		rec.Path = strings.ToValidUTF8(rec.Path, "\uFFFD")
	}
	return c.emit(rec)
}

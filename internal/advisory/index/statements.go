package index

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	gohash "hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"assay/internal/advisory"
	"assay/internal/durable"
)

// Bounds of what a set has of statements. They are all in memory when they are used.
const (
	MaxStatements     = 1_000_000
	maxStatementBytes = 256 << 20
)

const (
	statementsStem   = "statements-"
	statementsSuffix = ".jsonl"
)

// statementWriter writes statements as JSON lines.
type statementWriter struct {
	f    *os.File
	w    *bufio.Writer
	sum  gohash.Hash
	size int64
	n    uint32
}

func newStatementWriter(temp string) (*statementWriter, error) {
	f, err := os.Create(filepath.Join(temp, "statements"))
	if err != nil {
		return nil, err
	}
	return &statementWriter{f: f, w: bufio.NewWriter(f), sum: sha256.New()}, nil
}

func (w *statementWriter) add(s advisory.Statement) error {
	line, err := statementLine(&s)
	if err != nil {
		return err
	}
	if w.n == MaxStatements || w.size+int64(len(line)) > maxStatementBytes {
		return fmt.Errorf("there are more than %d statements of suppliers, or more than %d MiB of them", MaxStatements, maxStatementBytes>>20)
	}
	w.n++
	w.size += int64(len(line))
	w.sum.Write(line)
	_, err = w.w.Write(line)
	return err
}

func statementLine(s *advisory.Statement) ([]byte, error) {
	if s.Vulnerability == "" {
		return nil, errors.New("a statement names no vulnerability")
	}
	line, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("statement on %.80s: %w", s.Vulnerability, err)
	}
	return append(line, '\n'), nil
}

// finish puts the file into a folder, under a name with its hash in it.
func (w *statementWriter) finish(dir string) (File, error) {
	if err := w.w.Flush(); err != nil {
		return File{}, err
	}
	f := File{Size: w.size, SHA256: hex.EncodeToString(w.sum.Sum(nil)), Rows: w.n}
	f.File = statementsStem + f.SHA256[:16] + statementsSuffix
	name := filepath.Join(dir, f.File)
	if f.verify(name) == nil {
		return f, nil // it was there in the last set, too
	}
	return f, durable.Replace(name, func(to *os.File) error {
		_, err := io.Copy(to, io.NewSectionReader(w.f, 0, w.size))
		return err
	})
}

// statements are those of an open set: its file stays open, since it may be removed
// for a newer set's while this one is in use.
type statements struct {
	f    *os.File
	read func() ([]advisory.Statement, error) // once
}

func openStatements(dir string, file File) (*statements, error) {
	f, err := os.Open(filepath.Join(dir, file.File))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != file.Size {
		err = damaged(f.Name(), "it has %d bytes, and the manifest says %d", info.Size(), file.Size)
	}
	if err == nil && (file.Size > maxStatementBytes || file.Rows > MaxStatements) {
		err = damaged(f.Name(), "it has %d bytes and %d statements: too many", file.Size, file.Rows)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &statements{f, sync.OnceValues(func() ([]advisory.Statement, error) { return readStatements(f, file) })}, nil
}

func readStatements(f *os.File, file File) ([]advisory.Statement, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, file.Size)); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != file.SHA256 {
		return nil, damaged(f.Name(), "it has the SHA-256 %s, and the manifest says %s", got, file.SHA256)
	}
	all := make([]advisory.Statement, 0, file.Rows)
	in := json.NewDecoder(bufio.NewReader(io.NewSectionReader(f, 0, file.Size)))
	for range file.Rows {
		var s advisory.Statement
		if err := in.Decode(&s); err != nil {
			return nil, damaged(f.Name(), "statement %d: %v", len(all)+1, err)
		}
		all = append(all, s)
	}
	return all, nil
}

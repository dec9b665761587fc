// Package feedtest has what the tests of the feeds' readers share: reading a text
// into what it emits, and what must be true of a reader whatever it is given.
package feedtest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
	"assay/internal/testenv"
)

// Got is what a reader emitted.
type Got struct {
	Records    []advisory.Record
	Facts      []advisory.Fact
	Statements []advisory.Statement
	Skips      []advisory.Skip
	Editions   []advisory.Edition
}

// Why counts the skips by their reason.
func (g *Got) Why() map[string]int {
	why := map[string]int{}
	for _, s := range g.Skips {
		why[s.Why]++
	}
	return why
}

// Emit gathers.
func (g *Got) Emit() advisory.Emit {
	return advisory.Emit{
		Record:    func(r advisory.Record) error { g.Records = append(g.Records, r); return nil },
		Fact:      func(f advisory.Fact) error { g.Facts = append(g.Facts, f); return nil },
		Statement: func(s advisory.Statement) error { g.Statements = append(g.Statements, s); return nil },
		Skip:      func(s advisory.Skip) { g.Skips = append(g.Skips, s) },
		Edition:   func(e advisory.Edition) { g.Editions = append(g.Editions, e) },
	}
}

// Read reads a text that has to be right.
func Read(t testing.TB, read feed.Reader, text string) *Got {
	t.Helper()
	var got Got
	if err := read(context.Background(), strings.NewReader(text), got.Emit()); err != nil {
		t.Fatal(err)
	}
	return &got
}

// Fails reads a text that has to be refused, with an error that has every one of
// the words.
func Fails(t testing.TB, read feed.Reader, text string, words ...string) {
	t.Helper()
	var got Got
	err := read(context.Background(), strings.NewReader(text), got.Emit())
	if err == nil {
		t.Fatalf("no error; want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q: %v", w, err)
		}
	}
}

// Truncated checks that no beginning of a text is taken for all of it. end is how
// many bytes at the end may be missing (a line's end).
func Truncated(t *testing.T, read feed.Reader, text string, end int) {
	t.Helper()
	for i := range len(text) - end {
		if err := read(context.Background(), strings.NewReader(text[:i]), advisory.Emit{}); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for all", i, len(text))
		}
	}
}

// Fuzz checks that a reader ends, without panicking, and emits nothing that has no
// name; whatever it reads.
func Fuzz(f *testing.F, read feed.Reader, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		emit := advisory.Emit{
			Record: func(r advisory.Record) error {
				if r.ID == "" {
					t.Error("a record has no id")
				}
				for _, a := range r.Affected {
					check(t, a)
				}
				return nil
			},
			Fact: func(x advisory.Fact) error {
				if x.ID == "" {
					t.Error("a fact has no id")
				}
				return nil
			},
			Statement: func(s advisory.Statement) error {
				if s.Vulnerability == "" || s.Product == "" || s.Status == "" || s.Time.IsZero() {
					t.Errorf("half a statement: %+v", s)
				}
				return nil
			},
		}
		_ = read(t.Context(), bytes.NewReader(data), emit)
	})
}

func check(t *testing.T, a advisory.Affected) {
	if a.Ecosystem == "" || a.Package == "" || a.Status == "" || len(a.Ranges)+len(a.Versions) == 0 {
		t.Errorf("half a row: %+v", a)
	}
	for _, r := range a.Ranges {
		if r.Fixed != "" && r.LastAffected != "" {
			t.Errorf("a range has two ends: %+v", r)
		}
	}
}

// Shared is a file of the data beside the project, decompressed.
func Shared(t testing.TB, name string) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(testenv.NeedEnv(t, "ASSAY_SHARED"), "data/advisories", name))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	text, err := dec.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package spool_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"assay/internal/agent/spool"
)

func renumber(t tb, st *spool.Stage) {
	t.Helper()
	if err := st.Renumber(copied); err != nil {
		t.Fatal(err)
	}
}

func copied(to *spool.Segment, from io.Reader) error {
	_, err := io.Copy(to, from)
	return err
}

// While a sensor is staged, parts of another enter the spool; the folder is opened again
// as it is at each step.
func TestRenumber(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	check := func(when string, want map[int64]string) {
		t.Helper()
		again := t.TempDir()
		if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		equal(t, when, want, waiting(t, open(t, again, spool.Options{}), "r"))
		equal(t, when, want, waiting(t, s, "r"))
	}
	begin(t, s, "r")
	slow := stage(t, s, "r", "slow", "one", "two", "three")
	part := stage(t, s, "r", "watch", "seen")
	if err := part.CommitPart(1); err != nil {
		t.Fatal(err)
	}
	check("a part has overtaken", map[int64]string{1: "seen"})
	err := slow.Renumber(func(to *spool.Segment, from io.Reader) error {
		check("while it is renumbered", map[int64]string{1: "seen"})
		return copied(to, from)
	})
	if err != nil {
		t.Fatal(err)
	}
	check("when it is renumbered", map[int64]string{1: "seen"})
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	check("at the end", map[int64]string{1: "seen", 2: "one", 3: "two", 4: "three"})
	if _, bytes, _ := s.Usage(); bytes != int64(len("seenonetwothree")) {
		t.Errorf("%d bytes are counted", bytes)
	}
}

// What was not renumbered would have numbers that others have.
func TestCommitOfTakenNumbers(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	begin(t, s, "r")
	slow := stage(t, s, "r", "slow", "one")
	commit(t, s, "r", "a", "seen")
	if err := slow.Commit(); err == nil {
		t.Error("a number was given twice")
	}
	equal(t, "what waits", map[int64]string{1: "seen"}, waiting(t, s, "r"))
}

// A spool that is full has room for what is in it, under whatever number; what fails is
// removed, and nothing of it counts.
func TestRenumberWithoutRoom(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{Limit: 100})
	begin(t, s, "r")
	slow := stage(t, s, "r", "slow", strings.Repeat("x", 48), strings.Repeat("y", 48))
	commit(t, s, "r", "a", "seen")
	renumber(t, slow)
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ack("r", 3); err != nil {
		t.Fatal(err)
	}
	broken := stage(t, s, "r", "broken", "x", "y")
	commit(t, s, "r", "b", "seen")
	odd := errors.New("odd")
	if err := broken.Renumber(func(*spool.Segment, io.Reader) error { return odd }); !errors.Is(err, odd) {
		t.Errorf("%v", err)
	}
	if err := broken.Abort(); err != nil {
		t.Fatal(err)
	}
	if n, bytes, _ := s.Usage(); n != 1 || bytes != 4 {
		t.Errorf("%d segments with %d bytes are left", n, bytes)
	}
}

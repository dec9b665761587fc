package spool_test

import (
	"errors"
	"syscall"
	"testing"

	"assay/internal/agent/spool"
	"assay/internal/testenv"
)

// TestFullDisk fills a small file system.
func TestFullDisk(t *testing.T) {
	testenv.NeedRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		testenv.Missing(t, "the right to mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, dir, spool.Options{})
	begin(t, s, "r")
	commit(t, s, "r", "a", "kept")
	st, err := s.Stage("r", "b")
	if err != nil {
		t.Fatal(err)
	}
	g, err := st.Create(false)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = g.Write(make([]byte, 10_000))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk is %v", err)
	}
	if err := s.Begin(spool.Run{ID: "another"}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a run on a full disk: %v", err)
	}
	if err := errors.Join(g.Discard(), st.Abort()); err != nil {
		t.Fatal(err)
	}
	equal(t, "what was there", map[int64]string{1: "kept"}, waiting(t, open(t, dir, spool.Options{}), "r"))
}

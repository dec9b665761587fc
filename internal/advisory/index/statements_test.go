package index

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
)

var stated = []advisory.Statement{
	{Vulnerability: "CVE-2024-0002", Aliases: []string{"GHSA-x"}, Product: "pkg:deb/debian/curl", Status: advisory.StatedNotAffected, Justification: "vulnerable_code_not_present", Time: built, Source: "s", Author: "a"},
	{Vulnerability: "CVE-2024-0001", Product: "pkg:oci/app", Component: "pkg:deb/debian/curl", Status: advisory.StatedAffected, Action: "update", Impact: "bad\nworse", Time: built.Add(time.Nanosecond)},
}

func buildStated(t *testing.T, dir string, all ...advisory.Statement) Manifest {
	t.Helper()
	b, err := New(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, s := range all {
		if err := b.Statement(s); err != nil {
			t.Fatal(err)
		}
	}
	m, err := b.Finish(context.Background(), built, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestStatements: they come out as and in the order they went in; they are part of
// the set's hash; a set in use keeps those it was opened with.
func TestStatements(t *testing.T) {
	dir := t.TempDir()
	with := buildStated(t, dir, stated...)
	old := openSetIn(t, dir)
	without := buildStated(t, dir)
	if with.Hash() == without.Hash() {
		t.Error("a set with statements has the hash of one without")
	}
	for range 2 {
		if got, err := old.Statements(); err != nil || !cmp.Equal(stated, got) {
			t.Errorf("%v\n%s", err, cmp.Diff(stated, got))
		}
	}
	if got, err := openSetIn(t, dir).Statements(); err != nil || got != nil {
		t.Errorf("a set without statements has %v, %v", got, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, statementsStem+"*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	b, err := New(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Statement(advisory.Statement{}); err == nil {
		t.Error("took a statement about nothing")
	}
}

func TestDamagedStatements(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, buildStated(t, dir, stated...).Statements.File)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		bad := bytes.Clone(whole)
		bad[at] ^= 1
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Statements(); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if err := s.Verify(); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d changed, verified: %v", at, err)
		}
		s.Close()
	}
	if err := os.WriteFile(name, whole[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut: %v", err)
	}
}

func TestCovering(t *testing.T) {
	m := Manifest{Sources: []Source{
		{Name: "debian", Ecosystems: []string{"Debian:11", "Debian:12"}},
		{Name: "redhat", Unfixed: true, Ecosystems: []string{"Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:9::appstream"}},
		{Name: "kev"},
	}}
	for ecosystem, want := range map[string]string{
		"Debian:12": "debian", "Debian:1": "", "Debian": "debian", "Red Hat:enterprise_linux:9": "redhat", "Red Hat:enterprise_linux": "redhat",
		"Red Hat:enterprise_linux:9::appstream": "redhat", "Red Hat:enterprise_linux:9::baseos": "", "PyPI": "",
	} {
		got := ""
		for _, s := range m.Covering(ecosystem) {
			got += s.Name
		}
		if got != want {
			t.Errorf("%s is covered by %q, want %q", ecosystem, got, want)
		}
	}
	dir := t.TempDir()
	build(t, dir, 0, examples(5), nil)
	s := openSetIn(t, dir)
	if diff := cmp.Diff([]string{"Debian:11", "Debian:12"}, s.Ecosystems("Debian")); diff != "" {
		t.Error(diff)
	}
	if got := s.Ecosystems("Debian:1"); got != nil {
		t.Error(got)
	}
}

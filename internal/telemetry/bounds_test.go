package telemetry

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestBounds writes records that no host has: a reader refuses them.
func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		rec    Record
		refuse bool
	}{
		"a link":                           {&File{Path: "/a", Target: strings.Repeat("a", maxTarget)}, false},
		"a long link":                      {&File{Path: "/a", Target: strings.Repeat("a", maxTarget+1)}, true},
		"a long path":                      {&File{Path: strings.Repeat("a", maxPath+1)}, true},
		"a long text path":                 {&Text{Path: strings.Repeat("a", maxPath+1)}, true},
		"a long ACL":                       {&File{Path: "/a", ACL: make([]ACL, maxACL+1)}, true},
		"a long default":                   {&File{Path: "/a", Default: make([]ACL, maxACL+1)}, true},
		"a library":                        {&Library{Name: "a", Path: strings.Repeat("a", maxPath), Inside: "b.jar"}, false},
		"a long library":                   {&Library{Name: strings.Repeat("a", maxTarget+1), Path: "/a"}, true},
		"a package":                        {&Package{Name: "a", Vendor: strings.Repeat("a", maxText)}, false},
		"a long package":                   {&Package{Name: "a", Modularity: strings.Repeat("a", maxText+1)}, true},
		"a container":                      {&Container{ID: "a", OSName: strings.Repeat("a", maxText)}, false},
		"a long container":                 {&Container{ID: "a", Image: strings.Repeat("a", maxText+1)}, true},
		"a deep library":                   {&Library{Name: "a", Path: "/a", Inside: strings.Repeat("a", maxTarget+1)}, true},
		"a program":                        {&Program{Path: "/a", Above: make([]string, maxAbove)}, false},
		"a deep program":                   {&Program{Path: "/a", Above: make([]string, maxAbove+1)}, true},
		"a connection":                     {&Connection{Path: "/a", Name: "a", Remote: "2001:db8::1"}, false},
		"a long remote":                    {&Connection{Remote: strings.Repeat("a", maxRemote+1)}, true},
		"a long name":                      {&Execution{Name: strings.Repeat("a", maxName+1)}, true},
		"a long loader":                    {&Load{By: strings.Repeat("a", maxPath+1)}, true},
		"a long loaded":                    {&Load{Path: strings.Repeat("a", maxPath+1)}, true},
		"a load":                           {&Load{Path: "/a", By: "/b", Name: "b"}, false},
		"a process":                        {&Process{PID: 1, Name: "a", Objects: make([]int, maxObjects), Container: strings.Repeat("a", maxText)}, false},
		"many objects":                     {&Process{Objects: make([]int, maxObjects+1)}, true},
		"a long process":                   {&Process{Exe: strings.Repeat("a", maxPath+1)}, true},
		"a long comm":                      {&Process{Name: strings.Repeat("a", maxName+1)}, true},
		"a long container of a process":    {&Process{Container: strings.Repeat("a", maxText+1)}, true},
		"a long problem":                   {&Process{Problem: strings.Repeat("a", maxPath+1)}, true},
		"a long object":                    {&Object{Path: strings.Repeat("a", maxPath+1)}, true},
		"a long owner":                     {&Socket{Owners: []Owner{{Exe: strings.Repeat("a", maxPath+1)}}}, true},
		"a long state":                     {&Socket{State: strings.Repeat("a", maxWord+1)}, true},
		"a long folder":                    {&Program{Path: "/a", Above: []string{strings.Repeat("a", maxPath+1)}}, true},
		"a long kind":                      {&Program{Path: "/a", ELF: &ELF{Kind: strings.Repeat("a", maxWord+1)}}, true},
		"a long package of a program":      {&Program{Path: "/a", Package: strings.Repeat("a", maxText+1)}, true},
		"a long package of an execution":   {&Execution{Package: strings.Repeat("a", maxText+1)}, true},
		"a long container of a connection": {&Connection{Container: strings.Repeat("a", maxText+1)}, true},
		"a long container of a load":       {&Load{Container: strings.Repeat("a", maxText+1)}, true},
		"a protocol":                       {&Spoken{Protocol: "http", Remote: "2001:db8::1"}, false},
		"a long protocol":                  {&Spoken{Protocol: strings.Repeat("a", maxWord+1)}, true},
		"a long server":                    {&Spoken{Remote: strings.Repeat("a", maxWord+1)}, true},
		"a long tier":                      {&Observation{Tier: strings.Repeat("a", maxWord+1)}, true},
		"long excuses":                     {&Observation{Unsupported: strings.Repeat("a", maxText+1)}, true},
		"a long reason":                    {&Coverage{Reason: strings.Repeat("a", maxReason+1)}, true},
		"a long part":                      {&Coverage{Parts: []Part{{Name: strings.Repeat("a", maxWord+1)}}}, true},
		"many owners":                      {&Socket{Owners: make([]Owner, maxOwners+1)}, true},
		"many parts":                       {&Coverage{Parts: make([]Part, maxParts+1)}, true},
		"many patterns":                    {&Coverage{Scope: slices.Repeat([]string{"/a"}, maxScope+1)}, true},
		"a long pattern":                   {&Coverage{Scope: []string{strings.Repeat("*", maxPattern+1)}}, true},
		"long patterns":                    {&Coverage{Scope: slices.Repeat([]string{strings.Repeat("*", maxPattern)}, 129)}, true},
		"a scope":                          {&Coverage{Scope: slices.Repeat([]string{"/etc/**"}, 1000)}, false},
	} {
		var data bytes.Buffer
		w, err := NewWriter(&data, Header{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write("x", c.rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(&data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); (err != nil) != c.refuse {
			t.Errorf("%s: error %v", name, err)
		}
		r.Close()
	}
}

// TestMatchLongNames would not end if names and patterns took the product of
// their lengths.
func TestMatchLongNames(t *testing.T) {
	name := "/" + strings.Repeat("a", 4<<20)
	for pattern, want := range map[string]bool{
		"/*" + strings.Repeat("a", 1<<20):                    true,
		"/*" + strings.Repeat("a", 1<<20) + "b":              false,
		"/*" + strings.Repeat("a", 1<<20) + "b*":             false,
		"/*" + strings.Repeat("a", 1<<20) + "*b":             false,
		"/" + strings.Repeat("*aaaaaaaaaaaaaaa", 1000):       true,
		"/" + strings.Repeat("*aaaaaaaaaaaaaaa", 1000) + "b": false,
	} {
		if got := Match(pattern, name); got != want {
			t.Errorf("Match(%.20q..., a long name) = %v", pattern, got)
		}
	}
}

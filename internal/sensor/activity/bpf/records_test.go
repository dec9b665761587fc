//go:build linux

package bpf

import (
	"testing"

	"assay/internal/sensor/activity/seen"
)

// The kernel's bytes become records whatever they are: names without an end,
// addresses of neither family, numbers without bounds.
func FuzzRecords(f *testing.F) {
	f.Add(make([]byte, 96))
	f.Add([]byte("\x01\x02\x03 a name without its end ------------------------------------------------------------------------"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(data, make([]byte, flowKey+executionValue)...)
		k, v := data[:flowKey], data[flowKey:flowKey+executionValue]
		if e := parseExecution(k[:executionKey], v); len(e.Name) > 16 || len(e.Path) > pathBytes-2 || e.Path != "" && e.Path[0] != '/' {
			t.Errorf("%+v", e)
		}
		if l := parseLoad(k[:loadKey], v[:loadValue]); len(l.Name) > 16 {
			t.Errorf("%+v", l)
		}
		if s := parseSight(v[:sightSize]); s.Inode != 0 && (s.Kind < seen.SawExecution || s.Kind > seen.SawLoad || s.Kind == seen.SawListener) {
			t.Errorf("%+v", s)
		}
		if r := parseFlow(k, v[:flowValue]); !r.Remote.IsValid() || len(r.Name) > 16 {
			t.Errorf("%+v", r)
		}
		if l := parseListener(k[:listenerKey], v[:listenerValue]); l.Family != 4 && l.Family != 6 {
			t.Errorf("%+v", l)
		}
	})
}

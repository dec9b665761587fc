//go:build linux

package bpf

import "testing"

// The kernel's bytes become records whatever they are: names without an end,
// addresses of neither family, numbers without bounds.
func FuzzRecords(f *testing.F) {
	f.Add(make([]byte, 96))
	f.Add([]byte("\x01\x02\x03 a name without its end ------------------------------------------------------------------------"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(data, make([]byte, flowKey+listenerValue)...)
		k, v := data[:flowKey], data[flowKey:flowKey+listenerValue]
		if e := parseExecution(k[:executionKey], v[:executionValue]); len(e.Name) > 16 {
			t.Errorf("%+v", e)
		}
		if r := parseFlow(k, v[:flowValue]); !r.Remote.IsValid() || len(r.Name) > 16 {
			t.Errorf("%+v", r)
		}
		if l := parseListener(k[:listenerKey], v); l.Family != 4 && l.Family != 6 {
			t.Errorf("%+v", l)
		}
	})
}

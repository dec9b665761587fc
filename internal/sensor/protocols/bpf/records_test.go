//go:build linux

package bpf_test

import (
	"testing"

	"assay/internal/sensor/protocols/bpf"
	"assay/internal/sensor/protocols/firstbytes"
)

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, bpf.KeySize), make([]byte, bpf.ValueSize))
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if len(k) < bpf.KeySize || len(v) < bpf.ValueSize {
			return
		}
		s := bpf.Parse(k, v)
		if s.Family != 4 && s.Family != 6 || s.Remote.IsValid() != (s.Role == firstbytes.Client) {
			t.Errorf("%+v", s)
		}
	})
}

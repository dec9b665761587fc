//go:build linux

package bpf_test

import (
	"testing"
	"errors"
	"github.com/cilium/ebpf"

	"assay/internal/sensor/protocols/bpf"
)

func TestQuick(t *testing.T) {
	p, err := bpf.Load("/sys/fs/cgroup/unified")
	if err != nil {
		var v *ebpf.VerifierError
		if errors.As(err, &v) {
			t.Logf("%+v", v)
		}
		t.Fatal(err)
	}
	defer p.Close()
	t.Log(p.Canary())
	t.Log(p.Totals())
}

package telemetry_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
)

func TestRenumber(t *testing.T) {
	long := &telemetry.KernelParameter{Name: "long", Value: strings.Repeat("x", 1<<20)}
	segment := written(t, &telemetry.KernelParameter{Name: "a"}, long, &telemetry.Coverage{State: telemetry.Complete, Records: 2})
	var moved bytes.Buffer
	if err := telemetry.Renumber(&moved, bytes.NewReader(segment), 12); err != nil {
		t.Fatal(err)
	}
	before, wasHeader := readAll(t, segment)
	after, header := readAll(t, moved.Bytes())
	if header.Sequence != 12 {
		t.Errorf("%+v", header)
	}
	wasHeader.Sequence = 12
	if d := cmp.Diff(wasHeader, header) + cmp.Diff(before, after); d != "" {
		t.Error(d)
	}
	for _, n := range []int{0, 1, len(segment) / 2, len(segment) - 1} {
		if telemetry.Renumber(io.Discard, bytes.NewReader(segment[:n]), 12) == nil {
			t.Errorf("%d of %d bytes are taken for a segment", n, len(segment))
		}
	}
}

func written(t *testing.T, records ...telemetry.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, telemetry.Header{Run: "r", Sequence: 3, OneSensor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write("test", r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(t *testing.T, segment []byte) (all []telemetry.Record, h telemetry.Header) {
	t.Helper()
	r, err := telemetry.NewReader(bytes.NewReader(segment), telemetry.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all, r.Header()
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
}

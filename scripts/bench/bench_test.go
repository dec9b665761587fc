//go:build linux

package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, not %v", c.values, got, c.want)
		}
	}
}

func TestQuartiles(t *testing.T) {
	for _, c := range []struct{ values, want []float64 }{
		{[]float64{3}, []float64{3, 3, 3}}, {[]float64{4, 1, 3, 2}, []float64{1.5, 2.5, 3.5}}, {[]float64{5, 4, 3, 2, 1}, []float64{1.5, 3, 4.5}},
	} {
		low, middle, high := quartiles(c.values)
		if got := []float64{low, middle, high}; !slices.Equal(got, c.want) {
			t.Errorf("the quartiles of %v are %v, not %v", c.values, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	var table table
	table.below("memory", 26, "MiB", 25)
	table.above("rate", 15000, "/s", 15000)
	table.beside("both", 1, 4, "ms", "peer")
	var out strings.Builder
	table.print(&out)
	for _, want := range []string{"at most 25 MiB: MISSED", "at least 15000 /s: met", "peer: 4.00 ms, ratio 0.250"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestProcessorTime(t *testing.T) {
	// The clock of a process by its number is the one it has for itself.
	cpu, err := spent(os.Getpid(), func() error {
		own, err := spent(0, func() error {
			for begin := time.Now(); time.Since(begin) < 20*time.Millisecond; {
			}
			return nil
		})
		if own == 0 {
			t.Error("a loop took no processor time")
		}
		return err
	})
	if err != nil || cpu == 0 {
		t.Errorf("%v, %v", cpu, err)
	}
}

func TestMissingContentIsToldBeforeAnythingIsMeasured(t *testing.T) {
	missing := missingPeers(filepath.Join(t.TempDir(), "none"))
	if len(missing) == 0 || !strings.Contains(missing[len(missing)-1].Error(), "ASSAY_SHARED") {
		t.Errorf("missing: %v", missing)
	}
}

func TestTailoring(t *testing.T) {
	var read struct {
		Profiles []struct {
			Selects []struct {
				Rule     string `xml:"idref,attr"`
				Selected bool   `xml:"selected,attr"`
			} `xml:"select"`
		} `xml:"Profile"`
	}
	if err := xml.Unmarshal(tailor(), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Profiles) != 2 {
		t.Fatalf("%d profiles", len(read.Profiles))
	}
	for i, p := range read.Profiles {
		if len(p.Selects) != len(alike) || p.Selects[0].Selected != (i == 0) {
			t.Errorf("profile %d: %+v", i, p)
		}
	}
	results := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(results, []byte("<result>pass</result>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := judged(results); err == nil {
		t.Errorf("one result of %d is taken for all: %d", len(alike), n)
	}
}

func TestDifferences(t *testing.T) {
	if err := differences("a peer", "things", []string{"a", "b"}, []string{"b", "a"}); err != nil {
		t.Error(err)
	}
	err := differences("a peer", "things", []string{"a", "b"}, []string{"b", "c"})
	if err == nil || err.Error() != "things: a is not found by a peer; c is found by a peer only" {
		t.Error(err)
	}
}

//go:build linux

package seen

import (
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	tally := NewTally(2)
	one, two, three := Program{File{1, 2, 0}, 3}, Program{File{1, 2, 0}, 4}, Program{File{1, 3, 0}, 3}
	for i, step := range []struct {
		Execution
		first bool
	}{
		{Execution{Program: one, PID: 7, Path: "/one"}, true},
		{Execution{Program: one, PID: 8, Root: true, Path: "/other"}, false},
		{Execution{Program: two, PID: 9}, true},
		{Execution{Program: three, PID: 10}, false},
		{Execution{Program: one, PID: 11}, false},
	} {
		if first := tally.Add(step.Execution, time.Duration(i+1)); first != step.first {
			t.Errorf("%d: %t", i, first)
		}
	}
	got := map[Program]Execution{}
	for e, err := range tally.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		got[e.Program] = e
	}
	want := Execution{Program: one, Counts: Counts{3, 1, 5}, PID: 11, Root: true, Path: "/one"}
	if len(got) != 2 || got[one] != want || got[two].N != 1 {
		t.Errorf("%+v", got)
	}
	if n := tally.Totals(); n.Executions != 5 || n.ExecutionsFull != 1 || !n.Lost() {
		t.Errorf("%+v", n)
	}
	for range tally.Executions() {
		break
	}
}

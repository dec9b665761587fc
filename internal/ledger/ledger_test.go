package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return noon.AddDate(0, 0, n) }

// plainEval is an evaluation on a day, of the rules "r0" and "r1".
func plainEval(n int, found ...Found) Evaluation {
	return Evaluation{Run: fmt.Sprintf("run-%d", n), At: day(n), Made: day(n), Found: found, Checked: []string{"r0", "r1"}}
}

// naive is what the life of a finding is, told from all evaluations at once.
func naive(all []Evaluation, id string) (life Life, ok bool) {
	all = slices.SortedFunc(slices.Values(all), func(a, b Evaluation) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if c := a.Made.Compare(b.Made); c != 0 {
			return c
		}
		return strings.Compare(a.Run, b.Run)
	})
	in := func(e Evaluation) int {
		return slices.IndexFunc(e.Found, func(f Found) bool { return f.ID == id })
	}
	last := -1
	var rule string
	for i, e := range all {
		if at := in(e); at >= 0 {
			if life.First.Run == "" {
				life.First = Sighting{e.Run, e.At}
			}
			life.Last, last, rule = Sighting{e.Run, e.At}, i, e.Found[at].Rule
		}
	}
	if last < 0 {
		return Life{}, false
	}
	for _, e := range all[last+1:] {
		if life.Gone.Run == "" && slices.Contains(e.Checked, rule) && e.Made.After(all[last].Made) {
			life.Gone = Sighting{e.Run, e.At}
		}
	}
	switch {
	case life.Gone.Run != "":
		life.State = Gone
	case last < len(all)-1:
		life.State = Unchecked
	case all[last].Found[in(all[last])].Suppressed:
		life.State = Suppressed
	default:
		life.State = Open
	}
	return life, true
}

// drawEval draws an evaluation: of the telemetry of a day, partial or not.
func drawEval(t *rapid.T, n, day0 int) Evaluation {
	e := Evaluation{Run: fmt.Sprintf("run-%d", n), At: day(day0), Made: day(max(day0, rapid.SampledFrom([]int{day0, day0, day0 + 7}).Draw(t, "made"))), Checked: []string{"other"}}
	for _, rule := range []string{"r0", "r1"} {
		if rapid.IntRange(0, 3).Draw(t, "checked") > 0 {
			e.Checked = append(e.Checked, rule)
		}
	}
	for i := range 6 {
		if rapid.Bool().Draw(t, "found") {
			e.Found = append(e.Found, Found{ID: fmt.Sprintf("0-%d", i), Rule: fmt.Sprintf("r%d", i%2), Suppressed: rapid.IntRange(0, 3).Draw(t, "suppressed") == 0})
		}
	}
	return e
}

// agree compares a ledger, also as it is read back, with the model.
func agree(t *rapid.T, l *Ledger, all []Evaluation) {
	for i := range 6 {
		id := fmt.Sprintf("0-%d", i)
		got, known := l.Of(id)
		want, ok := naive(all, id)
		if diff := cmp.Diff(want, got); diff != "" || known != ok {
			t.Fatalf("the life of %s (known: %v, want %v; -want +got):\n%s", id, known, ok, diff)
		}
	}
}

func reread(t *rapid.T, l *Ledger) *Ledger {
	back, err := Decode(l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// Within the window evaluations may come in any order, twice, and again with other
// results.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, all := &Ledger{}, map[string]Evaluation{}
		var listed []Evaluation
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			n := rapid.IntRange(0, Window-1).Draw(t, "run")
			e, again := all[fmt.Sprintf("run-%d", n)], rapid.Bool().Draw(t, "again")
			if e.Run == "" || !again {
				e = drawEval(t, n, rapid.IntRange(0, 9).Draw(t, "day"))
			}
			all[e.Run] = e
			l.Add(e)
			l = reread(t, l)
		}
		for _, e := range all {
			listed = append(listed, e)
		}
		agree(t, l, listed)
	})
}

// In order there may be any number of them, and the last ones again.
func TestManyInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &Ledger{}
		var all []Evaluation
		for n := range rapid.IntRange(1, 3*Window).Draw(t, "evaluations") {
			e := drawEval(t, n, n)
			e.Made = e.At
			if n > 0 && rapid.IntRange(0, 4).Draw(t, "late") == 0 { // the one before comes after it
				l.Add(e)
				l.Add(all[n-1])
			}
			l.Add(e)
			all = append(all, e)
			l = reread(t, l)
		}
		agree(t, l, all)
	})
}

// An evaluation that comes when later ones are summed up moves the ends only, and
// comes again without effect.
func TestTooLate(t *testing.T) {
	l := &Ledger{}
	for n := range 2 * Window {
		if n < 5 {
			l.Add(plainEval(n+10, Found{ID: "a", Rule: "r0"}))
		} else {
			l.Add(plainEval(n + 10))
		}
	}
	for range 2 {
		l.Add(plainEval(1, Found{ID: "a", Rule: "r0"}, Found{ID: "b", Rule: "r1"}))
		a, _ := l.Of("a")
		if want := (Life{Gone, Sighting{"run-1", day(1)}, Sighting{"run-14", day(14)}, Sighting{"run-15", day(15)}}); a != want {
			t.Errorf("the life is %+v, want %+v", a, want)
		}
		if b, _ := l.Of("b"); b.State != Gone || b.First.Run != "run-1" || b.Last.Run != "run-1" {
			t.Errorf("a finding of a time that is summed up: %+v", b)
		}
	}
}

func TestForgets(t *testing.T) {
	l := &Ledger{}
	l.Add(plainEval(0, Found{ID: "a", Rule: "r0"}, Found{ID: "b", Rule: "r0"}))
	l.Add(plainEval(1, Found{ID: "b", Rule: "r0"}))
	l.Add(plainEval(366, Found{ID: "b", Rule: "r0"})) // a year after day 1, to the second
	if a, ok := l.Of("a"); !ok || a.State != Gone {
		t.Errorf("after a year the ledger says %+v, %v", a, ok)
	}
	l.Add(plainEval(367, Found{ID: "b", Rule: "r0"}))
	if _, ok := l.Of("a"); ok {
		t.Error("what is gone for more than a year is kept")
	}
	if b, ok := l.Of("b"); !ok || b.First.Run != "run-0" || b.State != Open {
		t.Errorf("what is there is %+v, %v", b, ok)
	}
}

func TestBound(t *testing.T) {
	l := &Ledger{}
	many := func(from, n int) (all []Found) {
		for i := range n {
			all = append(all, Found{ID: fmt.Sprintf("0-%08d", from+i), Rule: "r0"})
		}
		return all
	}
	l.Add(plainEval(0, many(0, 10)...))
	l.Add(plainEval(1, many(20, MaxEntries)...))
	if _, kept := l.Of("0-00000003"); l.Len() != MaxEntries || kept {
		t.Errorf("of %d findings, 10 of them gone, %d are kept; one that is gone is: %v", MaxEntries+10, l.Len(), kept)
	}
	if _, kept := l.Of("0-00000020"); !kept {
		t.Error("one that is there was dropped")
	}
	l.Add(plainEval(2, many(20+MaxEntries, MaxEntries+5)...))
	if l.Len() != MaxEntries {
		t.Errorf("%d findings are kept", l.Len())
	}
	if back, err := Decode(l.Encode()); err != nil || back.Len() != MaxEntries {
		t.Errorf("a full ledger cannot be read back: %v", err)
	}
}

// A newer evaluation of older telemetry, which knows more, is not refuted by one of
// newer telemetry that knew less.
func TestRematch(t *testing.T) {
	l := &Ledger{}
	l.Add(plainEval(1))
	l.Add(plainEval(3))
	rematch := plainEval(1, Found{ID: "a", Rule: "r0"})
	rematch.Run, rematch.Made = "rematch", day(5)
	l.Add(rematch)
	if a, _ := l.Of("a"); a.State != Unchecked || a.First.Run != "rematch" {
		t.Errorf("it is %+v", a)
	}
	l.Add(plainEval(6))
	if a, _ := l.Of("a"); a.State != Gone || a.Gone.Run != "run-6" {
		t.Errorf("it is %+v", a)
	}
}

func TestSize(t *testing.T) {
	l := &Ledger{}
	for n := range 40 {
		var found []Found
		for i := range 100 {
			found = append(found, Found{ID: fmt.Sprintf("0-%08d", i*7919), Rule: "r0"})
		}
		l.Add(plainEval(n, found...))
	}
	if n := len(l.Encode()); n > 100*22+500 {
		t.Errorf("a ledger of 100 findings has %d bytes", n)
	}
}

func FuzzDecode(f *testing.F) {
	l := &Ledger{}
	f.Add([]byte{})
	for n := range 20 {
		l.Add(plainEval(n, Found{ID: "a", Rule: "r0", Suppressed: n%2 == 0}, Found{ID: fmt.Sprint("b", n), Rule: "r1"}))
		f.Add(l.Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Decode(data)
		if err != nil {
			return
		}
		l.Of("a")
		l.Add(plainEval(5, Found{ID: "a", Rule: "r0"}))
		again, err := Decode(l.Encode())
		if err != nil {
			t.Fatalf("what was decoded and changed cannot be read back: %v", err)
		}
		if got, ok := again.Of("a"); !ok || got.First.Run == "" {
			t.Fatalf("a finding that was added is %+v", got)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var found []Found
			for i := range n {
				found = append(found, Found{ID: fmt.Sprintf("0-%08d", i*7919%100_000_000), Rule: "r0"})
			}
			l := &Ledger{}
			for i := range 20 {
				l.Add(plainEval(i, found...))
			}
			data := l.Encode()
			for b.Loop() {
				l, err := Decode(data)
				if err != nil {
					b.Fatal(err)
				}
				l.Add(plainEval(30, found...))
				l.Encode()
			}
		})
	}
}

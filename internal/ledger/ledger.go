// Package ledger keeps the life of findings: when a host had a finding first and
// last, and since when it is gone. A ledger is of one rules package on one host; it
// is told of every evaluation, in whatever order and however often, and is a compact
// blob that the store keeps (Encode, Decode).
//
// Absence is told only from an evaluation that looked: one in which the finding's
// rule was evaluated completely, and which knew at least what the one knew that had
// seen the finding. The newest evaluations (Window) are kept with who was seen in
// each, so that one that comes late, or again and different, has its exact place;
// older ones are summed up.
package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Bounds of a ledger.
const (
	Window     = 16                   // evaluations that are kept one by one
	MaxEntries = 50_000               // findings; those gone longest are dropped, then those not seen for longest
	Forget     = 365 * 24 * time.Hour // after which a finding that is gone is dropped
)

// Evaluation is what an evaluation of a rules package on a host found.
type Evaluation struct {
	Run     string
	At      time.Time // when the host was as the telemetry shows it
	Made    time.Time // when the run was created: what was known then was looked for
	Found   []Found
	Checked []string // ids of the rules that were evaluated completely
}

// Found is a finding, or one that is suppressed.
type Found struct {
	ID, Rule   string
	Suppressed bool
}

// Sighting is an evaluation as the life of a finding tells of it.
type Sighting struct {
	Run string
	At  time.Time // see Evaluation; zero: there is none
}

// State is what the newest evaluation says about a finding.
type State string

// The states.
const (
	Open       State = "open"
	Suppressed State = "suppressed"
	Gone       State = "gone"
	Unchecked  State = "not checked" // it was not seen, but nothing says that it is gone
)

// Life is what is known of a finding.
type Life struct {
	State       State
	First, Last Sighting
	Gone        Sighting // the first evaluation since Last that would have seen it
}

// Ledger is a ledger in memory. The zero Ledger is empty. It is not safe for
// concurrent use.
type Ledger struct {
	rules   []uint64 // hashes of ids
	evals   []eval   // in order, at most Window
	entries []entry  // by id
}

// run is an evaluation that was summed up. Times are microseconds since 1970.
type run struct {
	id       string
	at, made int64
}

// eval is an evaluation in the window; checked has a bit for each of the rules.
type eval struct {
	run
	checked []byte
}

// entry is a finding: what came before the window, and in which evaluations of the
// window it was seen, and seen suppressed. Bit i is of evals[i].
type entry struct {
	id           string
	rule         int
	before       life
	seen, hidden uint32
}

// life is Life under construction. A run without id is none.
type life struct {
	first, last, gone run
	hidden            bool // when it was seen last
}

// compare is the order of evaluations: by how the host was, then by what was known.
func (r run) compare(o run) int {
	return cmp.Or(cmp.Compare(r.at, o.at), cmp.Compare(r.made, o.made), strings.Compare(r.id, o.id))
}

// add adds what an evaluation says. Where they are added in order the result is
// exact; one that comes after others of which nothing is kept moves the ends.
func (l *life) add(r run, seen, hidden, checked bool) {
	switch {
	case seen:
		if l.first.id == "" || r.compare(l.first) < 0 {
			l.first = r
		}
		if l.last.id == "" || r.compare(l.last) >= 0 {
			l.last, l.hidden = r, hidden
			if l.gone.id != "" && l.gone.compare(r) <= 0 {
				l.gone = run{}
			}
		}
	case checked && l.last.id != "" && r.compare(l.last) > 0 && r.made > l.last.made:
		if l.gone.id == "" || r.compare(l.gone) < 0 {
			l.gone = r
		}
	}
}

// Len is how many findings the ledger knows.
func (l *Ledger) Len() int { return len(l.entries) }

// Of returns the life of a finding; ok tells whether the ledger knows it.
func (l *Ledger) Of(id string) (life Life, ok bool) {
	i, ok := slices.BinarySearchFunc(l.entries, id, func(e entry, id string) int { return strings.Compare(e.id, id) })
	if !ok {
		return Life{}, false
	}
	return l.tell(l.lifeOf(l.entries[i])), true
}

func (l *Ledger) lifeOf(e entry) life {
	all := e.before
	for i, one := range l.evals {
		all.add(one.run, e.seen>>i&1 != 0, e.hidden>>i&1 != 0, one.has(e.rule))
	}
	return all
}

func (l *Ledger) tell(of life) Life {
	told := Life{State: Unchecked, First: of.first.sighting(), Last: of.last.sighting(), Gone: of.gone.sighting()}
	switch {
	case of.gone.id != "":
		told.State = Gone
	case of.last.id != l.evals[len(l.evals)-1].id:
	case of.hidden:
		told.State = Suppressed
	default:
		told.State = Open
	}
	return told
}

func (r run) sighting() Sighting {
	if r.id == "" {
		return Sighting{}
	}
	return Sighting{r.id, time.UnixMicro(r.at).UTC()}
}

func (e eval) has(rule int) bool {
	return rule/8 < len(e.checked) && e.checked[rule/8]>>(rule%8)&1 != 0
}

// Add adds an evaluation, in place of what was said of the same run before.
func (l *Ledger) Add(e Evaluation) {
	at := run{id: e.Run, at: e.At.UnixMicro(), made: e.Made.UnixMicro()}
	l.remove(e.Run)
	place, _ := slices.BinarySearchFunc(l.evals, at, func(e eval, r run) int { return e.compare(r) })
	index := l.number(e)
	checked := make([]byte, (len(l.rules)+7)/8)
	for _, rule := range e.Checked {
		i := index[rule]
		checked[i/8] |= 1 << (i % 8)
	}
	l.evals = slices.Insert(l.evals, place, eval{at, checked})
	for i := range l.entries {
		x := &l.entries[i]
		x.seen, x.hidden = spread(x.seen, place), spread(x.hidden, place)
	}
	l.see(e.Found, index, 1<<place)
	for len(l.evals) > Window {
		l.sumUp()
	}
	l.drop()
}

// spread makes room for bit n.
func spread(set uint32, n int) uint32 {
	low := uint32(1)<<n - 1
	return set&low | set&^low<<1
}

// closed removes bit n.
func closed(set uint32, n int) uint32 {
	low := uint32(1)<<n - 1
	return set&low | set>>1&^low
}

// remove forgets what a run said while that is kept, and who was seen in it alone.
func (l *Ledger) remove(id string) {
	n := slices.IndexFunc(l.evals, func(e eval) bool { return e.id == id })
	if n < 0 {
		return
	}
	l.evals = slices.Delete(l.evals, n, n+1)
	for i := range l.entries {
		x := &l.entries[i]
		x.seen, x.hidden = closed(x.seen, n), closed(x.hidden, n)
	}
	l.entries = slices.DeleteFunc(l.entries, func(x entry) bool { return x.seen == 0 && x.before.last.id == "" })
}

// number gives the rules of an evaluation numbers, by their ids.
func (l *Ledger) number(e Evaluation) map[string]int {
	known, numbers := make(map[uint64]int, len(l.rules)), make(map[string]int, len(e.Checked))
	for i, h := range l.rules {
		known[h] = i
	}
	add := func(rule string) {
		if _, done := numbers[rule]; done {
			return
		}
		h := hash(rule)
		n, ok := known[h]
		if !ok {
			n, known[h] = len(l.rules), len(l.rules)
			l.rules = append(l.rules, h)
		}
		numbers[rule] = n
	}
	for _, rule := range e.Checked {
		add(rule)
	}
	for _, f := range e.Found {
		add(f.Rule)
	}
	return numbers
}

// hash stands for a rule's id.
func hash(rule string) uint64 {
	sum := sha256.Sum256([]byte(rule))
	return binary.LittleEndian.Uint64(sum[:])
}

// see marks the findings of an evaluation, and adds those that are new.
func (l *Ledger) see(found []Found, index map[string]int, bit uint32) {
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b Found) int { return strings.Compare(a.ID, b.ID) })
	merged := make([]entry, 0, max(len(l.entries), len(found)))
	old := l.entries
	for _, f := range found {
		for len(old) > 0 && old[0].id < f.ID {
			merged, old = append(merged, old[0]), old[1:]
		}
		if n := len(merged); n > 0 && merged[n-1].id == f.ID {
			continue // twice in the same evaluation
		}
		x := entry{id: f.ID}
		if len(old) > 0 && old[0].id == f.ID {
			x, old = old[0], old[1:]
		}
		x.rule = index[f.Rule]
		x.seen |= bit
		if f.Suppressed {
			x.hidden |= bit
		}
		merged = append(merged, x)
	}
	l.entries = append(merged, old...)
}

// sumUp takes the oldest evaluation out of the window.
func (l *Ledger) sumUp() {
	oldest := l.evals[0]
	l.evals = l.evals[1:]
	for i := range l.entries {
		x := &l.entries[i]
		x.before.add(oldest.run, x.seen&1 != 0, x.hidden&1 != 0, oldest.has(x.rule))
		x.seen, x.hidden = x.seen>>1, x.hidden>>1
	}
}

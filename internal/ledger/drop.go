package ledger

import (
	"cmp"
	"slices"
	"strings"
)

// drop drops what is gone for long, and what is too much.
func (l *Ledger) drop() {
	newest := len(l.evals) - 1
	l.entries = slices.DeleteFunc(l.entries, func(x entry) bool {
		if x.seen>>newest&1 != 0 {
			return false // as is so of most, whose life need not be told
		}
		of := l.lifeOf(x)
		return of.gone.id != "" && l.evals[newest].at-of.gone.at > Forget.Microseconds()
	})
	if len(l.entries) <= MaxEntries {
		return
	}
	type lived struct {
		entry
		life
	}
	all := make([]lived, len(l.entries))
	for i, x := range l.entries {
		all[i] = lived{x, l.lifeOf(x)}
	}
	slices.SortFunc(all, func(a, b lived) int {
		return cmp.Or(cmp.Compare(rank(b.life), rank(a.life)), b.gone.compare(a.gone), b.last.compare(a.last), strings.Compare(a.entry.id, b.entry.id))
	})
	l.entries = l.entries[:0]
	for _, x := range all[:MaxEntries] {
		l.entries = append(l.entries, x.entry)
	}
	slices.SortFunc(l.entries, func(a, b entry) int { return strings.Compare(a.id, b.id) })
}

// rank is higher for what is kept first.
func rank(l life) int {
	if l.gone.id != "" {
		return 0
	}
	return 1
}

package pam

import (
	"slices"
	"strconv"
	"strings"
)

// list are the handlers that have accepted the token.
func (t token) list() []int {
	var at []int
	for word := range strings.SplitSeq(strings.TrimSuffix(t.checked, ","), ",") {
		if i, err := strconv.Atoi(word); err == nil {
			at = append(at, i)
		}
	}
	return at
}

// with is the token after one more handler has accepted it.
func (t token) with(handler int) token {
	at := t.list()
	if !slices.Contains(at, handler) {
		at = append(at, handler)
		slices.Sort(at)
	}
	var b strings.Builder
	for _, i := range at {
		b.WriteString(strconv.Itoa(i) + ",")
	}
	return token{set: true, checked: b.String(), stored: t.stored}
}

// store notes that the handler at that place has stored the token.
func (w *walker) store(at int, t token) {
	key := t.checked + "@" + strconv.Itoa(at)
	if _, ok := w.ways[key]; ok {
		return
	}
	way := Way{Service: w.stack.Service, Store: w.stack.Handlers[at]}
	checked := t.list()
	var demands []Demand
	for _, i := range checked {
		m := w.modules[i]
		if m.check.Demand == nil {
			continue
		}
		demands = append(demands, m.check.Demand)
		way.Checks = append(way.Checks, m.check)
	}
	for i := range at {
		m := w.modules[i]
		if m.check.Demand != nil && m.what == quality && !slices.Contains(checked, i) {
			way.Bypassed = append(way.Bypassed, w.stack.Handlers[i])
		}
		if m.what == unknown {
			way.Unknown = append(way.Unknown, w.stack.Handlers[i])
		}
	}
	way.Shortest, way.Demanded = shortest(demands), demanded(demands)
	w.ways[key] = way
}

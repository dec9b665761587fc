//go:build race

package assess

// raced tells that the race detector watches, which makes everything some ten times
// slower: tests of amounts, whose goroutines are few, take smaller ones then. They
// run without it, too.
const raced = true

package host

// Presence is the kind of an answer.
type Presence int

// NotCollected is the zero value: nobody looked, or nobody was let.
const (
	NotCollected Presence = iota
	Absent
	Present
)

// Answer is the answer to a look-up.
type Answer[T any] struct {
	Value    T // meaningful only if Presence is Present
	Presence Presence
	Reason   string // why it was not collected
}

// OK tells whether there is a value.
func (a Answer[T]) OK() bool { return a.Presence == Present }

// All is the answer to a question for every record of a kind. What is in Values
// is there; whether that is all there is, Complete says.
type All[T any] struct {
	Values   []T
	Complete bool
	Reason   string // why it is not complete
}

func present[T any](v T) Answer[T] { return Answer[T]{Value: v, Presence: Present} }

func absent[T any]() Answer[T] { return Answer[T]{Presence: Absent} }

func notCollected[T any](reason string) Answer[T] { return Answer[T]{Reason: reason} }

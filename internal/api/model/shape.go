package model

import "regexp"

// Kind is the JSON form of a shape.
type Kind string

// The kinds.
const (
	StringKind    Kind = "string"
	IntegerKind   Kind = "integer"
	NumberKind    Kind = "double"
	BoolKind      Kind = "boolean"
	TimestampKind Kind = "timestamp" // a number: seconds since 1970, with fraction
	ListKind      Kind = "list"
	MapKind       Kind = "map" // with strings as keys
	StructKind    Kind = "structure"
)

// Shape is a type of the model with its constraints. Shapes are never changed.
type Shape struct {
	Name     string
	Kind     Kind
	Min, Max *int64         // of a number its value, of a string its characters, of a list or map its entries; nil: no limit
	Pattern  *regexp.Regexp // of the whole string; nil: any
	Enum     []string       // nil: any
	Elem     *Shape         // of a list or map
	Members  []Member       // of a structure, in the order of the Go type's fields
}

// Member is a member of a structure.
type Member struct {
	Name     string
	Shape    *Shape
	Required bool
}

// Operation is an operation of the API.
type Operation struct {
	Name   string
	Input  *Shape   // nil: takes nothing
	Output *Shape   // nil: the answer has no body
	Errors []string // the exceptions that it may answer with
}

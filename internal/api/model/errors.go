package model

import (
	"fmt"
	"strings"
)

// SerializationError says that the input is not JSON, or JSON of another type
// than the model has there: AWS's SerializationException.
type SerializationError struct{ Message string }

func (e *SerializationError) Error() string { return e.Message }

// Constraint is what a value can fail to satisfy.
type Constraint string

// The constraints.
const (
	NotNull   Constraint = "null"
	MinValue  Constraint = "minimum value"
	MaxValue  Constraint = "maximum value"
	MinLength Constraint = "minimum length" // of strings, lists and maps
	MaxLength Constraint = "maximum length"
	Pattern   Constraint = "pattern"
	Enum      Constraint = "enum"
)

// Violation is a value that is of the right type but not within the model's
// constraints.
type Violation struct {
	Path       string // "resourceGroupTags.2.member.key": positions count from 1
	Member     string // the same without positions: "resourceGroupTags.key"
	Shape      *Shape
	Constraint Constraint
	Message    string // as AWS words it
}

// ValidationError lists the violations in the input; there is at least one, and
// only the first few are kept.
type ValidationError struct{ Violations []Violation }

const maxViolations = 10

func (e *ValidationError) Error() string {
	messages := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		messages[i] = v.Message
	}
	plural := "s"
	if len(messages) == 1 {
		plural = ""
	}
	return fmt.Sprintf("%d validation error%s detected: %s", len(messages), plural, strings.Join(messages, "; "))
}

// describe words a violation as AWS does. Values are shortened.
func describe(path string, shape *Shape, constraint Constraint, value string) string {
	limit := map[Constraint]string{
		NotNull:   "Member must not be null",
		MinValue:  "Member must have value greater than or equal to " + limitText(shape.Min),
		MaxValue:  "Member must have value less than or equal to " + limitText(shape.Max),
		MinLength: "Member must have length greater than or equal to " + limitText(shape.Min),
		MaxLength: "Member must have length less than or equal to " + limitText(shape.Max),
		Enum:      "Member must satisfy enum value set: [" + strings.Join(shape.Enum, ", ") + "]",
	}[constraint]
	if constraint == Pattern {
		limit = "Member must satisfy regular expression pattern: " + shape.Pattern.String()
	}
	if constraint == NotNull {
		return fmt.Sprintf("Value null at '%s' failed to satisfy constraint: %s", path, limit)
	}
	return fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", shorten(value), path, limit)
}

func limitText(limit *int64) string {
	if limit == nil {
		return "any"
	}
	return fmt.Sprint(*limit)
}

func shorten(s string) string {
	const most = 100
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

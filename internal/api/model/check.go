package model

import (
	"slices"
	"unicode/utf8"
)

func (d *decoder) checkString(shape *Shape, text string, at place) {
	d.length(shape, utf8.RuneCountInString(text), at, text)
	if shape.Pattern != nil && !shape.Pattern.MatchString(text) {
		d.violated(at, shape, Pattern, text)
	}
	if shape.Enum != nil && !slices.Contains(shape.Enum, text) {
		d.violated(at, shape, Enum, text)
	}
}

func (d *decoder) checkNumber(shape *Shape, n float64, text string, at place) {
	if shape.Min != nil && n < float64(*shape.Min) {
		d.violated(at, shape, MinValue, text)
	}
	if shape.Max != nil && n > float64(*shape.Max) {
		d.violated(at, shape, MaxValue, text)
	}
}

func (d *decoder) length(shape *Shape, n int, at place, text string) {
	if shape.Min != nil && int64(n) < *shape.Min {
		d.violated(at, shape, MinLength, text)
	}
	if shape.Max != nil && int64(n) > *shape.Max {
		d.violated(at, shape, MaxLength, text)
	}
}

func (d *decoder) violated(at place, shape *Shape, c Constraint, value string) {
	if len(d.violations) < maxViolations {
		d.violations = append(d.violations, Violation{at.path, at.member, shape, c, describe(at.path, shape, c, value)})
	}
}

package api

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"assay/internal/api/model"
)

// conforms checks decoded JSON against a shape: types, constraints, members that
// are missing, and members that there are not.
func conforms(shape *model.Shape, v any, at string) error {
	switch value := v.(type) {
	case map[string]any:
		if shape.Kind == model.MapKind {
			for k, elem := range value {
				if err := conforms(shape.Elem, elem, at+"."+k); err != nil {
					return err
				}
			}
			return bounded(shape, float64(len(value)), at)
		}
		return structure(shape, value, at)
	case []any:
		if shape.Kind != model.ListKind {
			return fmt.Errorf("%s is a list, not a %s", at, shape.Kind)
		}
		for i, elem := range value {
			if err := conforms(shape.Elem, elem, fmt.Sprint(at, ".", i)); err != nil {
				return err
			}
		}
		return bounded(shape, float64(len(value)), at)
	case string:
		if shape.Kind != model.StringKind {
			return fmt.Errorf("%s is a string, not a %s", at, shape.Kind)
		}
		if shape.Enum != nil && !slices.Contains(shape.Enum, value) || shape.Pattern != nil && !shape.Pattern.MatchString(value) {
			return fmt.Errorf("%s is %q", at, value)
		}
		return bounded(shape, float64(utf8.RuneCountInString(value)), at)
	case bool:
		if shape.Kind != model.BoolKind {
			return fmt.Errorf("%s is a boolean, not a %s", at, shape.Kind)
		}
		return nil
	case float64:
		if !slices.Contains([]model.Kind{model.IntegerKind, model.NumberKind, model.TimestampKind}, shape.Kind) || shape.Kind == model.IntegerKind && value != math.Trunc(value) {
			return fmt.Errorf("%s is the number %v, not a %s", at, value, shape.Kind)
		}
		return bounded(shape, value, at)
	}
	return fmt.Errorf("%s is %v", at, v)
}

func structure(shape *model.Shape, value map[string]any, at string) error {
	if shape.Kind != model.StructKind {
		return fmt.Errorf("%s is an object, not a %s", at, shape.Kind)
	}
	known := 0
	for _, m := range shape.Members {
		member, ok := value[m.Name]
		if !ok && m.Required {
			return fmt.Errorf("%s.%s is missing", at, m.Name)
		}
		if ok {
			known++
			if err := conforms(m.Shape, member, at+"."+m.Name); err != nil {
				return err
			}
		}
	}
	if known != len(value) {
		return fmt.Errorf("%s has members that the model does not know", at)
	}
	return nil
}

func bounded(shape *model.Shape, n float64, at string) error {
	if shape.Min != nil && n < float64(*shape.Min) || shape.Max != nil && n > float64(*shape.Max) {
		return fmt.Errorf("%s is out of bounds: %v", at, n)
	}
	return nil
}

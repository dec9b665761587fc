package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shapes writes the table of shapes and that of operations.
func shapes(s *service) string {
	var out bytes.Buffer
	out.WriteString("import \"regexp\"\n\n// Operations are the operations of the API by name.\nvar Operations = map[string]Operation{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Operations)) {
		op := s.Operations[name]
		fmt.Fprintf(&out, "%q: {Name: %q, Input: %s, Output: %s, Errors: %s},\n", name, name, variable(op.Input), variable(op.Output), names(op.Errors))
	}
	out.WriteString("}\n\n// Shapes are all shapes by name.\nvar Shapes = map[string]*Shape{\n")
	all := slices.Sorted(maps.Keys(s.Shapes))
	for _, name := range all {
		fmt.Fprintf(&out, "%q: %s,\n", name, variable(&ref{name}))
	}
	out.WriteString("}\n\nvar (\n")
	for _, name := range all {
		fmt.Fprintf(&out, "%s = &Shape{Name: %q%s}\n", variable(&ref{name}), name, s.Shapes[name].fields())
	}
	out.WriteString(")\n")
	return out.String()
}

func variable(r *ref) string {
	if r == nil {
		return "nil"
	}
	return "shape" + r.Shape
}

func names(errors []ref) string {
	quoted := []string{}
	for _, e := range errors {
		quoted = append(quoted, fmt.Sprintf("%q", e.Shape))
	}
	return "[]string{" + strings.Join(quoted, ", ") + "}"
}

// fields writes the fields of a Shape but its name.
func (s shape) fields() string {
	var out strings.Builder
	kinds := map[string]string{
		"string": "StringKind", "integer": "IntegerKind", "long": "IntegerKind", "double": "NumberKind", "boolean": "BoolKind",
		"timestamp": "TimestampKind", "list": "ListKind", "map": "MapKind", "structure": "StructKind",
	}
	fmt.Fprintf(&out, ", Kind: %s", kinds[s.Type])
	if s.Min != nil {
		fmt.Fprintf(&out, ", Min: new(int64(%d))", int64(*s.Min))
	}
	if s.Max != nil {
		fmt.Fprintf(&out, ", Max: new(int64(%d))", int64(*s.Max))
	}
	if s.Pattern != "" {
		fmt.Fprintf(&out, ", Pattern: regexp.MustCompile(%q)", "^(?:"+s.Pattern+")$")
	}
	if s.Enum != nil {
		fmt.Fprintf(&out, ", Enum: %#v", s.Enum)
	}
	for _, elem := range []*ref{s.Member, s.Value} {
		if elem != nil {
			fmt.Fprintf(&out, ", Elem: %s", variable(elem))
		}
	}
	if len(s.Members) > 0 {
		out.WriteString(", Members: []Member{\n")
		for _, name := range slices.Sorted(maps.Keys(s.Members)) {
			fmt.Fprintf(&out, "{Name: %q, Shape: %s, Required: %v},\n", name, variable(&ref{s.Members[name].Shape}), slices.Contains(s.Required, name))
		}
		out.WriteString("}")
	}
	return out.String()
}

package model

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep objects and lists may be nested in a request, members that
// the model does not know included. The model's own inputs reach 5.
const maxDepth = 64

// Decode reads JSON of the given structure into a pointer to its Go type and
// checks it. Members that the model does not know are skipped; null counts as
// absent. The error is a *SerializationError, or a *ValidationError: then into
// has the values nevertheless.
func Decode(data []byte, shape *Shape, into any) error {
	d := decoder{in: jsontext.NewDecoder(bytes.NewReader(data))}
	if err := d.document(shape, reflect.ValueOf(into).Elem()); err != nil {
		return d.serialization(err)
	}
	if len(d.violations) > 0 {
		return &ValidationError{d.violations}
	}
	return nil
}

// decoder walks the JSON, the table of shapes and the Go value together.
type decoder struct {
	in         *jsontext.Decoder
	violations []Violation
}

// place is where in the input a value is.
type place struct{ path, member string }

func (p place) at(member string) place {
	if p.path == "" {
		return place{member, member}
	}
	return place{p.path + "." + member, p.member + "." + member}
}

func (p place) entry(key string) place { return place{p.path + "." + key + ".member", p.member} }

func (d *decoder) document(shape *Shape, v reflect.Value) error {
	if err := d.value(shape, v, place{}); err != nil {
		return err
	}
	switch _, err := d.in.ReadToken(); {
	case err == nil:
		return mismatch("Unexpected content after the end of the document")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// value reads one value, which is not null.
func (d *decoder) value(shape *Shape, v reflect.Value, at place) error {
	switch shape.Kind {
	case StructKind:
		return d.structure(shape, v, at)
	case ListKind:
		return d.list(shape, v, at)
	case MapKind:
		return d.dictionary(shape, v, at)
	default:
		return d.scalar(shape, v, at)
	}
}

func (d *decoder) structure(shape *Shape, v reflect.Value, at place) error {
	if err := d.open('{', shape); err != nil {
		return err
	}
	present := make([]bool, len(shape.Members))
	for d.in.PeekKind() != '}' {
		name, err := d.in.ReadToken()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(shape.Members, func(m Member) bool { return m.Name == name.String() })
		if i < 0 {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		if present[i], err = d.optional(shape.Members[i].Shape, v.Field(i), at.at(shape.Members[i].Name)); err != nil {
			return err
		}
	}
	for i, m := range shape.Members {
		if m.Required && !present[i] {
			d.violated(at.at(m.Name), m.Shape, NotNull, "")
		}
	}
	_, err := d.in.ReadToken()
	return err
}

// optional reads a member's value and tells whether there is one: null is none.
func (d *decoder) optional(shape *Shape, v reflect.Value, at place) (bool, error) {
	if d.in.PeekKind() == 'n' {
		_, err := d.in.ReadToken()
		return false, err
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	return true, d.value(shape, v, at)
}

func (d *decoder) list(shape *Shape, v reflect.Value, at place) error {
	if err := d.open('[', shape); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for d.in.PeekKind() != ']' {
		elem := reflect.New(v.Type().Elem()).Elem()
		entry := at.entry(strconv.Itoa(v.Len() + 1))
		present, err := d.optional(shape.Elem, elem, entry)
		if err != nil {
			return err
		}
		if !present {
			d.violated(entry, shape.Elem, NotNull, "")
		}
		v.Set(reflect.Append(v, elem))
	}
	d.length(shape, v.Len(), at, "list of "+strconv.Itoa(v.Len()))
	_, err := d.in.ReadToken()
	return err
}

func (d *decoder) dictionary(shape *Shape, v reflect.Value, at place) error {
	if err := d.open('{', shape); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for d.in.PeekKind() != '}' {
		token, err := d.in.ReadToken()
		if err != nil {
			return err
		}
		key := token.String()
		elem := reflect.New(v.Type().Elem()).Elem()
		present, err := d.optional(shape.Elem, elem, at.entry(key))
		if err != nil {
			return err
		}
		if present {
			v.SetMapIndex(reflect.ValueOf(key), elem)
		}
	}
	d.length(shape, v.Len(), at, "map of "+strconv.Itoa(v.Len()))
	_, err := d.in.ReadToken()
	return err
}

func (d *decoder) scalar(shape *Shape, v reflect.Value, at place) error {
	if k := d.in.PeekKind(); !kindFits(shape.Kind, k) {
		return d.unexpected(shape, k)
	}
	token, err := d.in.ReadToken()
	if err != nil {
		return err
	}
	text := token.String()
	switch shape.Kind {
	case StringKind:
		v.SetString(text)
		d.checkString(shape, text, at)
	case BoolKind:
		v.SetBool(token.Bool())
	case TimestampKind:
		t, err := timestamp(text)
		if err != nil {
			return mismatch("%v", err)
		}
		v.Set(reflect.ValueOf(t))
	case IntegerKind:
		n, err := integer(text)
		if err != nil {
			return err
		}
		v.SetInt(n)
		d.checkNumber(shape, float64(n), text, at)
	case NumberKind:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return mismatch("%.40q is not a number in range", text)
		}
		v.SetFloat(n)
		d.checkNumber(shape, n, text, at)
	}
	return nil
}

// integer reads a JSON number without a fraction, however it is written: 180,
// 180.0, 1.8e2.
func integer(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	const exact = 1 << 53
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) || f < -exact || f > exact {
		return 0, mismatch("%.40s can not be converted to an Integer", text)
	}
	return int64(f), nil
}

// skip passes over a value that the model does not know.
func (d *decoder) skip() error {
	depth := d.in.StackDepth()
	for {
		if _, err := d.in.ReadToken(); err != nil {
			return err
		}
		if d.in.StackDepth() > maxDepth {
			return mismatch("The document is nested too deeply")
		}
		if d.in.StackDepth() == depth {
			return nil
		}
	}
}

// open reads the start of an object or a list.
func (d *decoder) open(want jsontext.Kind, shape *Shape) error {
	if k := d.in.PeekKind(); k != want {
		return d.unexpected(shape, k)
	}
	_, err := d.in.ReadToken()
	return err
}

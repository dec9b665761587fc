package dump

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"assay/internal/api/model"
)

// normal makes of an object what the API itself writes: aws-cli has more than one
// way of printing times (numbers; ISO 8601 in its second version), and members
// that the model does not have are left out, and named. Nothing else is changed or
// checked.
func normal(object []byte, shape *model.Shape) (out json.RawMessage, unknown []string, err error) {
	if len(object) > MaxObject {
		return nil, nil, fmt.Errorf("it has %d bytes, more than the %d that an object may have", len(object), MaxObject)
	}
	in := json.NewDecoder(bytes.NewReader(object))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return nil, nil, err
	}
	n := normaliser{unknown: map[string]bool{}}
	if v, err = n.value(shape, v, "", 0); err != nil {
		return nil, nil, err
	}
	for name := range n.unknown {
		unknown = append(unknown, name)
	}
	slices.Sort(unknown)
	out, err = json.Marshal(v)
	return out, unknown, err
}

type normaliser struct{ unknown map[string]bool }

// maxDepth is more than the model has.
const maxDepth = 16

func (n normaliser) value(shape *model.Shape, v any, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	var err error
	switch in := v.(type) {
	case map[string]any:
		err = n.object(shape, in, path, depth)
	case []any:
		for i := range in {
			if shape.Kind == model.ListKind && err == nil {
				in[i], err = n.value(shape.Elem, in[i], path, depth+1)
			}
		}
	case string:
		if shape.Kind == model.TimestampKind {
			return seconds(in, path)
		}
	}
	return v, err
}

func (n normaliser) object(shape *model.Shape, in map[string]any, path string, depth int) (err error) {
	for name, inner := range in {
		elem := shape.Elem
		if shape.Kind == model.StructKind {
			i := slices.IndexFunc(shape.Members, func(m model.Member) bool { return m.Name == name })
			if i < 0 {
				delete(in, name)
				n.unknown[fmt.Sprintf("%s%.60s", path, name)] = true
				continue
			}
			elem = shape.Members[i].Shape
		}
		if elem == nil {
			continue // an object where the model has none: for the decoder to refuse
		}
		if in[name], err = n.value(elem, inner, path+name+".", depth+1); err != nil {
			return err
		}
	}
	return nil
}

var numeric = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]{1,9})?$`)

// seconds reads a time that is a text: a number in quotes, as in AWS's published
// examples, or ISO 8601.
func seconds(text, path string) (json.Number, error) {
	if numeric.MatchString(text) {
		return json.Number(text), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", fmt.Errorf("%s %.40q is not a time", path, text)
	}
	return json.Number(strconv.FormatFloat(float64(t.Round(time.Millisecond).UnixMilli())/1000, 'f', -1, 64)), nil
}

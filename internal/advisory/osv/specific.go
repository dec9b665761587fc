package osv

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// anything reads an object into v, and passes over any other value.
func anything(dec *jsontext.Decoder, v any) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, v)
}

// word is a string, or empty where there is something else.
type word string

func (w *word) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '"' {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, (*string)(w))
}

// binaries are the names of binary packages. Ubuntu writes a list of objects with
// binary_name and binary_version; before 2024 each was an object from name to
// version.
type binaries []string

func (b *binaries) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var list []map[string]jsontext.Value
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, each := range list {
		var name string
		if named, ok := each["binary_name"]; ok {
			if json.Unmarshal(named, &name) == nil {
				*b = append(*b, name)
			}
			continue
		}
		for name := range each {
			*b = append(*b, name)
		}
	}
	slices.Sort(*b)
	*b = slices.Compact(*b)
	return nil
}

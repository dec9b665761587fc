package model

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// unexpected is the error for a value of another kind than the model's, or for
// what is no JSON at all.
func (d *decoder) unexpected(shape *Shape, got jsontext.Kind) error {
	if got == 0 {
		_, err := d.in.ReadToken()
		if err == nil || errors.Is(err, io.EOF) {
			return mismatch("Unexpected end of the document")
		}
		return err
	}
	switch got {
	case '{':
		return mismatch("Start of structure or map found where not expected.")
	case '[':
		return mismatch("Start of list found where not expected")
	}
	values := map[jsontext.Kind]string{'"': "STRING_VALUE", '0': "NUMBER_VALUE", 't': "TRUE_VALUE", 'f': "FALSE_VALUE", 'n': "NULL_VALUE"}
	wanted := map[Kind]string{
		StringKind: "a String", IntegerKind: "an Integer", NumberKind: "a Double", BoolKind: "a Boolean",
		TimestampKind: "a Timestamp", ListKind: "a List", MapKind: "a Map", StructKind: "a Structure",
	}
	return mismatch("%s can not be converted to %s", values[got], wanted[shape.Kind])
}

func kindFits(want Kind, got jsontext.Kind) bool {
	switch want {
	case StringKind:
		return got == '"'
	case BoolKind:
		return got == 't' || got == 'f'
	default:
		return got == '0'
	}
}

func mismatch(format string, args ...any) error {
	return &SerializationError{fmt.Sprintf(format, args...)}
}

// serialization makes every error of reading one for the client.
func (d *decoder) serialization(err error) error {
	var known *SerializationError
	if errors.As(err, &known) {
		return known
	}
	return &SerializationError{fmt.Sprintf("The document is not valid JSON near byte %d", d.in.InputOffset())}
}

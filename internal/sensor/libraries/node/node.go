// Package node reads the package.json of an installed npm package.
package node

import (
	"bufio"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

var errFormat = errors.New("it is not the JSON object that a package.json is")

// Read returns a package's name and version, "" for what it does not have: a
// package.json may do no more than say how the files beside it are loaded.
func Read(r io.Reader) (name, version string, err error) {
	buffered := bufio.NewReader(r)
	if mark, _ := buffered.Peek(3); string(mark) == "\xef\xbb\xbf" {
		buffered.Discard(3) // npm takes a byte order mark as well
	}
	d := jsontext.NewDecoder(buffered, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", "", errFormat
	}
	for name == "" || version == "" {
		key, err := d.ReadToken()
		if err != nil {
			return "", "", errFormat
		}
		if key.Kind() == '}' {
			break
		}
		switch member := key.String(); {
		case d.PeekKind() != '"' || member != "name" && member != "version":
			err = d.SkipValue()
		case member == "name":
			name, err = text(d)
		default:
			version, err = text(d)
		}
		if err != nil {
			return "", "", errFormat
		}
	}
	return name, version, nil
}

func text(d *jsontext.Decoder) (string, error) {
	t, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

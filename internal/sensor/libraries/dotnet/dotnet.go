// Package dotnet reads the list of what a .NET program runs with, NAME.deps.json
// (https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md):
// its "libraries" are named "Name/Version". Those of the type "package" came from
// NuGet, and those of the type "runtimepack" too: they are the parts of .NET itself
// that a program brings along.
package dotnet

import (
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/telemetry"
)

const ecosystem = "NuGet"

var errFormat = errors.New("it is not the list that .NET makes")

// Read adds the packages.
func Read(r io.Reader, add func(telemetry.Library) error) error {
	d := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	found := false
	err := members(d, func(name string) error {
		if name != "libraries" {
			return d.SkipValue()
		}
		found = true
		return members(d, func(name string) error { return library(d, name, add) })
	})
	var added addError
	switch {
	case errors.As(err, &added):
		return added.error
	case err != nil || !found:
		return errFormat
	}
	return nil
}

// addError is an error of add, on its way through the parser.
type addError struct{ error }

func library(d *jsontext.Decoder, key string, add func(telemetry.Library) error) error {
	var l struct {
		Type string `json:"type"`
	}
	if err := json.UnmarshalDecode(d, &l); err != nil {
		return err
	}
	name, version, ok := strings.Cut(strings.TrimPrefix(key, "runtimepack."), "/")
	if l.Type != "package" && l.Type != "runtimepack" || !ok {
		return nil
	}
	if err := add(telemetry.Library{Ecosystem: ecosystem, Name: name, Version: version}); err != nil {
		return addError{err}
	}
	return nil
}

// members calls each with the name of each member of an object, whose value it
// must read.
func members(d *jsontext.Decoder, each func(name string) error) error {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errFormat
	}
	for {
		key, err := d.ReadToken()
		if err != nil {
			return err
		}
		if key.Kind() == '}' {
			return nil
		}
		if err := each(key.String()); err != nil {
			return err
		}
	}
}

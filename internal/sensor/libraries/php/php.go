// Package php reads the list that Composer keeps of what it has installed,
// vendor/composer/installed.json: {"packages": [...]} of version 2, and the bare
// list of version 1.
package php

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"assay/internal/telemetry"
)

const ecosystem = "Packagist"

var errFormat = errors.New("it is not the list that Composer makes")

// Read adds the packages.
func Read(r io.Reader, add func(telemetry.Library) error) error {
	d := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	switch d.PeekKind() {
	case '[':
		return packages(d, add)
	case '{':
		return object(d, add)
	}
	return errFormat
}

func object(d *jsontext.Decoder, add func(telemetry.Library) error) error {
	found := false
	if _, err := d.ReadToken(); err != nil {
		return errFormat
	}
	for {
		key, err := d.ReadToken()
		if err != nil {
			return errFormat
		}
		if key.Kind() == '}' {
			break
		}
		if key.String() != "packages" {
			if d.SkipValue() != nil {
				return errFormat
			}
			continue
		}
		found = true
		if err := packages(d, add); err != nil {
			return err
		}
	}
	if !found {
		return errFormat
	}
	return nil
}

func packages(d *jsontext.Decoder, add func(telemetry.Library) error) error {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return errFormat
	}
	for d.PeekKind() != ']' {
		var p struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		}
		if json.UnmarshalDecode(d, &p) != nil {
			return errFormat
		}
		if err := add(telemetry.Library{Ecosystem: ecosystem, Name: p.Name, Version: p.Version}); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return errFormat
	}
	return nil
}

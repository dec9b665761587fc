// Package model is the shape of the Inspector API, version 2016-02-16: a Go type
// for every structure, and a table of all shapes with their constraints, both
// generated from AWS's own model (service-2.json; its origin is in NOTICE).
//
// Decode is the one way in for requests: it turns JSON into those types, and
// answers what AWS answers to input of the wrong form. It knows nothing of what
// the operations do.
package model

//go:generate go run ./gen

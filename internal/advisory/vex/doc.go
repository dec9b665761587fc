// Package vex reads OpenVEX documents
// (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md, 0.2.0 and what came before) and
// lays statements over matches. Statements of CSAF documents come from package csaf
// in the same form.
//
// Oddities that are read: before 0.2.0 a vulnerability was a string, products were
// strings and subcomponents too; the context was "https://openvex.dev/ns"; a version
// may be a string. Timestamps of a statement are its own, or the document's. A product
// is known by its @id, if that is a package URL or CPE, or by its identifiers.
//
// A statement that nothing follows from is not used, and told to emit.Skip: without a
// product that can be told, and "not_affected" with neither a justification nor an
// impact statement, which the specification forbids: nothing is to be hidden
// without a reason on record.
package vex

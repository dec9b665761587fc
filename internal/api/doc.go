// Package api is the door for the clients of Amazon Inspector: the API of version
// 2016-02-16 (JSON 1.1, Signature Version 4) and, because Terraform and others
// ask it first, GetCallerIdentity of AWS STS (query protocol), both on one
// http.Handler.
//
// A request passes the same stations whatever it asks for: the body is read up
// to a bound, the signature verified (package access), the operation looked up,
// the caller authorised for it, the input decoded and checked against AWS's own
// model (package model). Only then a handler sees it, one short method an
// operation: writes are commands of package assess, reads are queries of package
// store, and in between are ARNs, pages and the wire's types.
//
// An operation that has a shape but no behaviour yet is answered like one that
// does not exist.
package api

// Package gateway is the agents' door: HTTP/1.1 over TLS 1.3, as package wire
// describes it. It knows who calls (the client certificate, never the body),
// bounds what a caller can cost (bytes, time, connections, uploads at once,
// failed enrolments), translates documents, and leaves every decision to package
// assess.
package gateway

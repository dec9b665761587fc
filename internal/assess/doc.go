// Package assess has the use cases: what happens when a target is made, a run
// started, advanced and stopped, when an agent beats, uploads and completes,
// when a host is evaluated, and when telemetry has rested long enough. It is the
// only package that joins the database, the objects, the keys, the queue and the
// rules.
//
// Everything in it may be cut off at any point and happen again: state is in the
// database, what follows from a change of state is queued in the same
// transaction, and objects are written before the row that refers to them and
// deleted after it. An object without a row is found by the retain job.
//
// A run is moved on by decide, a pure function of its situation. It is asked
// whenever something happened to a run, in the transaction that writes it down,
// and by the advance job whenever time may have changed the answer.
package assess

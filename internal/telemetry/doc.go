// Package telemetry is what an agent tells about its host: the records that
// sensors emit, and the one file format in which records travel and rest.
//
// # The format, version 1
//
// A snapshot is zstd-compressed JSON Lines (RFC 8259 values, one a line, UTF-8,
// no duplicate members). The first line is a [Header], the last a [Trailer]
// that counts what is between. Between them stand records, each an object whose
// first member is "type" and whose second is "sensor". For every sensor that was
// asked there is exactly one [Coverage] record, the last one of that sensor: it
// says how far the others may be trusted to be all there is. A stream without its
// trailer is truncated and refused.
//
// The same format is used for upload segments (one sensor's records, or a part
// of them, with run and sequence in the header) and for the files that
// assay-agent collect writes (every sensor, no run).
//
// The package knows neither who collects nor who evaluates: it imports nothing
// of ours.
package telemetry

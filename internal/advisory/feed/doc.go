// Package feed has what the readers of feeds have in common: streams whose sizes
// are bounded, JSON taken apart one record at a time, archives of files, and
// the few words (severities, CVE ids, dates) that every publisher writes in its own
// way.
//
// Feeds come from elsewhere. A reader therefore holds one record at a time, never
// more than its bound of one, never follows nesting beyond the bound of the
// decoder, and ends with an error that says where. Keys that come twice in one
// JSON object are an error, since readers would differ on which of them counts.
// Bytes that are no UTF-8 are taken, as U+FFFD: they occur in descriptions.
package feed

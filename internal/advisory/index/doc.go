// Package index keeps advisories so that those about a package are found at once,
// without reading the rest: one immutable file for every release of an ecosystem,
// one for the facts of vulnerabilities, and a manifest that says which files make
// up a set and where they come from. A Builder makes a set from a stream of records
// in bounded memory; Open opens one; a Current has the set that evaluations use,
// and replaces it while they run.
//
// # Files
//
// A folder has manifest.json and the files that it names. A file's name has its
// content's hash in it, so a file never changes, and a new manifest, which replaces
// the old one by a rename, is all of the switch from a set to the next.
//
// Statements of suppliers (VEX), if there are any, are in a file of JSON lines
// (advisory.Statement as encoding/json writes it), named and replaced likewise.
//
// # Format of a file, version 2
//
// Numbers are little-endian and unsigned, of 32 bits unless said otherwise. A text
// is an offset into the section of strings, where its length (uvarint) and its
// bytes are; 0 is the empty text. A list is two numbers: the first entry in the
// section of lists, and how many.
//
// The header has 224 bytes:
//
//	0    "ASSAYIDX"
//	8    version of the format: 2
//	12   kind: 1 advisories, 2 facts
//	16   size of the file, 64 bits
//	24   eight sections, 24 bytes each: offset and length (64 bits), CRC-32C, 0
//	216  CRC-32C of the 216 bytes before
//	220  0
//
// The sections follow each other without gaps, up to the end of the file:
//
//	about       the ecosystem's name, as it is
//	slots       a hash table: 64 bits a slot, a power of two of them, at least twice
//	            as many as names. A name belongs into the slot that the low bits of
//	            its xxHash64 say, or the next free one. Low half: the name's number
//	            plus 1, or 0 for a free slot; high half: the hash's
//	names       sorted by bytes; 20 bytes: text, first row, how many rows, first
//	            bound in the section of lists, how many
//	rows        52 bytes: advisory; module, architecture, note, status, severity
//	            (texts); first range, how many; versions, binaries (lists); flags: 1
//	            a range has bounds that are no versions, 2 neither ranges nor versions
//	lists       texts
//	strings     lengths and bytes; the first byte is 0
//	ranges      20 bytes: introduced, end (texts), kind: 0 open, 1 up to a fix, 2 up
//	            to and with a last affected version, plus 256 if positions follow:
//	            from, until
//	advisories  sorted by id; 52 bytes: id, summary, severity (texts), CVEs, vectors,
//	            references (lists), and 64 bits each: published, modified (seconds
//	            since 1970)
//
// The bounds of a name are the versions at which its ranges begin and end, from old
// to new. A version's position is twice the number of bounds that are older, plus 1 if
// the next one is equal to it. Only where the scheme's order is total are there bounds.
//
// In a file of facts, names are vulnerabilities' ids, each with one row, and there
// are no ranges and advisories. A row has 64 bytes: summary, description, action
// (texts), vectors, references (lists), flags (1 exploited, 2 by ransomware), and 64
// bits each: EPSS, its rank (IEEE 754), added, due (seconds since 1970).
//
// # What is checked when
//
// When a file is opened: its size, header and the bounds of its sections, and that
// what the sections hold are whole entries. Before its first use: the sections'
// checksums, once (a gigabyte takes about 0.3 s of a core). When it is read: every
// offset, so that no content whatever leads out of the file. Set.Verify computes the
// files' SHA-256 and compares them with the manifest; do so once before a set that
// was just built or brought here is used. Statements are compared with their SHA-256
// when they are first read.
package index

// Package osv reads advisories in the OSV form (https://ossf.github.io/osv-schema/,
// 1.7), of every ecosystem: Debian, Ubuntu, AlmaLinux, Rocky Linux, SUSE, Alpine,
// Go, PyPI, npm and the others that OSV's buckets, or their publishers, have.
//
// A file is one record, an array of them, or any number one after the other, with
// or without line ends between (JSON lines). all.zip of a bucket is read by
// feed.Zip, each file of it by Read.
//
// What differs between publishers, and what is made of it:
//
//   - CVEs. A record is about the CVE that its id is or has in it (CVE-...,
//     UBUNTU-CVE-..., DEBIAN-CVE-..., ALPINE-CVE-...), about its aliases (GHSA, PYSEC,
//     GO, RUSTSEC), and about what is upstream of it (Debian, Ubuntu, SUSE, Red Hat, Rocky
//     since schema 1.6.7). AlmaLinux, and the others before upstream was there, have
//     the CVEs in related; that is taken for the distributions only, and only where
//     nothing better is there: elsewhere related vulnerabilities are other ones.
//   - Severity. GHSA has database_specific.severity; Ubuntu a severity of type
//     "Ubuntu", once ecosystem_specific.ubuntu_priority; Debian ecosystem_specific.urgency;
//     AlmaLinux, Rocky and Red Hat the first word of the summary ("Important: nodejs:18
//     security update"), AlmaLinux also the last ("... (Important)").
//   - Modularity. AlmaLinux and Rocky say a package's stream nowhere but in the
//     summary; packages of a module have ".module" in their release. A summary that
//     names two streams gives a row for each. One that names none (243 of AlmaLinux's
//     20,750 modular rows) leaves the stream untold.
//   - AlmaLinux lists a package several times with the builds for its minor releases;
//     each is a row. Some ids of its errata come in several records.
//   - Debian's urgency "unimportant" without a fix is advisory.NotUrgent, "end-of-life"
//     advisory.EndOfLife.
//   - Events come in any order and may make several intervals. They are put in the
//     order of the ecosystem's versions; where we have none, in the file's.
//   - A list of versions that the ranges of the same entry hold already is redundant
//     by the schema, and left out.
//
// Not used, and told to emit.Skip: GIT ranges, entries without a package (OSS-Fuzz,
// kernel commits), ranges that no event begins.
package osv

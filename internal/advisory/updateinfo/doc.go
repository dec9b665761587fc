// Package updateinfo reads updateinfo.xml, the list of errata in a repository of
// rpm packages (repodata/*-updateinfo.xml.gz, as repomd.xml names it). It is what Amazon Linux
// publishes (ALAS), and what other rpm families have in their repositories beside
// better sources; it knows only what is fixed.
//
// The form is that of createrepo_c and libdnf (there is no schema): updates/update
// {from, status, type, version} with id, title, severity, issued date, updated date,
// summary, description, references/reference {id, type, href, title} and
// pkglist/collection {short}/package {name, epoch, version, release, arch}. Oddities:
//
//   - A repository is of one release, and the file does not say which: Reader has to be
//     told. Amazon's ids say it ("ALAS2-2022-1857", "ALAS2023-2023-001"; those of Amazon
//     Linux 1, "ALAS-2018-939", were also used for 2), so it may be left out there.
//   - Amazon Linux 2's extras are repositories of their own ("amazon-linux-2---kernel-5.10"),
//     whose packages have the names of those in core, at other versions: a fixed version
//     there says nothing of the package in core. They are kept apart as modules
//     ("extras:kernel-5.10"), by the collection or by the id.
//   - A package is listed once an architecture. Where all have one version the row is
//     of every architecture.
//   - Dates are "2022-10-17 21:33", with or without seconds, RFC 3339, or seconds since
//     1970 (SUSE).
//   - Fedora and SUSE name CVEs in the titles of references to bug trackers.
//   - Modules (RHEL, Fedora, Rocky) are told by collection/module {name, stream}.
//   - Severities are Amazon's critical, important, medium, low, and Red Hat's with
//     Moderate; "None" and empty are in use.
//
// Updates without a CVE that are not of the type "security" are not used, and told to emit.Skip, as
// are source packages.
package updateinfo

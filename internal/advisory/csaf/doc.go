// Package csaf reads CSAF 2.0 documents
// (https://docs.oasis-open.org/csaf/csaf/v2.0/os/csaf-v2.0-os.html). Read takes those of
// the vendors of rpm distributions as advisories; Statements takes any document's
// product status as VEX.
//
// Red Hat (https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/)
// publishes a VEX file a CVE (category csaf_vex, id CVE-...) with everything that is
// known of it, and an advisory a fix (RHSA-...). SUSE publishes advisories (SUSE-SU-...,
// category csaf_security_advisory) and VEX files. One document is one file; they come
// in tar archives (feed.Tar). What they have in common, and where they differ:
//
//   - What a status is about is the id of a relationship: a component (an rpm, by its
//     package URL) of a product (by its CPE). Red Hat's modular packages were a relationship
//     of a relationship (rpm of module of product), are marked "::nodejs:18" in ids now, and
//     have the module in the package URL (rpmmod=nodejs:18:VERSION:CONTEXT, or the type
//     rpmmod). All three are read.
//   - The release is named as OSV names it: Red Hat by the CPE ("Red
//     Hat:enterprise_linux:9::appstream", "Red Hat:rhel_eus:9.2::baseos"), SUSE by the product ("SUSE:Linux
//     Enterprise Server 15 SP5", "openSUSE:Leap 15.6").
//   - What has no fix has no version, and often only the source package (arch=src), which
//     then stands for whatever is built of it. Fixed packages are listed once an
//     architecture, with the source beside them, which is left out then.
//   - The epoch is a qualifier of the package URL, and "2:" in Red Hat's ids. SUSE's ids
//     have none.
//   - SUSE says recommended where Red Hat says fixed; first_fixed is the same.
//   - Why there is no fix is in the remediations: no_fix_planned with "Will not fix" or
//     "Out of support scope", none_available with "Affected" or "Fix deferred".
//   - The severity of a CVE in a product is the threat of category impact ("Moderate").
//   - The fix of a VEX file names its advisory by address (vendor_fix, ".../errata/RHSA-2024:1234"). Each
//     advisory is a record; what has none is in a record with the CVE's id.
//
// Not used, and told to emit.Skip: what is no rpm (container images above all), products of
// a platform that cannot be named, ids that the product tree does not have.
package csaf

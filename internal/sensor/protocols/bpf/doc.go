// Package bpf has the kernel recognise by what protocol TCP connections begin: small eBPF
// programs (c/protocols.bpf.c, GPL-2.0) at the root of the control groups, through which
// the packets of every socket go, and one that is told of each connection. Package
// firstbytes has the table that they compare with. They let everything pass and change nothing.
//
// Nothing is pinned: the programs and their maps are gone when the process is.
package bpf

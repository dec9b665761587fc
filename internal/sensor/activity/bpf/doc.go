// Package bpf has the kernel count what a host executes, where it connects to, and
// what its listeners accept: three small eBPF programs (c/activity.bpf.c, GPL-2.0) that
// aggregate in maps, so that what they cost and hold does not grow with activity. It
// loads them, reads the maps, and tells what they could not keep.
//
// Two builds of the programs are tried, the one for newer kernels first; which one
// runs is in Programs.Build. Nothing is pinned: the programs and their maps are gone
// when the process is.
package bpf

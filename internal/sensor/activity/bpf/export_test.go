//go:build linux

package bpf

// LoadBuild is Load for one build, with tables of so many entries.
func LoadBuild(build string, entries uint32) (*Programs, error) { return load(build, entries) }

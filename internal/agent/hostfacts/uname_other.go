//go:build !linux

package hostfacts

func uname() (kernel, machine string, ok bool) { return "", "", false }

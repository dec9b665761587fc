//go:build !linux

package collect

// lowPriority does nothing on this operating system.
func lowPriority() {}

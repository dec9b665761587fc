package hostfacts

import "golang.org/x/sys/unix"

func uname() (kernel, machine string, ok bool) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "", "", false
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]), true
}

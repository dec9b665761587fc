package system

import "golang.org/x/sys/unix"

type utsname struct{ node, release, version, machine string }

func uname() (utsname, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return utsname{}, err
	}
	return utsname{
		node:    unix.ByteSliceToString(u.Nodename[:]),
		release: unix.ByteSliceToString(u.Release[:]),
		version: unix.ByteSliceToString(u.Version[:]),
		machine: unix.ByteSliceToString(u.Machine[:]),
	}, nil
}

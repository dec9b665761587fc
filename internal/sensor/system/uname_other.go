//go:build !linux

package system

import "assay/internal/sensor/hostfs"

type utsname struct{ node, release, version, machine string }

func uname() (utsname, error) { return utsname{}, hostfs.ErrNoSensors }

package sshd

import (
	"fmt"
	"regexp"
	"strconv"
)

// Version is a release of OpenSSH as major*100+minor: 902 is 9.2. Zero is one
// that is not known.
type Version int

// Latest is the newest release whose behaviour this package knows; newer ones
// are taken to be like it.
const Latest Version = 1005

// Oldest is the oldest release whose behaviour this package knows.
const Oldest Version = 503

func (v Version) String() string {
	if v == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d.%d", v/100, v%100)
}

var versionPattern = regexp.MustCompile(`^(?:[0-9]+:)?([0-9]{1,3})\.([0-9]{1,2})(?:[^0-9]|$)`)

// ParseVersion reads the release out of the version of a package:
// "1:9.2p1-2+deb12u5", "8.7p1-38.el9", "9.7_p1-r4". It is zero if there is none.
func ParseVersion(s string) Version {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return Version(major*100 + minor)
}

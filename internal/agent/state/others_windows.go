package state

import "io/fs"

// writableByOthers cannot tell: Go's permission bits say nothing of an ACL.
func writableByOthers(fs.FileInfo) bool { return false }

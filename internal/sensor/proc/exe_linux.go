package proc

import "syscall"

// ExeFile tells which file a process executes, as stat(2) does.
func (f FS) ExeFile(pid int) (device, inode uint64, err error) {
	var st syscall.Stat_t
	if err := syscall.Stat(f.path(pid, "exe"), &st); err != nil {
		return 0, 0, gone(err)
	}
	return st.Dev, st.Ino, nil
}

//go:build linux

package fanotify

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/mountinfo"
)

// foreign tells whether a process is in another user namespace than the agent: there
// anybody can mount what answers when he likes to, so that no path is followed.
func (m *marks) foreign(pid int) bool {
	theirs, err := m.proc.Namespace(pid, "user")
	return err != nil || theirs != m.users
}

// answers tells of the root of a mount namespace whether somebody answers for it.
func answers(root mountinfo.Entry) bool {
	root.Point = "" // of which alone it matters what it is on
	return root.Kind() != mountinfo.Local
}

// away tells whether looking at a path would ask another machine, or mount something.
func away(table *mountinfo.Table, point string) bool {
	for ; ; point = path.Dir(point) {
		if table.Away(point) != nil {
			return true
		}
		if point == "/" {
			return false
		}
	}
}

var errHidden = errors.New("another file system is mounted over it")

// markMount marks the file system of a mount, and tells its device as stat(2) does.
func (m *marks) markMount(point string, id int) (device uint64, err error) {
	fd, err := unix.Open(point, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return 0, errHidden // or gone, or its process is
	}
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if found, err := mountOf(fd); err != nil || found != id {
		return 0, errors.Join(errHidden, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	return st.Dev, m.mark("/proc/self/fd/" + strconv.Itoa(fd))
}

// mountOf is the number of the mount that an open file is on (proc_pid_fdinfo(5)).
func mountOf(fd int) (int, error) {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "mnt_id:"); ok {
			return strconv.Atoi(strings.TrimSpace(text))
		}
	}
	return 0, errors.New("the kernel does not tell the mount of an open file")
}

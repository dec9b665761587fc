package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// picture is what a change of a tree shows in: of each path its kind, mode, owner,
// links, size, times, extended attributes and content. Taking it changes nothing.
// Access times of links are left out: whoever follows a link sets it. Those of
// folders only count where the file system keeps them for every reader; an
// overlay lists its layers by itself.
func picture(t *testing.T, root string, folders bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	var look func(string)
	look = func(name string) {
		text, names, err := describe(name, folders)
		if err != nil {
			t.Fatal(err)
		}
		all["/"+strings.TrimPrefix(strings.TrimPrefix(name, root), "/")] = text
		for _, n := range names {
			look(filepath.Join(name, n))
		}
	}
	look(root)
	return all
}

func describe(name string, folders bool) (text string, names []string, err error) {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return "", nil, fmt.Errorf("look at %s: %w", name, err)
	}
	text = fmt.Sprintf("mode %o owner %d:%d links %d size %d device %d mtime %v ctime %v", st.Mode, st.Uid, st.Gid, st.Nlink, st.Size, st.Rdev, st.Mtim, st.Ctim)
	kind := st.Mode & unix.S_IFMT
	if kind == unix.S_IFREG || kind == unix.S_IFDIR && folders {
		text += fmt.Sprintf(" atime %v", st.Atim)
	}
	text += attributes(name)
	switch kind {
	case unix.S_IFLNK:
		target, err := os.Readlink(name)
		return text + " to " + target, nil, err
	case unix.S_IFREG, unix.S_IFDIR:
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NOATIME|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", nil, fmt.Errorf("open %s: %w", name, err)
		}
		file := os.NewFile(uintptr(fd), name)
		defer file.Close()
		if kind == unix.S_IFDIR {
			names, err = file.Readdirnames(0)
			slices.Sort(names)
			return text, names, err
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, file); err != nil {
			return "", nil, err
		}
		text += fmt.Sprintf(" sha256 %x", hash.Sum(nil))
	}
	return text, nil, nil
}

func attributes(name string) (text string) {
	list := make([]byte, 4096)
	n, err := unix.Llistxattr(name, list)
	if err != nil {
		return fmt.Sprintf(" no attributes: %v", err)
	}
	if n == 0 {
		return ""
	}
	for attribute := range strings.SplitSeq(strings.TrimSuffix(string(list[:n]), "\x00"), "\x00") {
		value := make([]byte, 4096)
		n, err := unix.Lgetxattr(name, attribute, value)
		text += fmt.Sprintf(" %s=%x (%v)", attribute, value[:max(n, 0)], err)
	}
	return text
}

// kernelPicture is what a change of the running system shows in. What other
// programs change all the time is left out.
func kernelPicture(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{"/proc/thread-self/mountinfo", "/proc/filesystems", "/proc/net/protocols", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", "/proc/net/route"} {
		data, err := os.ReadFile(name)
		if name == "/proc/net/protocols" {
			data = firstFields(data) // the rest counts sockets
		}
		all[name] = fmt.Sprint(string(data), err)
	}
	modules, err := os.ReadFile("/proc/modules") // the third field counts users
	all["/proc/modules"] = fmt.Sprint(string(firstFields(modules)), err)
	interfaces, err := net.Interfaces()
	must(t, err)
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		all["interface "+i.Name] = fmt.Sprint(i, addresses)
	}
	filepath.WalkDir("/proc/sys", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || volatile.MatchString(name) {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o444 == 0 {
			return nil
		}
		data, err := os.ReadFile(name)
		all[name] = fmt.Sprint(string(data), err)
		return nil
	})
	return all
}

// volatile are the parameters that the kernel changes by itself.
var volatile = regexp.MustCompile(`^/proc/sys/(kernel/random/|kernel/ns_last_pid|kernel/pty/nr|kernel/perf_event_max_sample_rate|kernel/perf_cpu_time_max_percent|` +
	`fs/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota/)|net/netfilter/nf_conntrack_count|net/ipv[46]/conf/(veth|tap|tun)|vm/stat_refresh)`)

func firstFields(data []byte) (out []byte) {
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 0 {
			out = append(append(out, f[0]...), '\n')
		}
	}
	return out
}

// listeners are the sockets of a process to which others could open a
// conversation, as lines of /proc/net.
func listeners(pid int) (found []string) {
	inodes := map[string]bool{}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes[strings.Trim(strings.TrimPrefix(target, "socket:"), "[]")] = true
		}
	}
	for name, inode := range map[string]int{"tcp": 9, "tcp6": 9, "udp": 9, "udp6": 9, "raw": 9, "raw6": 9, "unix": 6} {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) <= inode || !inodes[f[inode]] {
				continue
			}
			flags, _ := strconv.ParseUint(f[3], 16, 64)
			state := f[3] // of /proc/net/tcp and its like: 0A is LISTEN, 07 a datagram socket without a peer
			if name == "unix" && flags&0x10000 != 0 || name != "unix" && (state == "0A" || state == "07" || strings.HasPrefix(name, "raw")) {
				found = append(found, name+" "+strings.TrimSpace(line))
			}
		}
	}
	return found
}

// children are the processes that a process has started, by a /proc and its number there.
func children(proc string, pid int) (found []string) {
	stats, _ := filepath.Glob(proc + "/[0-9]*/stat")
	for _, name := range stats {
		data, _ := os.ReadFile(name)
		if _, rest, ok := strings.Cut(string(data), ") "); ok {
			if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
				found = append(found, string(data))
			}
		}
	}
	return found
}

package walk

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	selinuxLabel = "security.selinux"
	maxAccounts  = 32 << 20 // bytes
)

// owners are the numbers in a file of accounts or groups. They are those of the
// host's own files: of a host with a directory service, whose nsswitch.conf the
// config sensor has, "unowned" means "by nobody in /etc/passwd".
func (w *walker) owners(name, what string) map[uint32]bool {
	data, more, err := w.fs.ReadFile(name, maxAccounts)
	if err == nil && more {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxAccounts)
	}
	if err != nil {
		w.missing = append(w.missing, fmt.Sprintf("files that are %s were not told from others: %v", what, err))
		return nil
	}
	ids := map[uint32]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 3 {
			continue
		}
		if id, err := strconv.ParseUint(strings.TrimSpace(f[2]), 10, 32); err == nil {
			ids[uint32(id)] = true
		}
	}
	return ids
}

// labelled tells whether this host labels files: / has a label of SELinux.
func (w *walker) labelled() bool {
	label, err := w.fs.Xattr("/", selinuxLabel)
	return err == nil && label != nil
}

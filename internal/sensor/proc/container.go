package proc

import (
	"bytes"
	"strings"
)

// Container is a container as the control groups of its processes name it.
type Container struct {
	ID      string // empty: none
	Runtime string // "docker", "containerd", "crio", "podman", "lxc"; empty: the name does not tell
}

// runtimes are what the managers of containers put before the id in the name of a
// control group.
var runtimes = map[string]string{
	"docker": "docker", "cri-containerd": "containerd", "nerdctl": "containerd", "crio": "crio", "libpod": "podman",
}

// Container returns the innermost container that a process runs in.
func (f FS) Container(pid int) Container {
	data, err := f.read(pid, "cgroup")
	if err != nil {
		return Container{}
	}
	for line := range bytes.Lines(data) {
		if c := container(strings.TrimSuffix(string(line), "\n")); c.ID != "" {
			return c
		}
	}
	return Container{}
}

// container finds the 64 hexadecimal digits by which Docker, containerd, CRI-O and
// Podman name a container, alone or within an element such as "docker-<id>.scope",
// and LXC's "lxc.payload.<name>".
func container(line string) (c Container) {
	before := ""
	for element := range strings.SplitSeq(line, "/") {
		if found := containerOf(element, before); found.ID != "" {
			c = found
		}
		before = element
	}
	return c
}

func containerOf(element, before string) Container {
	if name, ok := strings.CutPrefix(element, "lxc.payload."); ok {
		return Container{ID: strings.ToValidUTF8(name, "\uFFFD"), Runtime: "lxc"}
	}
	element = strings.TrimSuffix(element, ".scope")
	at := strings.LastIndexAny(element, "-:") + 1
	id := element[at:]
	if len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return Container{}
	}
	prefix := before
	if at > 0 {
		prefix = element[:at-1]
		prefix = prefix[strings.LastIndexByte(prefix, ':')+1:]
	}
	if strings.HasSuffix(prefix, "-conmon") {
		return Container{} // the monitor beside a container of Podman or CRI-O
	}
	return Container{ID: id, Runtime: runtimes[prefix]}
}

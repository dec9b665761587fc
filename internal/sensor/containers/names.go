package containers

import (
	"path"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Where managers of containers keep what they know of one. The files of users who
// run containers of their own are not read: whoever writes them is not the host.
var (
	dockerFolders = []string{"/var/lib/docker/containers", "/var/snap/docker/common/var-lib-docker/containers"}
	taskFolders   = []string{"/run/containerd/io.containerd.runtime.v2.task", "/run/k3s/containerd/io.containerd.runtime.v2.task"}
	storageFiles  = []string{
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"/var/lib/containers/storage/overlay-containers/volatile-containers.json",
		"/run/containers/storage/overlay-containers/volatile-containers.json",
	}
)

const (
	maxManifest   = 4 << 20  // bytes of a file about one container
	maxStorage    = 16 << 20 // of one about all
	maxNamespaces = 100      // of containerd
)

// manifests are the patterns of the files that names reads.
func manifests() (patterns []string) {
	for _, folder := range dockerFolders {
		patterns = append(patterns, folder+"/*/config.v2.json")
	}
	for _, folder := range taskFolders {
		patterns = append(patterns, folder+"/*/*/config.json")
	}
	return append(patterns, storageFiles...)
}

// named is what a manager of containers says of one, and all that is taken of it.
type named struct {
	runtime, name, image, imageID string
}

// names are what is known of containers beside what they run.
type names struct {
	stored     map[string]named // by id: Podman's and CRI-O's
	namespaces []string         // the folders of containerd's namespaces
}

// readNames reads what is kept for all containers together.
func readNames(host *hostfs.FS) names {
	n := names{stored: map[string]named{}}
	for _, name := range storageFiles {
		if data, more, err := host.ReadFile(name, maxStorage); err == nil && !more {
			storage(data, n.stored)
		}
	}
	for _, folder := range taskFolders {
		found, _, err := host.ReadDir(folder, maxNamespaces)
		if err != nil {
			continue
		}
		for _, namespace := range found {
			n.namespaces = append(n.namespaces, path.Join(folder, namespace))
		}
	}
	return n
}

// add adds to the record of a container what its manager knows. Nothing is known
// of many; that is no fault.
func (n names) add(host *hostfs.FS, rec *telemetry.Container) {
	found := n.find(host, rec.ID)
	if found.runtime != "" {
		rec.Runtime = found.runtime
	}
	rec.Name, rec.Image, rec.ImageID = found.name, found.image, found.imageID
	if rec.Runtime == "lxc" {
		rec.Name = rec.ID // which is the name
	}
}

func (n names) find(host *hostfs.FS, id string) named {
	if len(id) != 64 {
		return named{} // not the name of a folder of theirs
	}
	for _, folder := range dockerFolders {
		if data, more, err := host.ReadFile(path.Join(folder, id, "config.v2.json"), maxManifest); err == nil && !more {
			return docker(data)
		}
	}
	if found, ok := n.stored[id]; ok {
		return found
	}
	for _, folder := range n.namespaces {
		if data, more, err := host.ReadFile(path.Join(folder, id, "config.json"), maxManifest); err == nil && !more {
			return task(data)
		}
	}
	return named{}
}

// kubernetes takes the name apart that the kubelet's shims for Docker and CRI-O
// give to containers: "k8s_<container>_<pod>_<namespace>_<uid>_<attempt>". None of
// them can have an underscore in it.
func kubernetes(name string) string {
	parts := strings.Split(name, "_")
	if len(parts) != 6 || parts[0] != "k8s" {
		return name
	}
	return pod(parts[3], parts[2], parts[1])
}

// pod is the name of a container in a pod. A pod's own container, which holds its
// namespaces, has none.
func pod(namespace, pod, container string) string {
	return path.Join(namespace, pod, container)
}

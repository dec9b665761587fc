package containers

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// The readers of manifests. These files have the environment and the arguments of
// containers, so the types below have only what may leave, everything else is
// passed over, and what is no name or reference to an image is dropped. No error of
// the parser is told: it could quote the file. A file that cannot be read says
// nothing of its container.

// docker reads Docker's config.v2.json (moby, daemon/container/container.go). A
// file there is Docker's, whatever is in it.
func docker(data []byte) named {
	var file struct {
		Name   string
		Image  string // the image's id
		Config struct{ Image string }
	}
	if json.Unmarshal(data, &file) != nil {
		return named{runtime: "docker"}
	}
	return named{
		runtime: "docker", name: kubernetes(name(strings.TrimPrefix(file.Name, "/"))),
		image: image(file.Config.Image), imageID: image(file.Image),
	}
}

// task reads the OCI bundle of a task of containerd, of which only its annotations:
// those of containerd's CRI plugin (internal/cri/annotations/annotations.go), and
// nerdctl's.
func task(data []byte) named {
	var file struct {
		Annotations struct {
			Namespace string `json:"io.kubernetes.cri.sandbox-namespace"`
			Pod       string `json:"io.kubernetes.cri.sandbox-name"`
			Container string `json:"io.kubernetes.cri.container-name"`
			Image     string `json:"io.kubernetes.cri.image-name"`
			Sandbox   string `json:"io.kubernetes.cri.podsandbox.image-name"`
			Nerdctl   string `json:"nerdctl/name"`
		} `json:"annotations"`
	}
	if json.Unmarshal(data, &file) != nil {
		return named{runtime: "containerd"}
	}
	a := file.Annotations
	n := named{runtime: "containerd", name: name(a.Nerdctl), image: image(a.Image)}
	if n.image == "" {
		n.image = image(a.Sandbox)
	}
	if n.name == "" {
		n.name = pod(name(a.Namespace), name(a.Pod), name(a.Container))
	}
	return n
}

// storage reads the list of containers of the library that Podman and CRI-O share
// (containers/storage, containers.go). Its metadata is JSON within JSON.
func storage(data []byte, into map[string]named) {
	var list []struct {
		ID       string   `json:"id"`
		Names    []string `json:"names"`
		Image    string   `json:"image"`
		Metadata string   `json:"metadata"`
	}
	if json.Unmarshal(data, &list) != nil {
		return
	}
	for _, c := range list {
		var metadata struct {
			Image string `json:"image-name"`
			Name  string `json:"name"`
			Pod   string `json:"pod-name"`
		}
		if json.Unmarshal([]byte(c.Metadata), &metadata) != nil {
			metadata.Image, metadata.Name, metadata.Pod = "", "", ""
		}
		n := named{runtime: "podman", name: kubernetes(name(metadata.Name)), image: image(metadata.Image), imageID: image(c.Image)}
		if metadata.Pod != "" {
			n.runtime = "crio" // Podman's metadata has no pods
		}
		if n.name == "" && len(c.Names) > 0 {
			n.name = name(c.Names[0])
		}
		into[c.ID] = n
	}
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	maxName = 512
)

// name is a container's name, if it is one: letters, digits and "_.-", as all
// managers of containers demand, and "/" between the names of Docker's links.
func name(text string) string { return of(text, letters+"_.-/") }

// image is a reference to an image or its id, if it is one (the grammar of
// distribution/reference): with a registry's port, a tag, a digest. What stands
// before an "@" that no digest follows could be a password.
func image(text string) string {
	_, digest, has := strings.Cut(text, "@")
	if algorithm, sum, ok := strings.Cut(digest, ":"); has && (!ok || of(algorithm, letters+"+._-") == "" || of(sum, "0123456789abcdefABCDEF") == "") {
		return ""
	}
	return of(text, letters+"_.-/:@+[]")
}

func of(text, allowed string) string {
	if len(text) > maxName || strings.Trim(text, allowed) != "" {
		return ""
	}
	return text
}

package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// The shapes are those of moby's Container, of containerd's CRI annotations, of
// nerdctl's, and of containers/storage's list, shortened. The canaries are where
// secrets are.
const (
	dockerFile = `{"StreamConfig":{},"State":{"Running":true,"Pid":811},"ID":"4f","Created":"2026-01-01T00:00:00Z","Path":"nginx",
"Args":["-p","canary"],"Config":{"Hostname":"4f","Env":["PASSWORD=canary"],"Cmd":["canary"],"Image":"registry.example:5000/web/nginx:1.25","Labels":{"Image":"canary","Name":"canary"}},
"Image":"sha256:a8758716bb6aa4d90071160d27028fe4eaee7ce8166221a97d30440c8eac2be6","Name":"/web","MountPoints":{"/srv":{"Source":"/canary"}}}`
	criFile = `{"ociVersion":"1.0.2","process":{"args":["canary"],"env":["TOKEN=canary"]},"annotations":{"io.kubernetes.cri.container-name":"web",
"io.kubernetes.cri.image-name":"docker.io/library/nginx@sha256:a8758716bb6aa4d90071160d27028fe4eaee7ce8166221a97d30440c8eac2be6",
"io.kubernetes.cri.sandbox-name":"web-7d","io.kubernetes.cri.sandbox-namespace":"prod","io.kubernetes.cri.pod-annotations":"canary"}}`
	sandboxFile = `{"annotations":{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.podsandbox.image-name":"registry.k8s.io/pause:3.9",
"io.kubernetes.cri.sandbox-name":"web-7d","io.kubernetes.cri.sandbox-namespace":"prod"}}`
	nerdctlFile = `{"annotations":{"nerdctl/name":"web","nerdctl/namespace":"default"}}`
	storageFile = `[{"id":"1f","names":["one"],"image":"d7af","layer":"67","metadata":"{\"image-name\":\"quay.io/centos7/httpd:latest\",\"image-id\":\"d7af\",\"name\":\"one\",\"created-at\":1711141194}","flags":{"x":"canary"}},
{"id":"2f","names":["k8s_web_web-7d_prod_0-1-2_0"],"image":"da86","metadata":"{\"pod-name\":\"k8s_POD_web-7d_prod_0-1-2_0\",\"pod-id\":\"7f\",\"image-name\":\"k8s.gcr.io/web:3.1\",\"name\":\"k8s_web_web-7d_prod_0-1-2_0\"}"},
{"id":"3f","names":["three"],"image":"da86","metadata":"not JSON"}]`
)

func TestManifests(t *testing.T) {
	const id = "sha256:a8758716bb6aa4d90071160d27028fe4eaee7ce8166221a97d30440c8eac2be6"
	stored := map[string]named{}
	storage([]byte(storageFile), stored)
	for _, tt := range []struct {
		name      string
		got, want named
	}{
		{"docker", docker([]byte(dockerFile)), named{"docker", "web", "registry.example:5000/web/nginx:1.25", id}},
		{"docker, damaged", docker([]byte(dockerFile[:300])), named{runtime: "docker"}},
		{"docker, kubelet", docker([]byte(`{"Name":"/k8s_web_web-7d_prod_0-1-2_0"}`)), named{runtime: "docker", name: "prod/web-7d/web"}},
		{"containerd", task([]byte(criFile)), named{"containerd", "prod/web-7d/web", "docker.io/library/nginx@" + id, ""}},
		{"containerd, pause", task([]byte(sandboxFile)), named{"containerd", "prod/web-7d", "registry.k8s.io/pause:3.9", ""}},
		{"nerdctl", task([]byte(nerdctlFile)), named{runtime: "containerd", name: "web"}},
		{"containerd, nothing", task([]byte(`{}`)), named{runtime: "containerd"}},
		{"podman", stored["1f"], named{"podman", "one", "quay.io/centos7/httpd:latest", "d7af"}},
		{"crio", stored["2f"], named{"crio", "prod/web-7d/web", "k8s.gcr.io/web:3.1", "da86"}},
		{"podman, damaged", stored["3f"], named{"podman", "three", "", "da86"}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, tt.got, tt.want)
		}
	}
}

// TestNames finds what the managers have left on a host.
func TestNames(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("hosts are read on Linux only")
	}
	ids := map[string]string{}
	for i, manager := range []string{"docker", "k8s.io", "k3s", "podman", "nobody"} {
		ids[manager] = strings.Repeat(fmt.Sprint(i), 64)
	}
	root := t.TempDir()
	for name, content := range map[string]string{
		"var/lib/docker/containers/" + ids["docker"] + "/config.v2.json": dockerFile,
		// Docker's containers are tasks of containerd's, too.
		"run/containerd/io.containerd.runtime.v2.task/moby/" + ids["docker"] + "/config.json":    `{}`,
		"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + ids["k8s.io"] + "/config.json":  criFile,
		"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + ids["k3s"] + "/config.json": criFile,
		"var/lib/containers/storage/overlay-containers/containers.json":                          strings.Replace(storageFile, `"1f"`, `"`+ids["podman"]+`"`, 1),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	n := readNames(host)
	for id, want := range map[string]telemetry.Container{
		ids["docker"]: {Runtime: "docker", Name: "web", Image: "registry.example:5000/web/nginx:1.25"},
		ids["k8s.io"]: {Runtime: "containerd", Name: "prod/web-7d/web"},
		ids["k3s"]:    {Runtime: "containerd", Name: "prod/web-7d/web"},
		ids["podman"]: {Runtime: "podman", Name: "one", Image: "quay.io/centos7/httpd:latest"},
		ids["nobody"]: {},
		"mnt-1":       {},
		"../../etc/x": {},
	} {
		rec := &telemetry.Container{ID: id}
		n.add(host, rec)
		if rec.Runtime != want.Runtime || rec.Name != want.Name || want.Image != "" && rec.Image != want.Image {
			t.Errorf("%s: %+v, want %+v", id, rec, want)
		}
	}
	lxc := &telemetry.Container{ID: "web", Runtime: "lxc"}
	if n.add(host, lxc); lxc.Name != "web" || lxc.Runtime != "lxc" {
		t.Errorf("%+v", lxc)
	}
}

func TestWhatIsNoImage(t *testing.T) {
	for _, bad := range []string{"user:secret@registry.example/x", "x y", "x\n", "x@", "x@sha256:", "x?token=1", strings.Repeat("x", 600), "x\xff"} {
		if got := image(bad); got != "" {
			t.Errorf("%q is taken as %q", bad, got)
		}
	}
	if diff := cmp.Diff("", name("PASSWORD=canary")); diff != "" {
		t.Error(diff)
	}
}

// Whatever a file says, only what looks like names and images leaves.
func fuzz(f *testing.F, read func([]byte) named, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := read(data)
		for _, text := range []string{n.name, n.image, n.imageID} {
			if len(text) > 3*maxName+2 || strings.Trim(text, letters+"_.-/:@+[]") != "" {
				t.Errorf("%q left", text)
			}
		}
	})
}

func FuzzDocker(f *testing.F) { fuzz(f, docker, dockerFile, `{"Name":"/web"}`) }

func FuzzTask(f *testing.F) { fuzz(f, task, criFile, sandboxFile, nerdctlFile) }

func FuzzStorage(f *testing.F) {
	fuzz(f, func(data []byte) (n named) {
		all := map[string]named{}
		storage(data, all)
		for _, one := range all {
			n = one
		}
		return n
	}, storageFile)
}

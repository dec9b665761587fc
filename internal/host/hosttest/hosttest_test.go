package hosttest_test

import (
	"bytes"
	"testing"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
)

const web = `
system debian 12
package dpkg openssh-server 1:9.2p1-2+deb12u5
user root 0 0 /root /bin/bash
shadow root usable max=99999
dir /usr/bin 0775 0 0
acl /usr/bin user:1000:rwx mask::r-x
param kernel.randomize_va_space 2
denied accounts/shadow "permission denied"
-- /etc/ssh/sshd_config --
PermitRootLogin no
`

func TestDescription(t *testing.T) {
	h := hosttest.Host(t, web)
	if text := h.Text("/etc/ssh/sshd_config"); !text.OK() || text.Value.Text != "PermitRootLogin no\n" {
		t.Errorf("text: %+v", text)
	}
	if text := h.Text("/etc/ssh/other"); text.Presence != host.Absent {
		t.Errorf("what is not mentioned is not absent: %+v", text)
	}
	dir := h.File("/usr/bin")
	if !dir.OK() || dir.Value.Kind != telemetry.Directory || len(dir.Value.ACL) != 2 || dir.Value.ACL[0].Perm != 7 {
		t.Errorf("directory: %+v", dir.Value)
	}
	if s := h.Shadows(); s.Complete || len(s.Values) != 1 || *s.Values[0].Max != 99999 {
		t.Errorf("shadow: %+v", s)
	}
	if p := h.Parameter("kernel.randomize_va_space"); !p.OK() || p.Value.Value != "2" {
		t.Errorf("parameter: %+v", p)
	}
}

func TestTakingAway(t *testing.T) {
	s := hosttest.Parse(t, web)
	const key, path = "text:/etc/ssh/sshd_config", "/etc/ssh/sshd_config"
	for _, tt := range []struct {
		name string
		s    *hosttest.Snapshot
		want host.Presence
	}{
		{"unchanged", s, host.Present},
		{"lost", s.Lost(key), host.NotCollected},
		{"absent", s.Absent(key), host.Absent},
		{"dropped", s.Dropped(telemetry.SensorConfig), host.NotCollected},
		{"partial", s.Partial(telemetry.SensorConfig), host.Present},
		{"narrow", s.Absent(key).Narrow(telemetry.SensorConfig, "/etc/pam.d/*"), host.NotCollected},
	} {
		if got := tt.s.Host().Text(path).Presence; got != tt.want {
			t.Errorf("%s: presence %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestWriteIsReadBack(t *testing.T) {
	var file bytes.Buffer
	w, err := telemetry.NewWriter(&file, telemetry.Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := hosttest.Parse(t, web).Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := telemetry.NewReader(&file, telemetry.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := host.New("")
	if err := h.Read(r); err != nil {
		t.Fatal(err)
	}
	h.Seal()
	if !h.Text("/etc/ssh/sshd_config").OK() || h.Coverage(telemetry.SensorConfig).State != telemetry.Complete {
		t.Error("the host read back differs from the one described")
	}
}

// TestSoftware describes what the packages about software ask of a host.
func TestSoftware(t *testing.T) {
	h := hosttest.Host(t, `
system debian 12 kernel=6.1.0-18-amd64 codename=bookworm
package dpkg libssl3 3.0.11-1 source=openssl:3.0.11-1 arch=amd64
package dpkg old 1 config-files source=older
library npm lodash 4.17.20 /srv/app/package.json package=app
container 4f6d alpine 3.20 name=web "image=registry.example/web:1 beta"
package apk musl 1.2.5-r0 container=4f6d arch=x86_64
library Go stdlib v1.22.0 /usr/bin/app container=4f6d main=true
process sshd 0 /usr/sbin/sshd package=openssh-server maps=libssl3:amd64:/usr/lib/libssl.so.3 maps=/opt/x.so
process nginx 33 /usr/sbin/nginx gone=true deleted=libssl3:amd64:/usr/lib/libssl.so.3 started=4711
process app 0 /usr/bin/app container=4f6d maps=musl:/lib/ld-musl.so
socket tcp 0.0.0.0 22 pid=101
socket tcp :: 80
`)
	if s := h.System(); !s.OK() || s.Value.Kernel != "6.1.0-18-amd64" || s.Value.Codename != "bookworm" {
		t.Errorf("system: %+v", s)
	}
	packages := h.Packages().Values
	if len(packages) != 2 || packages[0].Source != "openssl" || packages[0].SourceVersion != "3.0.11-1" || packages[1].Status != "config-files" || packages[1].Source != "older" || packages[1].SourceVersion != "1" {
		t.Errorf("packages: %+v", packages)
	}
	if c := h.Containers().Values; len(c) != 1 || c[0].Image != "registry.example/web:1 beta" || c[0].MountNS == 0 {
		t.Errorf("containers: %+v", c)
	}
	if p := h.ContainerPackages().Values; len(p) != 1 || p[0].Container != "4f6d" || p[0].Name != "musl" {
		t.Errorf("packages of containers: %+v", p)
	}
	if l := h.ContainerLibraries().Values; len(l) != 1 || !l[0].Main || len(h.Libraries().Values) != 1 {
		t.Errorf("libraries of containers: %+v", l)
	}
	processes, objects := h.Processes().Values, h.Objects().Values
	if len(processes) != 3 || len(objects) != 7 {
		t.Fatalf("%d processes with %d objects", len(processes), len(objects))
	}
	byID := map[int]*telemetry.Object{}
	for _, o := range objects {
		byID[o.ID] = o
	}
	ssl := byID[processes[0].Objects[1]]
	if ssl.Package != "libssl3:amd64" || ssl.Path != "/usr/lib/libssl.so.3" || ssl.Deleted {
		t.Errorf("mapped: %+v", ssl)
	}
	if old := byID[processes[1].Objects[1]]; old.ID == ssl.ID || !old.Deleted || !processes[1].Deleted || processes[1].Started != 4711 {
		t.Errorf("deleted: %+v", old)
	}
	if musl := byID[processes[2].Objects[1]]; musl.MountNS != processes[2].MountNS || musl.MountNS == 0 || processes[2].Container != "4f6d" {
		t.Errorf("in a container: %+v", musl)
	}
	if s := h.Sockets().Values; len(s) != 2 || s[0].Owners[0].Package != "openssh-server" || s[1].Family != 6 {
		t.Errorf("sockets: %+v", s)
	}
}

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

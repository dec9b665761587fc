package sshd

import (
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/telemetry"
)

// A unit that is a link to /dev/null is masked: what the vendor's unit of that
// name says starts nothing (systemctl(1), "mask").
func TestMaskedUnit(t *testing.T) {
	const description = "system debian 12\npackage dpkg openssh-server 1:9.2p1-2\n-- /usr/lib/systemd/system/ssh.service --\n[Service]\nExecStart=/usr/sbin/sshd -D -o PermitRootLogin=yes\n"
	for name, c := range map[string]struct {
		add  telemetry.Record
		want bool
	}{
		"the vendor's": {nil, true},
		"masked":       {&telemetry.Text{Path: "/etc/systemd/system/ssh.service", Resolved: "/dev/null"}, false},
		"replaced":     {&telemetry.Text{Path: "/etc/systemd/system/ssh.service", Text: "[Service]\nExecStart=/usr/sbin/sshd -D\n"}, false},
	} {
		s := hosttest.Parse(t, description)
		if c.add != nil {
			s = s.Add(telemetry.SensorConfig, c.add)
		}
		found, err := Find(s.Host())
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for _, command := range found.Value.Commands {
			for _, o := range command.Options {
				got = got || strings.Contains(o.Text, "PermitRootLogin")
			}
		}
		if got != c.want {
			t.Errorf("%s: the option of the vendor's unit counts: %t, want %t (%+v)", name, got, c.want, found.Value.Commands)
		}
	}
}

package practices

import (
	"context"
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
)

// sshVerdicts words what the three SSH rules say: "root=failed/Low
// password=passed protocol=passed".
func sshVerdicts(s *hosttest.Snapshot) (string, []rules.Result) {
	var words []string
	var all []rules.Result
	for _, c := range []struct {
		name string
		check
	}{{"root", rootLogin}, {"password", passwordAuthentication}, {"protocol", sshProtocol}} {
		results := run(context.Background(), c.check, s.Host(), rules.Input{})
		all = append(all, results...)
		for _, r := range results {
			word := c.name + "=" + string(r.Verdict)
			if r.Severity != "" {
				word += "/" + string(r.Severity)
			}
			words = append(words, word)
		}
	}
	return strings.Join(words, " "), all
}

const sshHost = `
system debian 12
package dpkg openssh-server 1:9.2p1-2+deb12u5
user root 0 0 /root /bin/bash
user bob 1000 1000 /home/bob /bin/bash
user eve 1001 1001 /home/eve /bin/bash
group root 0
group bob 1000
group eve 1001
group sftp 200 eve
`

// TestSSHRules is about single features, on one system.
func TestSSHRules(t *testing.T) {
	for _, tt := range []struct {
		name, config, want string
	}{
		{"empty", "", "root=failed/Low password=failed protocol=passed"},
		{"all shut", "PermitRootLogin no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n", "root=passed password=passed protocol=passed"},
		{"first value wins", "PermitRootLogin no\nPermitRootLogin yes\nPasswordAuthentication no\nPasswordAuthentication yes\nUsePAM no\n", "root=passed password=passed protocol=passed"},
		{"root by password", "PermitRootLogin yes\n", "root=failed password=failed protocol=passed"},
		{"root by keyboard-interactive", "PermitRootLogin yes\nPasswordAuthentication no\nUsePAM yes\n", "root=failed password=failed protocol=passed"},
		{"keyboard-interactive without PAM", "PermitRootLogin yes\nPasswordAuthentication no\n", "root=failed/Low password=passed protocol=passed"},
		{"old name", "PasswordAuthentication no\nUsePAM yes\nChallengeResponseAuthentication no\n", "root=failed/Low password=passed protocol=passed"},
		{"root may do nothing", "PermitRootLogin yes\nPasswordAuthentication no\nPubkeyAuthentication no\n", "root=passed password=passed protocol=passed"},
		{"denied root", "PermitRootLogin yes\nDenyUsers ro?t\n", "root=passed password=failed protocol=passed"},
		{"root not among those allowed", "PermitRootLogin yes\nAllowUsers bob eve\n", "root=passed password=failed protocol=passed"},
		{"root allowed from inside", "PermitRootLogin yes\nAllowUsers bob root@10.0.0.0/8\n", "root=failed password=failed protocol=passed"},
		{"root denied by group", "PermitRootLogin yes\nDenyGroups root\n", "root=passed password=failed protocol=passed"},
		{"Match reopens root", "PermitRootLogin no\nMatch Address 10.0.0.0/8,!10.0.0.1\nPermitRootLogin yes\n", "root=failed password=failed protocol=passed"},
		{"Match reopens keys", "PermitRootLogin no\nPasswordAuthentication no\nUsePAM no\nMatch LocalPort 2222\nPermitRootLogin prohibit-password\n", "root=failed/Low password=passed protocol=passed"},
		{"Match about another user", "PermitRootLogin no\nMatch User bob\nPermitRootLogin yes\n", "root=passed password=failed protocol=passed"},
		{"Match about a group", "PermitRootLogin no\nPasswordAuthentication no\nUsePAM no\nMatch Group sftp\nPasswordAuthentication yes\n", "root=passed password=failed protocol=passed"},
		{"Match that nobody meets", "PermitRootLogin no\nPasswordAuthentication no\nUsePAM no\nMatch User bob User eve\nPasswordAuthentication yes\n", "root=passed password=passed protocol=passed"},
		{"names without UseDNS", "PermitRootLogin no\nPasswordAuthentication no\nUsePAM no\nMatch Host *.example.com\nPasswordAuthentication yes\n", "root=passed password=passed protocol=passed"},
		{"names with UseDNS", "UseDNS yes\nPermitRootLogin no\nPasswordAuthentication no\nUsePAM no\nMatch Host *.example.com\nPasswordAuthentication yes\n", "root=passed password=failed protocol=passed"},
		{"key and password", "PermitRootLogin yes\nAuthenticationMethods publickey,password publickey,keyboard-interactive\n", "root=failed/Low password=passed protocol=passed"},
		{"key or password", "PermitRootLogin yes\nAuthenticationMethods publickey password\n", "root=failed password=failed protocol=passed"},
		{"Match all", "PermitRootLogin no\nMatch all\nPermitRootLogin yes\n", "root=failed password=failed protocol=passed"},
		{"password only for root by key", "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nMatch User root\nPasswordAuthentication yes\n", "root=failed/Low password=passed protocol=passed"},
		{"does not start", "PermitRootLogin no\nPasswordAuthentication perhaps\n", "root=not evaluated password=not evaluated protocol=passed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkSSH(t, hosttest.Parse(t, sshHost).Text("/etc/ssh/sshd_config", tt.config), tt.want)
		})
	}
}

package sshd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/testenv"
)

var denied = regexp.MustCompile(`Permission denied \(([^)]*)\)`)

// TestOffered asks a real sshd, without a network, which methods it offers, and
// compares that with what we say of the same configuration.
func TestOffered(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	ssh := testenv.Need(t, "ssh", "openssh-client")
	testenv.NeedRoot(t)
	for _, tt := range []struct{ config, offered, ours string }{
		{"UsePAM yes\n", "publickey,password,keyboard-interactive", "password keyboard-interactive true"},
		{"PasswordAuthentication no\nUsePAM yes\n", "publickey,keyboard-interactive", "keyboard-interactive true"},
		{"PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n", "publickey", "true"},
		{"PubkeyAuthentication no\nKbdInteractiveAuthentication no\n", "password", "password false"},
		{"AuthenticationMethods publickey,password\nUsePAM yes\n", "publickey", "true"},
		{"AuthenticationMethods publickey password\nUsePAM yes\n", "publickey,password", "password true"},
		{"AuthenticationMethods any\nUsePAM yes\nKbdInteractiveAuthentication no\n", "publickey,password", "password true"},
		{"KbdInteractiveAuthentication no\nMatch User nobody\nPasswordAuthentication no\n", "publickey", "true"},
		{"KbdInteractiveAuthentication no\nMatch User *,!nobody\nPasswordAuthentication no\n", "publickey,password", "password true"},
		{"KbdInteractiveAuthentication no\nMatch Group nogroup\nAuthenticationMethods password\n", "password", "password false"},
	} {
		file := filepath.Join(t.TempDir(), "sshd_config")
		if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(ssh, "-F", "none", "-o", "ProxyCommand="+o.program+" -i -f "+file+" -h "+o.key,
			"-o", "PreferredAuthentications=none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-o", "LogLevel=ERROR", "nobody@host").CombinedOutput()
		m := denied.FindSubmatch(out)
		if m == nil || string(m[1]) != tt.offered {
			t.Errorf("%s: sshd offers %q, want %s", tt.config, out, tt.offered)
		}
		c, err := Parse(hosttest.New().Text(file, tt.config).Host(), Command{Version: o.version, File: file})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(outcome(c, &Connection{User: "nobody", Groups: []string{"nogroup"}, LocalPort: 22})); got != tt.ours {
			t.Errorf("%s: we say %q, want %q", tt.config, got, tt.ours)
		}
	}
}

// TestReleases is about what releases other than the oracle's do.
func TestReleases(t *testing.T) {
	for _, tt := range []struct {
		version Version
		config  string
		want    string // of a login as root; "refused" where sshd would not start
	}{
		{606, "", "password true"},
		{606, "UsePAM yes\n", "password keyboard-interactive true"},
		{606, "UsePAM yes\nChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n", "password true"},
		{700, "", "true"},
		{800, "PermitRootLogin yes # ever\n", "refused"},
		{807, "PermitRootLogin yes # ever\n", "password true"},
		{801, "Include /etc/ssh/x.conf\n", "refused"},
		{802, "Include /etc/ssh/x.conf\n", "true"},
		{600, "Match User root\nAllowUsers root\n", "refused"},
		{601, "Match User root\nAllowUsers bob\n", "false"},
		{705, "Protocol 1\nUseLogin yes\n", "true"},
		{606, "Protocol 3\n", "refused"},
		{705, "Ciphers aes128-ctr,arcfour\n", "true"},
		{706, "Ciphers aes128-ctr,arcfour\n", "refused"},
		{908, "RefuseConnection yes\n", "refused"},
		{909, "Match Address *\nRefuseConnection yes\n", "false"},
		{908, "Match invalid-user\nPermitRootLogin yes\n", "refused"},
		{909, "Match invalid-user\nPermitRootLogin yes\n", "true"},
		{909, "Match user=root,x\nPermitRootLogin yes\n", "password true"},
		{1000, "Match version OpenSSH_10.*\nPermitRootLogin yes\n", "password true"},
		{902, "Match version OpenSSH_10.*\nPermitRootLogin yes\n", "refused"},
		{902, "Match User bob\nSubsystem x /bin/x\n", "refused"},
		{905, "Match User bob\nSubsystem x /bin/x\n", "true"},
		{Latest, "PermitRootLogin yes\nAuthenticationMethods publickey\nMatch User root\nAuthenticationMethods any\n", "password true"},
	} {
		got := "refused"
		c, err := Parse(hosttest.New().Text("/etc/ssh/sshd_config", tt.config).Host(), Command{Version: tt.version, File: "/etc/ssh/sshd_config"})
		if err == nil {
			root := &Connection{User: "root", UID0: true, Groups: []string{"root"}, Address: "10.0.0.1", Host: "10.0.0.1", LocalPort: 22}
			got = strings.TrimSpace(outcome(c, root))
		}
		if got != tt.want {
			t.Errorf("%s: %q: got %s, want %s (%v)", tt.version, tt.config, got, tt.want, err)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"1:9.2p1-2+deb12u5": 902, "8.7p1-38.el9": 807, "9.7_p1-r4": 907, "1:10.0p1-7": 1000, "5.3p1-124.el6_10": 503,
		"9.9p1": 909, "": 0, "p1": 0, "9": 0, "1:x.y": 0,
	} {
		if got := ParseVersion(text); got != want {
			t.Errorf("ParseVersion(%q) = %d, want %d", text, got, want)
		}
	}
}

package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// image makes a tree: a name that ends in a slash is a folder, "-> x" a link, "|"
// a pipe.
func image(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range tree {
		full := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		target, link := strings.CutPrefix(content, "-> ")
		switch {
		case link:
			must(t, os.Symlink(target, full))
		case content == "|":
			must(t, unix.Mkfifo(full, 0o644))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(full, 0o755))
		default:
			must(t, os.WriteFile(full, []byte(content), 0o644))
		}
	}
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func collect(t *testing.T, root string, live bool, only ...string) (map[string]*telemetry.Text, telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open(root)
	must(t, err)
	defer fs.Close()
	texts := map[string]*telemetry.Text{}
	c, err := New().Collect(context.Background(), &sensor.Host{FS: fs, Live: live, Only: only}, func(r telemetry.Record) error {
		text := r.(*telemetry.Text)
		if texts[text.Path] != nil {
			t.Errorf("%s was emitted twice", text.Path)
		}
		texts[text.Path] = text
		return nil
	})
	must(t, err)
	return texts, c
}

func TestFiles(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	texts, c := collect(t, image(t, map[string]string{
		"etc/ssh/sshd_config":                 "PermitRootLogin no\n",
		"etc/ssh/sshd_config.d/a.conf":        "-> /etc/ssh/sshd_config",
		"etc/ssh/sshd_config.d/b.conf":        "-> /etc/shadow",
		"etc/ssh/sshd_config.d/c.conf":        "-> ../../../root/.ssh/id_rsa",
		"etc/ssh/sshd_config.d/d.conf":        "-> nowhere",
		"etc/ssh/sshd_config.d/e.conf":        "-> f.conf",
		"etc/ssh/sshd_config.d/f.conf":        "-> e.conf",
		"etc/ssh/sshd_config.d/g.conf":        "|",
		"etc/ssh/sshd_config.d/h.conf":        "-> g.conf",
		"etc/ssh/sshd_config.d/i.conf":        "a\x00b",
		"etc/ssh/sshd_config.d/j.conf":        "caf\xe9\n",
		"etc/ssh/sshd_config.d/k.conf/":       "",
		"etc/ssh/sshd_config.d/k.conf/x":      "deeper",
		"etc/ssh/sshd_config.d/l.conf":        long,
		"etc/ssh/sshd_config.d/m.conf":        "one\n" + long,
		"etc/ssh/sshd_config.d/n.conf":        "-> /proc/self/environ",
		"etc/ssh/sshd_config.d/o.conf":        "-> /dev/tty",
		"etc/ssh/sshd_config.d/host_key":      "secret",
		"etc/ssh/ssh_host_ed25519_key":        "secret",
		"etc/ssh/sshd_config.d/p\xff.conf":    "odd name",
		"etc/pam.d":                           "-> /srv/pam.d",
		"srv/pam.d/login":                     "elsewhere",
		"etc/login.defs/":                     "",
		"etc/shadow":                          "root:secret:",
		"root/.ssh/id_rsa":                    "secret",
		"usr/lib/os-release":                  "ID=x\n",
		"etc/os-release":                      "-> ../usr/lib/os-release",
		"lib":                                 "-> usr/lib",
		"usr/lib/sysctl.d/a.conf":             "kernel.a = 1\n",
		"usr/lib/systemd/system/a.service":    "[Unit]\n",
		"etc/systemd/system/b.service":        "-> /dev/null",
		"dev/null":                            "not a device in an image",
		"etc/crypto-policies/back-ends/o":     "-> /usr/share/crypto-policies/DEFAULT/o",
		"usr/share/crypto-policies/DEFAULT/o": "Ciphers x\n",
		"etc/crypto-policies/a/b/c/d":         "deep\n",
		"proc/cmdline":                        "root=x",
		"etc/grub.d/loop":                     "-> .",
		"etc/unlisted.conf":                   "secret",
	}), false)
	sum := sha256.Sum256([]byte("PermitRootLogin no\n"))
	digest := hex.EncodeToString(sum[:])
	const ssh, permit = "/etc/ssh/sshd_config", "PermitRootLogin no\n"
	d := ssh + ".d/"
	want := map[string]telemetry.Text{
		ssh:                                    {Text: permit, Size: 19, Digest: digest},
		d + "a.conf":                           {Text: permit, Size: 19, Digest: digest, Resolved: ssh},
		d + "b.conf":                           {Problem: "/etc/shadow is never read"},
		d + "c.conf":                           {Problem: "is never read"},
		d + "d.conf":                           {Problem: telemetry.ProblemDangling},
		d + "e.conf":                           {Problem: "too many symbolic links"},
		d + "f.conf":                           {Problem: "too many symbolic links"},
		d + "g.conf":                           {Problem: "is a pipe"},
		d + "h.conf":                           {Problem: "is a pipe"},
		d + "i.conf":                           {Problem: "NUL"},
		d + "j.conf":                           {Text: "caf\uFFFD\n", Size: 5, Lossy: true},
		d + "k.conf/x":                         {Text: "deeper", Size: 6},
		d + "l.conf":                           {Size: 10 << 20, Truncated: true},
		d + "m.conf":                           {Text: "one\n", Size: 10<<20 + 4, Truncated: true},
		d + "n.conf":                           {Problem: telemetry.ProblemDangling}, // the image has no /proc/self
		d + "o.conf":                           {Problem: telemetry.ProblemDangling},
		d + "host_key":                         {Problem: "is never read"},
		d + "p\uFFFD.conf":                     {Text: "odd name", Size: 8, Raw: []byte(d + "p\xff.conf")},
		"/etc/pam.d/login":                     {Problem: "leads to /srv/pam.d/login"},
		"/etc/login.defs":                      {Problem: "is a directory"},
		"/usr/lib/os-release":                  {Text: "ID=x\n", Size: 5},
		"/etc/os-release":                      {Text: "ID=x\n", Size: 5, Resolved: "/usr/lib/os-release"},
		"/usr/lib/sysctl.d/a.conf":             {Text: "kernel.a = 1\n", Size: 13},
		"/lib/sysctl.d/a.conf":                 {Text: "kernel.a = 1\n", Size: 13, Resolved: "/usr/lib/sysctl.d/a.conf"},
		"/usr/lib/systemd/system/a.service":    {Text: "[Unit]\n", Size: 7},
		"/etc/systemd/system/b.service":        {Resolved: "/dev/null"},
		"/etc/crypto-policies/back-ends/o":     {Text: "Ciphers x\n", Size: 10, Resolved: "/usr/share/crypto-policies/DEFAULT/o"},
		"/usr/share/crypto-policies/DEFAULT/o": {Text: "Ciphers x\n", Size: 10},
		"/etc/crypto-policies/a/b/c/d":         {Text: "deep\n", Size: 5},
	}
	for name, w := range want {
		got := texts[name]
		if got == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if w.Problem != "" {
			if !strings.Contains(got.Problem, w.Problem) || got.Text != "" {
				t.Errorf("%s: problem %q, want %q; text %q", name, got.Problem, w.Problem, got.Text)
			}
			continue
		}
		if w.Path = name; w.Digest == "" {
			w.Digest = got.Digest
		}
		if w.Text == "" && (got.Truncated || got.Resolved == "/dev/null") {
			w.Size, w.Digest = got.Size, got.Digest
		}
		if diff := cmp.Diff(&w, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for name, got := range texts {
		if _, ok := want[name]; !ok {
			t.Errorf("unexpected: %+v", got)
		}
	}
	if c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	for _, outside := range []string{"/proc/cmdline", "/lib/systemd/system/a.service", "/etc/shadow", "/etc/unlisted.conf"} {
		if telemetry.InScope(c.Scope, outside) {
			t.Errorf("%s is in the scope", outside)
		}
	}
}

func TestOnly(t *testing.T) {
	root := image(t, map[string]string{"etc/fstab": "x\n", "etc/sysctl.d/a.conf": "a\n", "etc/sysctl.d/b.txt": "b\n", "etc/shadow": "s\n"})
	texts, c := collect(t, root, false, "/etc/sysctl.d/*.conf", "/etc/shadow", "/**/fsta[b]")
	if texts["/etc/sysctl.d/a.conf"] == nil || texts["/etc/fstab"] == nil || len(texts) != 2 {
		t.Errorf("%v", texts)
	}
	if d := cmp.Diff([]string{"/etc/fstab", "/etc/sysctl.d/*.conf"}, c.Scope); d != "" {
		t.Error(d)
	}
}

// Every path that the CIS profiles of nine systems ask for as text is on the
// list, except those on a list of our own, with the reason.
func TestBenchmarkPaths(t *testing.T) {
	data, err := os.ReadFile("testdata/benchmark-paths.txt")
	must(t, err)
	paths := 0
	all := append(append([]string{}, scope...), liveScope...)
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		path, why, excluded := strings.Cut(line, "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		paths++
		if telemetry.InScope(all, path) == excluded {
			t.Errorf("%s: in scope: %v, excluded because %q", path, !excluded, why)
		}
		if !excluded && telemetry.InScope(never, path) {
			t.Errorf("%s is never read", path)
		}
	}
	if paths < 200 {
		t.Errorf("only %d paths", paths)
	}
}

// What is made to hold secrets is not on the list, or never read.
func TestSecretPlaces(t *testing.T) {
	for _, path := range []string{"/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/security/opasswd", "/etc/ssh/ssh_host_rsa_key",
		"/etc/ssl/private/a.key", "/etc/apt/auth.conf", "/etc/apt/auth.conf.d/a", "/root/.ssh/id_ed25519", "/root/.netrc", "/etc/ipsec.secrets",
		"/etc/chrony/chrony.keys", "/etc/chrony.keys", "/etc/krb5.keytab", "/etc/kubernetes/admin.conf", "/etc/wpa_supplicant/wpa_supplicant.conf",
		"/etc/NetworkManager/system-connections/a.nmconnection", "/etc/postfix/sasl_passwd", "/etc/exim4/passwd.client", "/etc/mysql/debian.cnf",
		"/etc/my.cnf", "/root/.my.cnf", "/root/.docker/config.json", "/etc/docker/key.json", "/etc/ppp/chap-secrets", "/etc/wireguard/wg0.conf",
		"/etc/openvpn/a.conf", "/etc/cifs-credentials", "/etc/bind/rndc.key", "/etc/grafana/grafana.ini", "/etc/environment.env", "/root/.aws/credentials",
		"/etc/audit/audit.key", "/etc/polkit-1/a.pem", "/etc/firewalld/id_rsa", "/etc/sysconfig/network-scripts/keys-wlan0", "/etc/bind/tsig.key",
		"/etc/default/kubelet.env", "/etc/snmp/snmpd.local.secrets", "/var/lib/snmp/snmpd.conf", "/etc/libvirt/secrets/a.xml"} {
		if telemetry.InScope(append(append([]string{}, scope...), liveScope...), path) && !telemetry.InScope(never, path) {
			t.Errorf("%s would be read", path)
		}
	}
}

func TestPublished(t *testing.T) {
	d := New().Describe()
	for _, p := range append(d.Reads, d.Never...) {
		if !strings.HasPrefix(p, "/") {
			t.Errorf("%q is no path", p)
		}
	}
}

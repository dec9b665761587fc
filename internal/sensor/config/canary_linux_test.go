package config_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/sensor"
	"assay/internal/sensor/accounts"
	"assay/internal/sensor/config"
	"assay/internal/sensor/files"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/kernel"
	"assay/internal/sensor/libraries"
	"assay/internal/sensor/mounts"
	"assay/internal/sensor/system"
	"assay/internal/sensor/walk"
	"assay/internal/telemetry"
)

// places are files with a secret each: %s. Those on the sensor's list are there
// to be redacted, the others must not be read at all.
var places = map[string]string{
	"etc/shadow":                              "root:$6$saltsalt$%s0123456789:1:::::::\n",
	"etc/gshadow":                             "root:$6$saltsalt$%s::\n",
	"etc/shadow-":                             "root:%s:::::::\n",
	"etc/security/opasswd":                    "root:0:1:%s\n",
	"etc/passwd":                              "root:$1$saltsalt$%s:0:0:%s gecos:/root:/bin/sh\n",
	"etc/group":                               "root:%s:0:\n",
	"etc/ssh/ssh_host_rsa_key":                "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n",
	"etc/ssh/sshd_config.d/oops.conf":         "PermitRootLogin no\n-----BEGIN RSA PRIVATE KEY-----\n%s\n",
	"root/.ssh/id_ed25519":                    "%s\n",
	"root/.netrc":                             "machine a login b password %s\n",
	"root/.my.cnf":                            "[client]\npassword=%s\n",
	"root/.pgpass":                            "*:*:*:*:%s\n",
	"root/.aws/credentials":                   "aws_secret_access_key = %s\n",
	"root/.docker/config.json":                `{"auths":{"x":{"auth":"%s"}}}`,
	"root/.kube/config":                       "token: %s\n",
	"root/.bashrc":                            "export GITHUB_TOKEN=%s\nexport DB_PASSWORD='%s two'\n",
	"root/.bash_history":                      "mysql -p%s\n",
	"home/bob/.env":                           "SECRET=%s\n",
	"etc/kubernetes/admin.conf":               "client-key-data: %s\n",
	"etc/environment":                         "API_KEY=%s\nSECRET_KEY_BASE=\"%s\"\n",
	"etc/profile.d/x.sh":                      "export AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s\n",
	"etc/default/grub":                        "GRUB_CMDLINE_LINUX=\"luks.passphrase=%s audit=1\"\n",
	"boot/grub/grub.cfg":                      "password root %s\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.%[2]s\n",
	"boot/grub2/user.cfg":                     "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.%[2]s\n",
	"boot/loader/entries/a.conf":              "options root=x rd.password=%s quiet\n",
	"etc/ldap.conf":                           "bindpw %s\nrootbindpw %s\n",
	"etc/nslcd.conf":                          "bindpw %s\n",
	"etc/sssd/sssd.conf":                      "ldap_default_authtok = %s and %s\n",
	"etc/wpa_supplicant/wpa_supplicant.conf":  "network={\npsk=\"%s\"\n}\n",
	"etc/network/interfaces":                  "iface wlan0 inet dhcp\n wpa-psk %s\n",
	"etc/NetworkManager/system-connections/a": "psk=%s\n",
	"etc/sysconfig/network-scripts/ifcfg-w":   "WPA_PSK=%s\nKEY1=%s\n",
	"etc/snmp/snmpd.conf":                     "rocommunity %s\ncom2sec a default %s\ncreateUser bob SHA %s AES %s\n",
	"etc/crypttab":                            "a /dev/sda1 none luks,password=%s\n",
	"etc/fstab":                               "//a/b /c cifs user=d,password=%s,nosuid 0 0\nhttps://u:%s@dav/ /d davfs rw 0 0\n",
	"etc/apt/auth.conf":                       "machine a login b password %s\n",
	"etc/apt/sources.list":                    "deb https://user:%s@example.com/ x main\n",
	"etc/apt/apt.conf.d/proxy":                "Acquire::http::Proxy \"http://user:%s@proxy:3128\";\n",
	"etc/yum.repos.d/a.repo":                  "[a]\nbaseurl=https://%s@example.com/\npassword=%s\nproxy_password = %s\n",
	"etc/systemd/system/a.service":            "[Service]\nEnvironment=DB_PASSWORD=%s B=1\nEnvironment=\"API_TOKEN=%s x\"\nSetCredential=a:%s\nExecStart=/bin/x --password %s\n",
	"etc/systemd/system/a.service.d/o.conf":   "[Service]\nEnvironment=\\\n  SECRET_KEY=%s\n",
	"etc/cron.d/backup":                       "0 0 * * * root mysqldump -u root -p%s a; curl -u bob:%s https://x/ -H 'Authorization: Bearer %s'\n",
	"var/spool/cron/crontabs/root":            "* * * * * sshpass -p %s ssh a\n* * * * * PGPASSWORD=%s psql\n",
	"etc/sudoers.d/a":                         "bob ALL = NOPASSWD: /usr/bin/mysql -p%s\n",
	"etc/chrony/chrony.keys":                  "1 SHA1 HEX:%s\n",
	"etc/ntp.conf":                            "crypto pw %s\n",
	"etc/postfix/main.cf":                     "relay_password = %s\n",
	"etc/postfix/sasl_passwd":                 "relay user:%s\n",
	"etc/exim4/exim4.conf":                    "hide mysql_servers = a/b/c/%s\n",
	"etc/squid/squid.conf":                    "cache_peer a parent 1 0 login=bob:%s\ncachemgr_passwd %s all\n",
	"etc/bind/named.conf.options":             "key \"a\" { algorithm hmac-sha256; secret \"%s\"; };\n",
	"etc/dhcp/dhcpd.conf":                     "key a {\n  secret %s;\n}\n",
	"etc/rsyslog.d/a.conf":                    "action(type=\"ommysql\" pwd=\"%s\")\n",
	"etc/krb5.keytab":                         "%s",
	"etc/ssl/private/a.key":                   "%s",
	"etc/ipsec.secrets":                       ": PSK \"%s\"\n",
	"etc/letsencrypt/live/a/privkey.pem":      "%s",
	"var/lib/secret":                          "%s",
	"etc/NetworkManager/conf.d/a.conf":        "[x]\nwifi-password=%s\n",
	"etc/security/pam_env.conf":               "DB_SECRET DEFAULT=x OVERRIDE=y\n# token: %s\n",
	"etc/audit/auditd.conf":                   "krb5_key_file = /etc/audit/audit.key\n",
	"proc/cmdline":                            "password=%s",

	// What tells of libraries, with a secret beside the names, in the place of one,
	// and where the parser stumbles.
	"srv/a/node_modules/seen-node/package.json":  `{"_authToken":"%s","name":"seen-node","version":"1.0.0","config":{"token":"%s"}}`,
	"srv/a/node_modules/odd/package.json":        `{"name":"the password is %s","version":"1.0.0"}`,
	"srv/a/node_modules/bad/package.json":        `{"name":"bad","token":"%s" "version":}`,
	"srv/a/vendor/composer/installed.json":       `{"packages":[{"name":"seen/php","version":"1","dist":{"url":"https://u:%s@x/"}},{"name":"x y","version":"%s x"}], %s}`,
	"srv/a/App.deps.json":                        `{"libraries":{"Seen.Net/1.0":{"type":"package","path":"%s"}},"%s`,
	"srv/p/x-1.dist-info/METADATA":               "Name: seen-python\nVersion: 1\nHome-page: https://u:%s@x/\n\n%s\n",
	"srv/p/y-1.dist-info/METADATA":               "Name: y\nAuthor: %s\n",
	"srv/r/specifications/seen-ruby-1.0.gemspec": "Gem::Specification.new do |s|\n  s.metadata = { \"token\" => \"%s\" }\n  s.version = ENV[\"%s\"]\n",
	"srv/j/broken.jar":                           "PK\x05\x06%s",
	"srv/b/program.so":                           "\x7fELF\x02\x01\x01%s%s%s%s",
}

func plant(t *testing.T) (root string, secrets []string) {
	t.Helper()
	root = t.TempDir()
	number := 0
	for name, format := range places {
		number++
		// Both are unmistakable; the second is hexadecimal, as PBKDF2's are.
		word, hex := fmt.Sprintf("C4n4ryW0rd%04dZ", number), fmt.Sprintf("DEADBEEF%04dFEEDFACE", number)
		secrets = append(secrets, word, hex)
		text := strings.ReplaceAll(strings.ReplaceAll(format, "%[2]s", hex), "%s", word)
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"etc/ssh/sshd_config.d/l.conf": "/etc/shadow", "etc/sysctl.d/l.conf": "/root/.ssh/id_ed25519", "etc/motd": "/etc/ipsec.secrets",
		"etc/pam.d": "/root/.aws", "etc/profile.d/l.sh": "/var/lib/secret", "etc/sudoers.d/dir": "/root",
	} {
		full := filepath.Join(root, link)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, full); err != nil {
			t.Fatal(err)
		}
	}
	return root, secrets
}

var sensors = []sensor.Sensor{config.New(), files.New(), walk.New(), accounts.New(), system.New(), kernel.New(), mounts.New(), libraries.New()}

// No byte of a planted secret is in what the sensors emit, and of the tree
// nothing has changed, access times included.
func TestCanaries(t *testing.T) {
	root, secrets := plant(t)
	if len(places) < 40 {
		t.Fatalf("only %d places", len(places))
	}
	before := state(t, root)
	told := emitted(t, root)
	if d := cmp.Diff(before, state(t, root)); d != "" {
		t.Errorf("the tree has changed: %s", d)
	}
	for _, s := range secrets {
		for at := 0; ; {
			i := bytes.Index(told[at:], []byte(s))
			if i < 0 {
				break
			}
			at += i + len(s)
			t.Errorf("a secret was emitted: ...%s...", told[max(0, at-150):min(len(told), at+50)])
		}
	}
	// The sensors have looked: what stands beside secrets is there.
	for _, there := range []string{"PermitRootLogin no", "bindpw " + telemetry.RedactedMarker, "audit=1", "nosuid", "NOPASSWD:", "Password:usable", "/etc/shadow",
		"Name:seen-node", "Name:seen/php", "Name:Seen.Net", "Name:seen-python", "Name:seen-ruby", "/srv/j/broken.jar: it is"} {
		if !bytes.Contains(told, []byte(there)) {
			t.Errorf("%q is not in what was emitted", there)
		}
	}
}

// emitted is the decoded telemetry of all sensors of an image.
func emitted(t *testing.T, root string) []byte {
	t.Helper()
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	var all bytes.Buffer
	for _, s := range sensors {
		c, err := s.Collect(context.Background(), &sensor.Host{FS: fs}, func(r telemetry.Record) error {
			telemetry.Stamp(s.Describe().Name, r)
			if !telemetry.MayEmit(s.Describe().Name, telemetry.Kind(r)) {
				t.Errorf("%s emitted a %s", s.Describe().Name, telemetry.Kind(r))
			}
			_, err := fmt.Fprintf(&all, "%q\n", flat(r))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%+v\n", c)
	}
	return bytes.ReplaceAll(all.Bytes(), []byte(`\"`), []byte(`"`))
}

func flat(r telemetry.Record) string { return fmt.Sprintf("%+v", r) + fmt.Sprintf("%q", fmt.Sprint(r)) }

// state is what a change of a tree would show in.
func state(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK {
			st.Atim = unix.Timespec{}
		}
		if all[name] == "" { // WalkDir itself reads folders: hide that
			all[name] = fmt.Sprintf("%o %d %d %d %v %v", st.Mode, st.Uid, st.Size, st.Nlink, st.Mtim, st.Ctim)
		}
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			all[name] += fmt.Sprint(st.Atim)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A sensor stops when its records are not wanted any more, and when time is up.
func TestSensorsStop(t *testing.T) {
	root, _ := plant(t)
	fs, err := hostfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	full := fmt.Errorf("the spool is full")
	for _, s := range sensors[:4] {
		calls := 0
		if _, err := s.Collect(context.Background(), &sensor.Host{FS: fs}, func(telemetry.Record) error { calls++; return full }); err != full || calls != 1 {
			if s.Describe().Name != telemetry.SensorWalk || calls > 1 {
				t.Errorf("%s: %v after %d records", s.Describe().Name, err, calls)
			}
		}
		if _, err := s.Collect(ended, &sensor.Host{FS: fs}, func(telemetry.Record) error { return nil }); err != context.Canceled {
			t.Errorf("%s went on after its time: %v", s.Describe().Name, err)
		}
	}
}

package redact

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const hash = "rounds=5000$saltsaltsalt$Zf4eUxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm.nopqrstuvwxyz0123/456789abcdefghij"

func TestSecretsGo(t *testing.T) {
	for _, c := range []struct{ path, in, want string }{
		{"/etc/x", "root:$6$" + hash + ":1", "root:$6$<redacted>:1"},
		{"/etc/x", "h $y$j9T$abcdefghijk$ABCDEFGHIJK end", "h $y$<redacted> end"},
		{"/etc/x", "h $2y$10$abcdefghijklmnopqrstuv", "h $2y$<redacted>"},
		{"/etc/x", "h $gy$j9T$abcdefghijk$ABCDEFGHIJK", "h $gy$<redacted>"},
		{"/etc/x", "h $1$abcdefgh$ABCDEFGHIJK0123456789.", "h $1$<redacted>"},
		{"/boot/grub/grub.cfg", "password_pbkdf2 root grub.pbkdf2.sha512.10000.AABB.CCDD", "password_pbkdf2 root grub.pbkdf2.sha512.<redacted>"},
		{"/boot/grub2/user.cfg", "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.AABB.CCDD", "GRUB2_PASSWORD=<redacted>"},
		{"/boot/grub/grub.cfg", "password root hunter2", "password root <redacted>"},
		{"/etc/ldap.conf", "bindpw hunter2 x", "bindpw <redacted>"},
		{"/etc/ldap.conf", "#bindpw hunter2", "#bindpw <redacted>"},
		{"/etc/sssd/sssd.conf", "ldap_default_authtok = hunter2 and more", "ldap_default_authtok = <redacted>"},
		{"/etc/snmp/snmpd.conf", "rocommunity hunter2 10.0.0.0/8", "rocommunity <redacted>"},
		{"/etc/snmp/snmpd.conf", "com2sec user default hunter2 # ours", "com2sec user default <redacted>"},
		{"/etc/snmp/snmpd.conf", `createUser bob SHA "hunter two" AES hunter3`, "createUser bob <redacted>"},
		{"/etc/network/interfaces", "\twpa-psk hunter2", "\twpa-psk <redacted>"},
		{"/etc/sysconfig/network-scripts/ifcfg-w", "KEY1=s:hunter2", "KEY1=<redacted>"},
		{"/etc/systemd/system/a.service", `Environment=A=1 DB_PASSWORD=hunter2 B=2`, `Environment=A=1 DB_PASSWORD=<redacted> B=2`},
		{"/etc/systemd/system/a.service", `Environment="DB_PASSWORD=hunter two" "B=2"`, `Environment="DB_PASSWORD=<redacted>" "B=2"`},
		{"/etc/systemd/system/a.service", `SetCredential=db:hunter2`, `SetCredential=<redacted>`},
		{"/etc/systemd/system/a.service", `ExecStart=/bin/x --password hunter2 --api-token=abc -v`, `ExecStart=/bin/x --password <redacted> --api-token=<redacted> -v`},
		{"/etc/cron.d/x", "0 1 * * * root mysqldump -u root -phunter2 all", "0 1 * * * root mysqldump -u root -p<redacted> all"},
		{"/etc/cron.d/x", "0 1 * * * root curl -u bob:hunter2 https://x/", "0 1 * * * root curl -u bob:<redacted> https://x/"},
		{"/etc/cron.d/x", `* * * * * root curl -H "Authorization: Bearer abcdef.ghi"`, `* * * * * root curl -H "Authorization: Bearer <redacted>"`},
		{"/etc/cron.d/x", `* * * * * root openssl x -passin pass:hunter2 -in y`, `* * * * * root openssl x -passin pass:<redacted> -in y`},
		{"/etc/cron.d/x", `* * * * * root ldapsearch -x -w hunter2 -b dc`, `* * * * * root ldapsearch -x -w <redacted> -b dc`},
		{"/etc/apt/sources.list", "deb https://bob:hunter2@repo.example/debian bookworm main", "deb https://bob:<redacted>@repo.example/debian bookworm main"},
		{"/etc/apt/sources.list", "deb https://hunter2@repo.example/debian bookworm main", "deb https://<redacted>@repo.example/debian bookworm main"},
		{"/etc/apt/apt.conf", `Acquire::http::Proxy "http://u:p/w@d@proxy:3128/";`, `Acquire::http::Proxy "http://u:<redacted>@proxy:3128/";`},
		{"/etc/profile", "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "export AWS_SECRET_ACCESS_KEY=<redacted>"},
		{"/etc/profile", "id AKIAIOSFODNN7EXAMPLE x", "id AKIA<redacted> x"},
		{"/etc/profile", `{"apiKey": "hunter2", "b": 1}`, `{"apiKey": <redacted>, "b": 1}`},
		{"/etc/profile", "x=ghp_0123456789abcdefghijABCDEFGHIJ012345", "x=ghp_<redacted>"},
		{"/etc/profile", "PGPASSWORD=hunter2 psql", "PGPASSWORD=<redacted>"},
		{"/etc/profile", "export FOO_TOKEN='a b' BAR=1", "export FOO_TOKEN=<redacted> BAR=1"},
		{"/etc/fstab", "//s/x /mnt cifs username=bob,password=hunter2,nosuid,nodev 0 0", "//s/x /mnt cifs username=bob,password=<redacted>,nosuid,nodev 0 0"},
		{"/etc/default/grub", `GRUB_CMDLINE_LINUX="luks.passphrase=hunter2 audit=1"`, `GRUB_CMDLINE_LINUX="luks.passphrase=<redacted> audit=1"`},
		{"/proc/cmdline", "root=/dev/sda1 luks.passphrase=hunter2 quiet", "root=/dev/sda1 luks.passphrase=<redacted> quiet"},
		{"/proc/cmdline", "systemd.set_credential=db:hunter2 quiet", "systemd.set_credential=<redacted> quiet"},
		{"/etc/ntp.conf", "crypto pw hunter2", "crypto pw <redacted>"},
		{"/etc/exim4/exim4.conf", "hide mysql_servers = h/d/u/hunter2", "hide mysql_servers = <redacted>"},
		{"/etc/squid/squid.conf", "cache_peer p parent 80 0 login=bob:hunter2 x", "cache_peer p parent 80 0 login=bob:<redacted> x"},
		{"/etc/named.conf", `secret "aHVudGVyMg==";`, `secret <redacted>`},
		{"/etc/x", "userPassword: {SSHA}aHVudGVyMg==", "userPassword: <redacted>"},
		{"/etc/x", "machine h login bob password hunter2", "machine h login bob password <redacted>"},
		{"/etc/x", "password = \\\nhunter2\nnext", "password = <redacted>\n<redacted>\nnext"},
		{"/etc/x", "password = \"hun\nter\n2\" x\nnext", "password = <redacted>\n<redacted>\n<redacted>\" x\nnext"},
		{"/etc/x", "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n\nx\n-----END OPENSSH PRIVATE KEY-----\nnext\n",
			"-----BEGIN OPENSSH PRIVATE KEY-----\n<redacted>\n<redacted>\n<redacted>\n<redacted>\nnext\n"},
		{"/etc/x", `k = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"`, `k = "-----BEGIN PRIVATE KEY-----<redacted>-----END PRIVATE KEY-----"`},
		{"/etc/security/pam_mount.conf.xml", "<password>hunter2</password>", "<password><redacted></password>"},
		{"/etc/cron.d/x", "* * * * * root lftp -u bob,hunter2 h", "* * * * * root lftp -u bob,<redacted> h"},
		{"/etc/cron.d/x", "* * * * * root mosquitto_pub -u bob -P hunter2 -t x", "* * * * * root mosquitto_pub -u bob -P <redacted> -t x"},
		{"/etc/cron.d/x", "* * * * * root ldappasswd -s hunter2 cn=x", "* * * * * root ldappasswd -s <redacted> cn=x"},
		{"/etc/cron.d/x", "* * * * * root snmpget -v3 -A hunter2 -X hunter3 h", "* * * * * root snmpget -v3 -A <redacted> -X <redacted> h"},
		{"/etc/cron.d/x", "* * * * * root useradd -p hunter2 bob", "* * * * * root useradd -p <redacted> bob"},
		{"/etc/cron.d/x", "* * * * * root sqlplus bob/hunter2@db", "* * * * * root sqlplus bob/<redacted>@db"},
		{"/etc/cron.d/x", "* * * * * root htpasswd -b /f bob hunter2", "* * * * * root htpasswd -b /f bob <redacted>"},
		{"/etc/cron.d/x", "* * * * * root mysqladmin -u root password hunter2", "* * * * * root mysqladmin -u root password <redacted>"},
		{"/etc/cron.d/x", "* * * * * root aws configure set aws_secret_access_key hunter2", "* * * * * root aws configure set aws_secret_access_key <redacted>"},
		{"/etc/cron.d/x", "* * * * * root echo hunter2 | sudo -S ls", "* * * * * root echo <redacted> ls"},
		{"/etc/cron.d/x", `* * * * * root curl "https://x/?a=1&sig=hunter2&b=1" -H "Cookie: session=hunter3"`, `* * * * * root curl "https://x/?a=1&sig=<redacted>&b=1" -H "Cookie: <redacted>"`},
		{"/etc/systemd/system/a.service", "ExecStart=/bin/x --requirepass hunter2 --api_key hunter3", "ExecStart=/bin/x --requirepass <redacted> --api_key <redacted>"},
		{"/etc/systemd/system/a.service", "Environment=DBPASS=hunter2 DSN=bob:hunter3@tcp(db)/x", "Environment=DBPASS=<redacted> DSN=bob:<redacted>db)/x"},
		{"/etc/x", "GRANT ALL TO bob IDENTIFIED BY 'hunter2'", "GRANT ALL TO bob IDENTIFIED BY <redacted>"},
		{"/etc/x", "PresharedKey = hunter2", "PresharedKey = <redacted>"},
		{"/etc/nslcd.conf", "rootpwmodpw hunter2", "rootpwmodpw <redacted>"},
		{"/etc/sudoers", "# the old password: hunter2", "# the old password: <redacted>"},
		{"/etc/cron.d/x", "* * * * * root curl https://hooks.slack.com/services/T0000/B0000/hunter2", "* * * * * root curl https://hooks.slack.com/services/T0000/<redacted>"},
		{"/etc/cron.d/x", "* * * * * root curl https://discord.com/api/webhooks/123/hunter2", "* * * * * root curl https://discord.com/api/webhooks/123/<redacted>"},
		{"/etc/cron.d/x", "* * * * * root curl https://api.telegram.org/bot123:hunter2/send", "* * * * * root curl https://api.telegram.org/bot123:<redacted>/send"},
		{"/etc/cron.d/x", "* * * * * root redis-cli -h x -a hunter2 ping", "* * * * * root redis-cli -h x -a <redacted> ping"},
		{"/etc/cron.d/x", "* * * * * root docker login -u bob -p hunter2 x", "* * * * * root docker login -u bob -p <redacted> x"},
		{"/etc/rsyslog.conf", "*.* :ommysql:db,logs,bob,hunter2;format", "*.* :ommysql:db,logs,bob,<redacted>;format"},
		{"/etc/rsyslog.conf", "*.* >db,logs,bob,hunter2", "*.* >db,logs,bob,<redacted>"},
		{"/etc/syslog-ng/syslog-ng.conf", `sql(username("bob") password("hunter2"));`, `sql(username("bob") password(<redacted>));`},
		{"/etc/syslog-ng/syslog-ng.conf", `sql(username(bob) password(hunter2));`, `sql(username(bob) password(<redacted>));`},
		{"/etc/postfix/main.cf", "smtp_sasl_password_maps = static:bob:hunter2", "smtp_sasl_password_maps = static:bob:<redacted>"},
		{"/etc/fstab", "//s/x /mnt cifs user=bob%hunter2,nosuid 0 0", "//s/x /mnt cifs user=bob%<redacted>,nosuid 0 0"},
		{"/etc/x", "password = x\r\nnext\r\n", "password = <redacted>\r\nnext\r\n"},
	} {
		got, n := Text(c.path, c.in)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q:\n%s", c.in, d)
		}
		if n == 0 {
			t.Errorf("%q: nothing was counted", c.in)
		}
	}
}

// What rules ask for stays as it is, whatever words it is made of.
func TestDirectivesStay(t *testing.T) {
	for path, text := range map[string]string{
		"/etc/ssh/sshd_config": `PasswordAuthentication no
PasswordAuthentication=yes
PermitEmptyPasswords no
PermitEmptyPasswords=no
#PermitRootLogin prohibit-password
KbdInteractiveAuthentication no
GSSAPIStoreCredentialsOnRekey yes
GSSAPICleanupCredentials=yes
AuthorizedKeysFile .ssh/authorized_keys
HostKey /etc/ssh/ssh_host_ed25519_key
NumberOfPasswordPrompts=3
Ciphers=aes256-gcm@openssh.com,chacha20-poly1305@openssh.com
Match User bob Address 10.0.0.0/8
RekeyLimit 1G 1h
`,
		"/etc/pam.d/common-password": `password requisite pam_pwquality.so retry=3 minlen=14 dcredit=-1
password	[success=1 default=ignore]	pam_unix.so obscure use_authtok try_first_pass yescrypt
password required pam_unix.so sha512 shadow nullok remember=5 authtok_type=UNIX
-password   optional   pam_gnome_keyring.so use_authtok
 -password   optional   pam_gnome_keyring.so use_authtok
@include common-password
account	[success=1 new_authtok_reqd=done default=ignore]	pam_unix.so
auth [authtok_err=die default=ok authtok_expired=1] pam_unix.so
`,
		"/etc/login.defs":              "PASS_MAX_DAYS\t365\nPASS_MIN_DAYS 1\nPASS_WARN_AGE=7\nENCRYPT_METHOD SHA512\nLOGIN_RETRIES 5\n",
		"/etc/comments":                "# password (no credit, passwords (s)), password(s), the token (DES)\n",
		"/etc/security/pwquality.conf": "minlen = 14\nretry = 3\nenforce_for_root\nusercheck=1\ndictcheck = 1\nbadwords = a b\n",
		"/etc/sudoers": `Defaults passwd_timeout=5, passwd_tries=3, targetpw, !rootpw, passprompt="Password: "
%admin ALL=(ALL) NOPASSWD: ALL
bob ALL = PASSWD: /usr/bin/passwd, NOPASSWD: /bin/ls
Defaults logfile="/var/log/sudo.log"
`,
		"/etc/nsswitch.conf":    "passwd: files systemd\nshadow: files\ngroup: files\n",
		"/etc/snmp/snmpd.conf":  "rocommunity public default\ncom2sec notConfigUser default public\nrouser bob authpriv\n",
		"/etc/postfix/main.cf":  "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtpd_tls_key_file=/etc/ssl/private/x.key\ninet_interfaces = loopback-only\n",
		"/etc/audit/rules.d/a":  "-a always,exit -F path=/usr/bin/passwd -F perm=x -F auid>=1000 -F auid!=unset -k privileged-passwd\n-w /etc/passwd -p wa -k identity\n-w /etc/security/opasswd -p wa -k identity\n-a always,exit -S all -F key=passwd\n",
		"/etc/dconf/db/gdm.d/x": "[org/gnome/login-screen]\nenable-password-authentication=false\ndisable-user-list=true\n",
		"/usr/lib/systemd/system/systemd-ask-password-wall.service": "Description=Forward Password Requests to Wall\nExecStart=systemd-tty-ask-password-agent --wall\nKeyringMode=private\nLoadCredential=passwd.hashed-password.root\nImportCredential=tmpfiles.*\n",
		"/etc/fstab":                  "UUID=1-2 / ext4 defaults,nosuid,nodev,noexec 0 1\n",
		"/etc/aide/aide.conf":         "/etc/passwd p+i+n\n/usr/bin/passwd = CONTENT\n",
		"/etc/fapolicyd/x":            "allow perm=open exe=/usr/bin/passwd : ftype=x\n",
		"/etc/samba/smb.conf":         "unix password sync = yes\npasswd program = /usr/bin/passwd %u\nencrypt passwords = yes\nmin protocol = SMB2\n",
		"/etc/sssd/sssd.conf":         "ldap_default_authtok_type = password\ncache_credentials = true\noffline_credentials_expiration = 1\nldap_tls_reqcert = demand\n",
		"/etc/apt/preferences":        "Pin: release a=stable\nPin-Priority: 900\n",
		"/etc/chrony/chrony.conf":     "keyfile /etc/chrony/chrony.keys\nserver a iburst\nuser _chrony\n",
		"/etc/default/grub":           `GRUB_CMDLINE_LINUX="audit=1 audit_backlog_limit=8192 ipv6.disable=1"` + "\n",
		"/etc/bash.bashrc":            "PS1='${debian_chroot:+($debian_chroot)}\\u@\\h:\\w\\$ '\necho \"$1$2\" $3$foo\numask 027\nTMOUT=900\nreadonly TMOUT\n",
		"/boot/config-6.1.0":          "CONFIG_CRYPTO_USER_API_HASH=m\nCONFIG_SECRETMEM=y\nCONFIG_KEYS=y\n",
		"/etc/libuser.conf":           "crypt_style = sha512\n",
		"/etc/systemd/journald.conf":  "ForwardToSyslog=yes\nStorage=persistent\n",
		"/etc/sysctl.d/a.conf":        "kernel.randomize_va_space = 2\nnet.ipv4.tcp_syncookies=1\n",
		"/etc/yum.repos.d/a.repo":     "gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/KEY\nmirrorlist=https://mirrors.example/x?arch=$basearch\n",
		"/etc/crypto-policies/a":      "mac = HMAC-SHA2-256\nmin_rsa_size = 2048\n__openssl_block_sha1_signatures = 1\n",
		"/etc/rsyslog.conf":           "$FileCreateMode 0640\n*.* @@loghost.example.com:514\nauth,authpriv.*\t/var/log/auth.log\n",
		"/etc/pam_pkcs11/pkcs11.conf": "cert_policy = ca, ocsp_on, signature;\ntoken_type = \"x\";\n",
	} {
		got, n := Text(path, text)
		if d := cmp.Diff(text, got); d != "" || n != 0 {
			t.Errorf("%s (%d):\n%s", path, n, d)
		}
	}
}

func TestMounts(t *testing.T) {
	in := []string{"rw", "username=bob", "password=a", "pass=b", "credentials=/etc/x", "ecryptfs_sig=ab", "user=bob%c", "addr=10.0.0.1", "rdma=http://a:b@c/"}
	want := []string{"rw", "username=bob", "password=<redacted>", "pass=<redacted>", "credentials=<redacted>", "ecryptfs_sig=<redacted>", "user=bob%<redacted>", "addr=10.0.0.1", "rdma=http://a:<redacted>@c/"}
	if d := cmp.Diff(want, MountOptions(in)); d != "" {
		t.Error(d)
	}
	for in, want := range map[string]string{
		"//bob:hunter2@server/share": "//bob:<redacted>@server/share",
		"//server/share":             "//server/share",
		"bob@host:/folder":           "bob@host:/folder",
		"/dev/sda1":                  "/dev/sda1",
		"https://bob:h@dav/":         "https://bob:<redacted>@dav/",
	} {
		if got := URL(in); got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever the text, there are as many lines after as before, and what was
// redacted once stays.
func FuzzText(f *testing.F) {
	f.Add("/etc/x", "password = \"a\nb\" -----BEGIN X-----\nAAA\n-----END X-----\ntoken: x \\\ny")
	f.Add("/etc/snmp/snmpd.conf", "com2sec a b c # d\ncreateUser x\n")
	f.Add("/etc/fstab", "//a/b /c cifs password=x,rw 0 0")
	f.Add("/etc/x", "PASSWORD=$6$aaaaaaaaaaaa$bbbb https://a:b@c/ AKIAIOSFODNN7EXAMPLE")
	f.Fuzz(func(t *testing.T, path, text string) {
		got, n := Text(path, text)
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Fatalf("%q became %q: other lines", text, got)
		}
		if n == 0 && got != text {
			t.Fatalf("%q became %q without a count", text, got)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q became %q: not UTF-8", text, got)
		}
	})
}

// A named secret is gone whatever it is made of, as long as it is one word.
func FuzzValue(f *testing.F) {
	for _, v := range []string{"hunter2", `a"b'c`, "a=b:c", "$6$x", "{x}", "a\\b", "-x"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, " \t\n\r") || harmless(value) {
			return
		}
		secret := "Zq7" + value + "Wk9" // recognisable at both ends
		for _, line := range []string{"db_password = %", "export API_TOKEN=%", "bindpw %", "  secret-key: %"} {
			got, _ := Text("/etc/x.conf", strings.ReplaceAll(line, "%", secret)+"\nnext\n")
			if strings.Contains(got, "Zq7") || strings.Contains(got, "Wk9") {
				t.Fatalf("%q in %q stays: %q", secret, line, got)
			}
		}
	})
}

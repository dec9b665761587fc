package e2e

// look is how a test can tell that the agent came by a place.
type look int

const (
	text     look = iota // the text is collected: what stands before and after the secret is there
	withheld             // the path is told, with a reason why there is no text
	listed               // the file's metadata is collected, and no text
	outside              // nothing is told of it
)

// place is a file with secrets: {} is a new canary, {hex} one of hexadecimal
// digits, {look} what shows that the text around was collected; it is put into
// comments before and after the text where there is none.
type place struct {
	path string
	look look
	text string
}

// places are where hosts keep secrets. A hard link of a secret inside of the
// published scope is none of them: it is the same file, and nothing tells which
// of its names was meant to be secret.
var places = []place{
	// Files that are nothing but secrets.
	{"/etc/ssh/ssh_host_ed25519_key", listed, "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n"},
	{"/etc/ssh/ssh_host_rsa_key", listed, "-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n"},
	{"/root/.ssh/id_rsa", listed, "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n"},
	{"/root/.ssh/authorized_keys", listed, "command=\"login {}\" ssh-ed25519 AAAA x\n"},
	{"/home/canary/.ssh/id_ed25519", listed, "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n"},
	{"/etc/ssl/private/server.key", listed, "-----BEGIN PRIVATE KEY-----\n{}\n"},
	{"/etc/pki/tls/private/server.key", listed, "-----BEGIN PRIVATE KEY-----\n{}\n"},
	{"/etc/letsencrypt/live/x/privkey.pem", listed, "-----BEGIN PRIVATE KEY-----\n{}\n"},
	{"/etc/shadow-", listed, "root:$6$saltsalt${}{}:19000:0:99999:7:::\n"},
	{"/etc/gshadow", listed, "root:$6$saltsalt${}::\n"},
	{"/etc/security/opasswd", listed, "canary:1000:1:$6$saltsalt${}\n"},
	{"/etc/krb5.keytab", listed, "\x05\x02{}"},
	{"/etc/ipsec.secrets", listed, ": PSK \"{}\"\n"},
	{"/etc/wireguard/wg0.conf", listed, "[Interface]\nPrivateKey = {}\n"},
	{"/etc/chrony/chrony.keys", listed, "1 SHA256 HEX:{hex}\n"},
	{"/etc/wpa_supplicant/wpa_supplicant.conf", listed, "network={\n psk=\"{}\"\n}\n"},
	{"/etc/NetworkManager/system-connections/wifi.nmconnection", listed, "[wifi-security]\npsk={}\n"},
	{"/etc/kubernetes/admin.conf", listed, "users:\n- user:\n    client-key-data: {}\n    token: {}\n"},
	{"/etc/apt/auth.conf", listed, "machine apt.example login bob password {}\n"},
	{"/etc/apt/auth.conf.d/x.conf", listed, "machine apt.example login bob password {}\n"},
	{"/etc/postfix/sasl_passwd", listed, "[relay.example]:587 bob:{}\n"},
	{"/etc/keys/data", listed, "{}"},
	{"/etc/samba/credentials", listed, "username=bob\npassword={}\n"},
	{"/etc/default/app", listed, "DATABASE_URL=postgres://app:{}@db/app\nSECRET={}\n"},
	{"/etc/app/.env", listed, "SECRET_KEY={}\n"},
	{"/etc/pip.conf", listed, "[global]\nindex-url = https://bob:{}@pypi.example/simple\n"},
	{"/etc/mysql/debian.cnf", listed, "[client]\npassword = {}\n"},
	{"/root/.aws/credentials", listed, "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {}\n"},
	{"/root/.kube/config", listed, "users:\n- user: {token: \"{}\"}\n"},
	{"/root/.docker/config.json", listed, `{"auths":{"registry.example":{"auth":"{}"}}}`},
	{"/root/.netrc", listed, "machine a.example login bob password {}\n"},
	{"/root/.pgpass", listed, "*:*:*:*:{}\n"},
	{"/root/.my.cnf", listed, "[client]\npassword={}\n"},
	{"/root/.git-credentials", listed, "https://bob:{}@git.example\n"},
	{"/root/.npmrc", listed, "//registry.example/:_authToken={}\n"},
	{"/root/.bash_history", listed, "mysql -u root -p{}\nexport TOKEN={}\n"},
	{"/home/canary/.env", listed, "SECRET={}\n"},
	// Beside what the sensor of libraries reads, and in it.
	{"/srv/app/node_modules/canary-lib/package.json", outside, `{"name":"canary-lib","version":"1.0.0","scripts":{"x":"curl -u bob:{}"},"_authToken":"{}","repository":"https://bob:{}@git.example/x"}`},
	{"/srv/app/node_modules/canary-lib/.npmrc", outside, "//registry.example/:_authToken={}\n"},
	{"/srv/app/lib/python3/site-packages/canary_dist-1.0.dist-info/METADATA", outside, "Metadata-Version: 2.1\nName: canary-dist\nVersion: 1.0\nHome-page: https://bob:{}@pypi.example/x\n\nSECRET={}\n"},
	{"/srv/app/lib/python3/site-packages/canary_dist-1.0.dist-info/direct_url.json", outside, `{"url":"https://bob:{}@git.example/x"}`},
	{"/home/canary/app/deep/.env", outside, "SECRET={}\n"},
	{"/srv/app/config/.env", outside, "SECRET={}\n"},
	{"/var/lib/app/jwt.secret", outside, "{}"},
	{"/var/www/html/wp-config.php", outside, "define('DB_PASSWORD', '{}');\n"},
	{"/var/spool/cron/crontabs/canary", listed, "* * * * * curl https://x.example/?token={}\n"},

	// Links from the published scope to secrets, and names that are not read.
	{"/etc/sysctl.d/90-link.conf", withheld, "-> /root/.ssh/id_rsa"},
	{"/etc/ssh/sshd_config.d/99-link.conf", withheld, "-> /etc/shadow"},
	{"/etc/profile.d/link.sh", withheld, "-> ../ssh/ssh_host_rsa_key"},
	{"/etc/cron.d/link", withheld, "-> /var/lib/app/jwt.secret"},
	{"/etc/pam.d/link", withheld, "-> /proc/self/environ"},

	// Texts that are collected, with secrets among the rest.
	{"/etc/ssh/sshd_config.d/oops.conf", text, "PermitRootLogin no\n-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----\n"},
	{"/etc/environment", text, "DEPLOY_TOKEN={}\nAWS_SECRET_ACCESS_KEY=\"{}\"\n"},
	{"/etc/default/grub.d/x.cfg", text, "GRUB_CMDLINE_LINUX=\"audit=1 rd.luks.password={}\"\n"},
	{"/boot/grub/grub.cfg", text, "set superusers=root\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.{hex}.{hex}\npassword bob {}\n"},
	{"/boot/grub2/user.cfg", text, "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.{hex}.{hex}\n"},
	{"/etc/kernel/cmdline", text, "{look} root=/dev/sda1 systemd.set_credential=db:{} rd.luks.passphrase={} quiet {look}\n"},
	{"/etc/ldap/ldap.conf", text, "BASE dc=example\nbindpw {}\n"},
	{"/etc/nslcd.conf", text, "uri ldap://x\nbindpw {}\nrootpwmodpw {}\n"},
	{"/etc/sssd/sssd.conf", text, "[domain/x]\nldap_default_authtok_type = password\nldap_default_authtok = {}\n"},
	{"/etc/libuser.conf", text, "[ldap]\npassword = {}\n"},
	{"/etc/NetworkManager/conf.d/wifi.conf", text, "[wifi]\nwifi.scan-rand-mac-address=no\npsk={}\n"},
	{"/etc/sysconfig/network-scripts/ifcfg-wlan0", text, "ESSID=home\nWPA_PSK='{}'\nKEY1=s:{}\n"},
	{"/etc/network/interfaces.d/wlan0", text, "iface wlan0 inet dhcp\n  wpa-ssid home\n  wpa-psk {}\n"},
	{"/etc/snmp/snmpd.conf", text, "rocommunity {} 10.0.0.0/8\ncom2sec local default {}\ncreateUser monitor SHA \"{}\" AES {}\n"},
	{"/etc/rsyslog.d/relay.conf", text, "action(type=\"omelasticsearch\" uid=\"log\" pwd=\"{}\" server=\"x\")\n*.* :ommysql:db.example,logs,bob,{}\n"},
	{"/etc/syslog-ng/conf.d/x.conf", text, "destination d { sql(type(mysql) username(\"bob\") password(\"{}\")); };\n"},
	{"/etc/postfix/main.cf", text, "relayhost = x\nsmtp_sasl_password_maps = static:bob:{}\nsmtpd_tls_security_level = may\n"},
	{"/etc/exim4/exim4.conf.localmacros", text, "hide mysql_servers = localhost/exim/exim/{}\n"},
	{"/etc/dovecot/conf.d/auth-sql.conf.ext", text, "connect = host=db dbname=mail user=mail password={}\n"},
	{"/etc/squid/conf.d/x.conf", text, "cache_peer p.example parent 3128 0 login=bob:{}\n"},
	{"/etc/bind/named.conf.local", text, "key \"k\" { algorithm hmac-sha256; secret \"{}\"; };\n"},
	{"/etc/ntp.conf", text, "crypto pw {}\n"},
	{"/etc/crypttab", text, "data /dev/sdb1 /etc/keys/data luks,tries=1\nswap /dev/sdb2 /dev/urandom swap,password={}\n"},
	{"/etc/fstab", text, "//nas/share /mnt/nas cifs username=bob,password={},nosuid 0 0\n//nas/other /mnt/other cifs user=bob%{} 0 0\n"},
	{"/etc/auto.master", text, "/nas -fstype=cifs,username=bob,password={} ://nas/share\n"},
	{"/etc/apt/sources.list.d/private.list", text, "deb https://bob:{}@apt.example/ stable main\n"},
	{"/etc/apt/sources.list.d/private.sources", text, "Types: deb\nURIs: https://bob:{}@apt.example/ https://{}@apt.example/\nSuites: stable\n"},
	{"/etc/apt/apt.conf.d/99proxy", text, "Acquire::http::Proxy \"http://bob:{}@proxy.example:3128\";\n"},
	{"/etc/yum.repos.d/private.repo", text, "[private]\nbaseurl=https://bob:{}@rpm.example/\nusername=bob\npassword={}\ngpgcheck=1\n"},
	{"/etc/dnf/dnf.conf", text, "[main]\nproxy_username=bob\nproxy_password={}\n"},
	{"/etc/pam.d/database", text, "auth required pam_mysql.so user=root passwd={} db=x\nauth sufficient pam_ldap.so bindpw={} use_first_pass\n"},
	{"/etc/sudoers.d/deploy", text, "# the old password: {}\ncanary ALL=(ALL) NOPASSWD: /usr/bin/mysql -p{}\n"},
	{"/etc/cron.d/backup", text, "MYSQL_PWD={}\n0 1 * * * root curl -s 'https://api.example/hook?user=a&token={}' -H 'Authorization: Bearer {}'\n0 2 * * * root curl -d x https://hooks.slack.com/services/T00000000/B00000000/{}\n"},
	{"/etc/cron.daily/dump", text, "PGPASSWORD={} pg_dump app\nmysqldump -u root -p{} app\nsshpass -p '{}' ssh x\nopenssl enc -aes-256-cbc -pass pass:{} -in a\nredis-cli -a {} ping\n" +
		"curl -u bob:{} https://x.example\ncurl -H 'X-Api-Key: {}' https://x.example\ncurl -d '{\"password\":\"{}\"}' https://x.example\necho 'root:{}' | chpasswd\nldapsearch -x -D cn=a -w {}\n" +
		"docker login -u bob -p {} registry.example\nsmbclient //nas/x -U bob%{}\nwget --password={} https://x.example\n"},
	{"/etc/cron.weekly/more", text, "lftp -u bob,{} x.example\nmosquitto_pub -u bob -P {} -t x\nldappasswd -s {} cn=x\nsnmpget -v3 -A {} -X {} x.example\nzip -P {} a\n" +
		"useradd -p {} bob\nsqlplus bob/{}@db\nhtpasswd -b /f bob {}\nmysqladmin -u root password {}\naws configure set aws_secret_access_key {}\nvault login {}\n" +
		"echo {} | sudo -S true\ncurl 'https://x.example/?a=1&sig={}' -H 'Cookie: session={}'\nmysql -e \"CREATE USER a IDENTIFIED BY '{}'\"\nDBPASS={} ./x\n"},
	{"/etc/security/pam_mount.conf.xml", text, "<volume user=\"bob\" options=\"username=bob,password={}\" />\n<password>{}</password>\n"},
	{"/etc/conf.d/app", text, "DSN=\"bob:{}@tcp(db:3306)/x\"\nREDIS_URL=redis://:{}@redis:6379/0\n"},
	{"/etc/profile.d/token.sh", text, "export TOKEN={}\nexport VAULT_TOKEN='{}'\nexport GITHUB_PAT=ghp_{}\n"},
	{"/root/.bashrc", text, "alias db='mysql -u root -p{}'\nexport NPM_TOKEN={}\n"},
	{"/etc/skel/.profile", text, "export ARTIFACTORY_API_KEY={}\n"},
	{"/etc/audit/audisp-remote.conf", text, "remote_server = x\npassword = {}\n"},
	{"/etc/systemd/system/app.service", text, "[Service]\nEnvironment=DB_PASSWORD={} 'API_KEY={}'\nEnvironmentFile=/etc/default/app\nSetCredential=db:{}\nExecStart=/usr/bin/app --user a --token {} --port 1\n"},
	{"/etc/systemd/system/app.service.d/override.conf", text, "[Service]\nEnvironment=\"CLIENT_SECRET={}\" \\\n  \"SESSION_TOKEN={}\"\n"},
	{"/etc/sysctl.d/50-notes.conf", text, "# AKIAIOSFODNN7EXAMPLE secret_access_key={}\nkernel.kptr_restrict = 1\n"},
	{"/etc/sysctl.d/60-new\nline.conf", text, "kernel.dmesg_restrict = 1\n# password: {}\n"},
	{"/etc/xinetd.d/rsync", text, "service rsync\n{\n env = RSYNC_PASSWORD={}\n}\n"},
	{"/etc/motd", text, "Authorization: Bearer {}\njwt eyJhbGciOiJIUzI1NiJ9.{}.{}\n"},
	{"/etc/issue", text, "Authorization: Basic {}=\n"},
	{"/etc/logrotate.d/app", text, "/var/log/app {\n postrotate\n  curl -u bob:{} https://x.example\n endscript\n}\n"},
	{"/etc/modprobe.d/x.conf", text, "options cifs password={}\n"},
	{"/etc/dhcp/dhcpd.conf", text, "key ddns {\n  algorithm hmac-md5;\n  secret {};\n}\n"},
}

package redact

import "regexp"

// word is an argument of a shell command.
const word = `("[^"]*"|'[^']*'|[^\s"';|&]+)`

// arguments are secrets among the arguments of programs, in cron tables, unit
// files, sudoers and scripts.
var arguments = []form{
	{"-p", regexp.MustCompile(`(\b(?:mysql|mariadb)[a-z-]*\b.*?\s-p)[^\s"']+`)},
	{"sshpass", regexp.MustCompile(`(\bsshpass\s+-p\s*)` + word)},
	{"-u", regexp.MustCompile(`(\s(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"'/]+:)[^\s"']+`)},
	{"--user", regexp.MustCompile(`(\s(?:--user|--proxy-user)[ =]["']?[^\s:"'/]+:)[^\s"']+`)},
	{"--proxy-user", regexp.MustCompile(`(\s--proxy-user[ =]["']?[^\s:"'/]+:)[^\s"']+`)},
	{"-U", regexp.MustCompile(`(\s-U\s*[^\s%"']+%)[^\s"']+`)},
	{"ldap", regexp.MustCompile(`(\bldap[a-z]+\b.*?\s-w\s*)` + word)},
	{"login", regexp.MustCompile(`(\blogin\s+\S+\s+password\s+)\S+`)},
	{"login=", regexp.MustCompile(`(\blogin=[^\s:]*:)\S+`)},
	{"chpasswd", regexp.MustCompile(`(\becho\s+(?:-[en]+\s+)?["']?[^\s:"']+:)[^\s"'|]+`)},
	{"--", regexp.MustCompile(`(\s--(?i:[a-z0-9_-]*(?:password|passwd|passphrase|requirepass|secret|token|api[_-]?key|access[_-]?key|psk)|(?:[a-z0-9_-]*[_-])?pass)\s+)("[^"]*"|'[^']*'|[^\s"'-]\S*)`)},
	{"-P", regexp.MustCompile(`(\b(?:mosquitto_[a-z]+|ipmitool|sqlcmd|zip|unzip)\b.*?\s-P\s*)` + word)},
	{"-p", regexp.MustCompile(`(\b(?:mongo[a-z]*|useradd|usermod|7z[ar]?)\b.*?\s-p\s*)` + word)},
	{"ldappasswd", regexp.MustCompile(`(\bldappasswd\b.*?\s-[as]\s*)` + word)},
	{"snmp", regexp.MustCompile(`(\bsnmp[a-z0-9]+\b.*?\s-c\s*)` + word)},
	{"snmp", regexp.MustCompile(`(\bsnmp[a-z0-9]+\b.*?\s-A\s*)` + word)},
	{"snmp", regexp.MustCompile(`(\bsnmp[a-z0-9]+\b.*?\s-X\s*)` + word)},
	{"openssl", regexp.MustCompile(`(\bopenssl\b.*?\s-k\s+)` + word)},
	{"htpasswd", regexp.MustCompile(`(\bhtpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+)` + word)},
	{"lftp", regexp.MustCompile(`(\blftp\b.*?\s-u\s*[^\s,]+,)` + word)},
	{"sqlplus", regexp.MustCompile(`(\bsqlplus\s+(?:-\S+\s+)*[^\s/]+/)[^\s@]+`)},
	{"mysqladmin", regexp.MustCompile(`(\bmysqladmin\b.*?\spassword\s+)` + word)},
	{"vault", regexp.MustCompile(`(\bvault\s+login\s+)[^\s=-][^\s=]*`)},
	{"configure", regexp.MustCompile(`(\baws\b.*?\sconfigure\s+set\s+\S*(?:secret|token)\S*\s+)` + word)},
	{"echo", regexp.MustCompile(`(\becho\s+(?:-[en]+\s+)?)(?:"[^"|]*"|'[^'|]*'|[^\s|"']+)\s*\|\s*(?:/\S*/)?(?:sudo\s+-\S*S|passwd\b|cryptsetup\b|gpg\b|kinit\b|smbpasswd\b)`)},
	{"redis-cli", regexp.MustCompile(`(\bredis-cli\b.*?\s-a\s*)` + word)},
	{"login", regexp.MustCompile(`(\b(?:docker|podman|buildah|skopeo|nerdctl|helm|oc|az)\b.*?\slogin\b.*?\s-p[ =]*)` + word)},
	{`"`, regexp.MustCompile(`(\b(?i:secret|password|passwd|passphrase|psk)\s+)"[^"]+"`)},
}

// settings are secrets that a program's own grammar has within a value:
// rsyslog's ommysql(8) without names, syslog-ng's password("x"), the static map
// of postfix's smtp_sasl_password_maps, user=NAME%PASSWORD of mount.cifs(8).
var settings = []form{
	{",", regexp.MustCompile(`((?::om(?:mysql|pgsql):|\s>)[^,\s]*,[^,\s]*,[^,\s]*,)[^;\s]+`)},
	{"(", regexp.MustCompile(`(\b(?i:[a-z_-]*(?:password|passwd|passphrase|secret|token))\s*\(\s*)("[^"]*"|'[^']*')`)},
	{"(", regexp.MustCompile(`(\b(?i:[a-z_-]*(?:password|passwd|passphrase))\()[^\s()"']{6,}`)}, // not "password(s)"
	{"static:", regexp.MustCompile(`(\bstatic:\s*\{?\s*[^\s:,]+:)[^\s,}]+`)},
	{"</", regexp.MustCompile(`(<(?i:[a-z0-9_:-]*(?:password|passwd|passphrase|secret|token))(?:\s[^<>]*)?>)[^<]+`)},
	{"=", regexp.MustCompile(`([?&](?i:key|sig|signature|code|auth|x-amz-signature)=)[^&\s"']+`)},
	{"ookie:", regexp.MustCompile(`(\b(?i:set-)?(?i:cookie):\s*)[^"'\s][^"']*`)},
	{"@", regexp.MustCompile(`(\b[^\s:="'/@]+:)[^\s@"'/]+@(?:tcp|unix)\(`)}, // go-sql-driver
	{"'", identified}, {`"`, identified},
	{"%", regexp.MustCompile(`(\buser(?:name)?=[^\s,%=]+%)[^\s,]+`)},
}

// identified is SQL's.
var identified = regexp.MustCompile(`((?i:identified\s+by)\s+)("[^"]*"|'[^']*')`)

package sshd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/testenv"
)

// oracle is the sshd of this machine.
type oracle struct {
	program, key string
	version      Version
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	program := testenv.Need(t, "sshd", "openssh-server")
	keygen := testenv.Need(t, "ssh-keygen", "openssh-client")
	if _, err := os.Stat("/run/sshd"); err != nil {
		testenv.NeedRoot(t)
		if err := os.Mkdir("/run/sshd", 0o755); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	out, _ := exec.Command(program, "-V").CombinedOutput()
	_, rest, _ := strings.Cut(string(out), "OpenSSH_")
	return &oracle{program, key, ParseVersion(rest)}
}

// ask runs sshd -T for a connection; nil if sshd refuses the configuration.
func (o *oracle) ask(file string, c *Connection) (map[string][]string, string) {
	spec := fmt.Sprintf("user=%s,host=%s,addr=%s,laddr=%s,lport=%d", c.User, c.Host, c.Address, c.LocalAddress, c.LocalPort)
	out, err := exec.Command(o.program, "-T", "-C", spec, "-f", file, "-h", o.key).CombinedOutput()
	if err != nil {
		return nil, string(out)
	}
	answers := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		answers[name] = append(answers[name], value)
	}
	return answers, string(out)
}

// starts tells whether sshd starts with a configuration.
func (o *oracle) starts(file string) bool {
	return exec.Command(o.program, "-t", "-f", file, "-h", o.key).Run() == nil
}

// accounts are the connections that the tests ask about: accounts of this
// machine, from several places.
func accounts(t testing.TB) []*Connection {
	var all []*Connection
	for i, name := range []string{"root", "nobody", "daemon", "nosuchuser"} {
		c := &Connection{User: name, Host: "client.example.com", Address: "10.1.2.3", LocalAddress: "192.168.0.1", LocalPort: 22}
		if i%2 == 1 {
			c.Host, c.Address, c.LocalPort, c.LocalAddress = "other.example.org", "2001:db8::7", 2222, "fe80::1"
		}
		if name == "daemon" {
			c.Host, c.Address = "192.0.2.17", "192.0.2.17"
		}
		u, err := user.Lookup(name)
		if err != nil {
			c.NoAccount = true
			all = append(all, c)
			continue
		}
		ids, err := u.GroupIds()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if g, err := user.LookupGroupId(id); err == nil {
				c.Groups = append(c.Groups, g.Name)
			}
		}
		all = append(all, c)
	}
	return all
}

var compared = []string{
	"permitrootlogin", "passwordauthentication", "kbdinteractiveauthentication", "pubkeyauthentication", "usepam",
	"gssapiauthentication", "usedns", "hostbasedauthentication", "kerberosauthentication",
}

var comparedLists = []string{"allowusers", "denyusers", "allowgroups", "denygroups", "authenticationmethods", "acceptenv"}

// compare compares this package with the oracle about files, the first of which
// is the one that sshd is started with.
func (o *oracle) compare(t *testing.T, files map[string]string, main string, conns []*Connection) (refused bool) {
	t.Helper()
	snapshot := hosttest.New()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		snapshot = snapshot.Text(name, text)
	}
	config, err := Parse(snapshot.Host(), Command{Version: o.version, File: main})
	for _, c := range conns {
		want, output := o.ask(main, c)
		if want == nil && err == nil && o.starts(main) {
			// sshd starts, and gives up on this connection.
			if v, _ := config.Value(config.Effective(c), "refuseconnection"); v != "yes" {
				t.Errorf("%s\n%+v: sshd refuses the connection: %s", describe(files), *c, output)
			}
			continue
		}
		if (want == nil) != (err != nil) {
			t.Errorf("%s\nwe: %v\nsshd: %s", describe(files), err, output)
			return false
		}
		if err != nil {
			var no *Refused
			if !errors.As(err, &no) {
				t.Errorf("not a refusal: %v", err)
			}
			return true
		}
		o.compareValues(t, config, c, want, files)
	}
	return false
}

func (o *oracle) compareValues(t *testing.T, config *Config, c *Connection, want map[string][]string, files map[string]string) {
	t.Helper()
	s := config.Effective(c)
	for _, name := range compared {
		got, _ := config.Value(s, name)
		if got == "prohibit-password" {
			got = "without-password"
		}
		if w := want[name]; len(w) != 1 || w[0] != got {
			t.Errorf("%s\n%+v: %s is %q, sshd says %q", describe(files), *c, name, got, w)
		}
	}
	for _, name := range comparedLists {
		var got []string
		for _, line := range s[name] {
			got = append(got, line.Args...)
		}
		if name == "authenticationmethods" {
			got = []string{strings.Join(got, " ")}
			if got[0] == "" {
				got[0] = "any"
			}
		}
		if !slices.Equal(got, want[name]) {
			t.Errorf("%s\n%+v: %s is %q, sshd says %q", describe(files), *c, name, got, want[name])
		}
	}
}

func describe(files map[string]string) string {
	var b strings.Builder
	for name, text := range files {
		fmt.Fprintf(&b, "--- %s\n%s\n", name, text)
	}
	return b.String()
}

// TestAlgorithms: every algorithm that this machine's OpenSSH has is known here.
func TestAlgorithms(t *testing.T) {
	ssh := testenv.Need(t, "ssh", "openssh-client")
	o := newOracle(t)
	for query, name := range map[string]string{"cipher": "ciphers", "mac": "macs", "kex": "kexalgorithms"} {
		out, err := exec.Command(ssh, "-Q", query).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.FieldsSeq(string(out)) {
			if err := (keyword{name: name, is: name}).algorithmsKnown(line, o.version); err != nil {
				t.Error(err)
			}
		}
	}
}

// generator makes random configurations.
type generator struct {
	*rand.Rand
	dir   string
	files map[string]string
	wild  int // one line in how many is nonsense
}

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g *generator) config(name string, level int) {
	path := filepath.Join(g.dir, name)
	g.files[path] = ""
	var b strings.Builder
	match := false
	for range g.IntN(9) + 1 {
		b.WriteString(g.pick("", "", "", "  ", "\t"))
		switch n := g.IntN(20); {
		case g.wild > 0 && g.IntN(g.wild) == 0:
			b.WriteString(g.nonsense())
		case n < 4:
			match = true
			b.WriteString(g.pick("Match", "match", "MATCH") + " " + g.criteria())
		case n < 6 && level < 3:
			b.WriteString(g.include(level))
		case n < 7:
			b.WriteString(g.pick("# PermitRootLogin yes", "#", ""))
		case match || g.IntN(3) > 0:
			b.WriteString(g.setting(true))
		default:
			b.WriteString(g.setting(false))
		}
		b.WriteString(g.pick("", "", "", "", " ", " # comment", "\r", "\f") + "\n")
	}
	g.files[path] = b.String()
}

func (g *generator) include(level int) string {
	name := fmt.Sprintf("inc%d-%d", level, g.IntN(3))
	switch g.IntN(5) {
	case 0:
		return "Include " + g.dir + "/none*.conf"
	case 1:
		for range g.IntN(3) {
			g.config(fmt.Sprintf("%s.d-%d.conf", name, g.IntN(9)), level+1)
		}
		return "Include " + g.dir + "/" + name + ".d-*.conf"
	case 2:
		g.config(name+".a", level+1)
		g.config(name+".b", level+1)
		return "Include " + g.dir + "/" + name + ".b \"" + g.dir + "/" + name + ".[a!]\""
	}
	g.config(name, level+1)
	return "include " + g.dir + "/" + name
}

func (g *generator) setting(matchable bool) string {
	flag := g.pick("yes", "no", "Yes", `"no"`, "NO")
	sep := g.pick(" ", " ", "\t", "=", " = ", "  ")
	if !matchable {
		return g.pick("UsePAM", "UseDNS", "usepam", "PrintMotd", "TCPKeepAlive") + sep + flag
	}
	switch g.IntN(9) {
	case 0, 1:
		return "PermitRootLogin" + sep + g.pick("yes", "no", "prohibit-password", "without-password", "forced-commands-only")
	case 2:
		return g.pick("AllowUsers", "DenyUsers") + " " + g.pick("root", "no*", "root@10.*", "*@192.0.2.0/24 daemon", "d?emon '*'")
	case 3:
		return g.pick("AllowGroups", "DenyGroups") + sep + g.pick("root", "*", "nogroup daemon", `"no group"`)
	case 4:
		return "AuthenticationMethods" + sep + g.pick("publickey", "publickey,password", "publickey password", "any", "keyboard-interactive:pam")
	case 5:
		return "AcceptEnv" + sep + g.pick("LANG LC_*", "A B C", "X")
	}
	return g.pick("PasswordAuthentication", "KbdInteractiveAuthentication", "ChallengeResponseAuthentication",
		"PubkeyAuthentication", "GSSAPIAuthentication", "HostbasedAuthentication", "KerberosAuthentication",
		"SkeyAuthentication", "passwordauthentication") + sep + flag
}

func (g *generator) criteria() string {
	if g.IntN(6) == 0 {
		return g.pick("all", "All", "all # everyone")
	}
	var parts []string
	for range g.IntN(2) + 1 {
		parts = append(parts, g.criterion())
	}
	return strings.Join(parts, " ")
}

func (g *generator) criterion() string {
	switch g.IntN(7) {
	case 0, 1:
		return g.pick("User", "user") + g.pick(" ", "=", " = ") + g.pick("root", "*", "!root,*", "r*,!ro?t", "nobody,daemon", "n?body", "ROOT", `"root"`)
	case 2:
		return "Group " + g.pick("root", "!root,*", "nogroup,daemon", "*")
	case 3:
		return "Host " + g.pick("*.example.com", "!client.example.com,*", "CLIENT.*", "192.0.2.*", "?lient*")
	case 4:
		return "Address " + g.pick("10.0.0.0/8", "!10.1.2.3,10.0.0.0/8", "10.1.*", "2001:db8::/32,192.0.2.17", "192.0.2.0/24", "::/0", "*")
	case 5:
		return "LocalPort " + g.pick("22", "2222")
	}
	return "LocalAddress " + g.pick("192.168.0.0/16", "fe80::/10", "192.168.0.1", "*")
}

func (g *generator) nonsense() string {
	return g.pick(
		"PermitRootLogin maybe", "PermitRootLogin", "Nonsense yes", "UsePAM yes no", `PasswordAuthentication "yes`,
		"Match", "Match user", "Match exec true", "Match all user root", "Match Address 10.1.2.3/8", "Match LocalPort x",
		"Protocol 1", "RSAAuthentication yes", "Port 0", "Port 22 23", "Subsystem sftp", "Include", `Include ""`,
		"AcceptEnv A=B", "AllowUsers root@10.0.0.1/8", "AuthenticationMethods foo", "AuthenticationMethods any publickey",
		"AuthenticationMethods hostbased", "PermitTunnel maybe", "MaxAuthTries x", "LoginGraceTime 1h30m", "LoginGraceTime 2y",
		"Banner", "Match all", "UseLogin", "PermitEmptyPasswords 1", "AuthorizedKeysCommand /bin/true", "ForceCommand",
		"MaxStartups 10:30", "LogLevel LOUD", "KerberosGetAFSToken what ever", "UsePAM 'yes'", "Host\\Key x", "IPQoS",
		"StreamLocalBindMask 9", "PermitOpen any", "PermitOpen host", "RekeyLimit 1G 1h", "RekeyLimit 3", "Compression delayed",
		"=PermitRootLogin yes", " = UsePAM yes", "UsePAM =yes", "UsePAM==yes", `"UsePAM" yes`, "Match User root,", "Match Address ,",
		"Ciphers aes128-ctr,aes256-gcm@openssh.com", "Ciphers arcfour", "Ciphers +aes128-cbc", "Ciphers -foo*", "Ciphers ^aes128-ctr,,x", "Ciphers none",
		"MACs hmac-sha2-512", "MACs hmac-ripemd160", "MACs +", "KexAlgorithms curve25519-sha256,sntrup761x25519-sha512@openssh.com",
		"KexAlgorithms diffie-hellman-group1", "KexAlgorithms +diffie-hellman-group1-sha1,nope")
}

// TestAgreesWithSSHD compares random configurations with what sshd says about
// them. ASSAY_SSHD_CONFIGS sets how many.
func TestAgreesWithSSHD(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	count := 90
	if n, err := strconv.Atoi(os.Getenv("ASSAY_SSHD_CONFIGS")); err == nil {
		count = n
	}
	conns := accounts(t)
	refusals := 0
	for i := range count {
		dir := t.TempDir()
		g := &generator{rand.New(rand.NewPCG(uint64(i), uint64(count))), dir, map[string]string{}, []int{0, 12, 40}[i%3]}
		g.config("sshd_config", 0)
		if o.compare(t, g.files, filepath.Join(dir, "sshd_config"), conns) {
			refusals++
		}
		if t.Failed() {
			t.Fatalf("configuration %d", i)
		}
	}
	if refusals == 0 || refusals > count*2/3 {
		t.Errorf("sshd refused %d of %d configurations: the generator is no good", refusals, count)
	}
	t.Logf("%d configurations, %d of them refused", count, refusals)
}

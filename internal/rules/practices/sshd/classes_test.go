package sshd

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"assay/internal/host/hosttest"
)

// outcome is what the rules make of a connection.
func outcome(c *Config, conn *Connection) string {
	a := c.Access(conn)
	methods := ""
	for _, w := range a.Password {
		methods += w.Method + " "
	}
	return fmt.Sprint(methods, a.Key)
}

// TestClassesMissNothing: whatever a random connection of some people may do, a
// class of theirs may do too.
func TestClassesMissNothing(t *testing.T) {
	people := []Person{
		{Name: "root", UID0: true, Groups: []string{"root"}}, {Name: "nobody", Groups: []string{"nogroup"}},
		{Name: "daemon", Groups: []string{"daemon", "no group"}}, {Name: "bob"}, {Name: "n1body", Groups: []string{"x"}},
	}
	addresses := []string{"10.1.2.3", "10.1.2.4", "10.2.0.1", "192.0.2.17", "192.0.2.18", "8.8.8.8", "2001:db8::7", "2001:db9::1", "::1"}
	names := []string{"client.example.com", "other.example.com", "client.net", "mail.net", ""}
	checked := 0
	for i := range uint64(1500) {
		r := rand.New(rand.NewPCG(i, 7))
		g := &generator{r, "/etc/ssh", map[string]string{}, 0}
		g.config("sshd_config", 0)
		s := hosttest.New()
		for name, text := range g.files {
			s = s.Text(name, text)
		}
		c, err := Parse(s.Host(), Command{Version: []Version{800, 902, Latest}[i%3], File: filepath.Join(g.dir, "sshd_config")})
		if err != nil {
			continue
		}
		classes, ok := c.Classes(people)
		if !ok {
			continue
		}
		checked++
		known := map[string]bool{}
		for j := range classes {
			known[classes[j].User+": "+outcome(c, &classes[j])] = true
		}
		usesDNS, ports := c.asked().names, c.asked().ports
		for range 60 {
			p := people[r.IntN(len(people))]
			conn := &Connection{User: p.Name, UID0: p.UID0, Groups: p.Groups, Address: addresses[r.IntN(len(addresses))],
				LocalAddress: addresses[r.IntN(len(addresses))], LocalPort: portNumber(ports[r.IntN(len(ports))])}
			conn.Host = conn.Address
			if name := names[r.IntN(len(names))]; usesDNS && name != "" {
				conn.Host = name
			}
			if o := outcome(c, conn); !seenByAnyAlike(c, people, p, known, o) {
				t.Fatalf("%s\n%+v comes to %q, no class does", describe(g.files), *conn, o)
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d configurations were checked", checked)
	}
}

// seenByAnyAlike tells whether a class of someone whom the configuration treats
// like p has an outcome.
func seenByAnyAlike(c *Config, people []Person, p Person, known map[string]bool, o string) bool {
	a := c.asked()
	for _, q := range people {
		if len(a.distinct([]Person{p, q})) == 1 && known[q.Name+": "+o] {
			return true
		}
	}
	return false
}

func FuzzParse(f *testing.F) {
	f.Add("PermitRootLogin yes\nMatch User root Address 10.0.0.0/8\nPermitRootLogin no\n", 902)
	f.Add("Include \"/etc/ssh/*.conf\" /etc/ssh/sshd_config\nAllowUsers a@b,!c \\'d\n", 1005)
	f.Add("Match all # x\nAuthenticationMethods any\x00\nUsePAM=yes\n", 807)
	f.Add("Protocol 2,1\nAuthenticationMethods publickey,password\n", 606)
	f.Add("Match Group *,!x LocalPort 22 Host \"a b\"\nListenAddress [::]:22\n", 0)
	f.Fuzz(func(t *testing.T, text string, version int) {
		h := hosttest.New().Text("/etc/ssh/sshd_config", text).Text("/etc/ssh/a.conf", text).Host()
		c, err := Parse(h, Command{Version: Version(version), File: "/etc/ssh/sshd_config"})
		if err != nil {
			return
		}
		people, _ := c.Anyone(true)
		classes, _ := c.Classes(people)
		for i := range min(len(classes), 100) {
			c.Access(&classes[i])
		}
	})
}

func FuzzUnit(f *testing.F) {
	f.Add("[Service]\nEnvironment=\"A=b c\"\nExecStart=@/usr/sbin/sshd sshd -D ${A} $OPTS \\\n -o'x y'\n", "OPTS='-f /x'\n")
	f.Fuzz(func(t *testing.T, unit, environment string) {
		h := hosttest.Parse(t, "system debian 12\npackage dpkg openssh-server 1:9.2p1-2\n").
			Text("/usr/lib/systemd/system/ssh.service", unit+"\n[Service]\nEnvironmentFile=/etc/default/ssh\n").
			Text("/etc/default/ssh", environment).Host()
		if s, err := Find(h); err == nil && len(s.Value.Commands) == 0 {
			t.Error("an sshd that nothing starts")
		}
	})
}

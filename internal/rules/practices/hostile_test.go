package practices

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// crafted is a host whose telemetry somebody wrote.
type crafted struct {
	host    *host.Host
	records map[string]int64
}

func (c *crafted) add(sensor string, rec telemetry.Record) {
	telemetry.Stamp(sensor, rec)
	c.host.Add(rec)
	c.records[sensor]++
}

func craft(fill func(*crafted)) *host.Host {
	c := &crafted{host.New("i-1"), map[string]int64{}}
	c.add(telemetry.SensorSystem, &telemetry.System{Live: true, OS: "debian", OSVersion: "12", Init: "systemd"})
	for _, path := range []string{"/", "/etc", "/etc/ssh", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin"} {
		c.add(telemetry.SensorFiles, &telemetry.File{Path: path, Kind: telemetry.Directory, Mode: 0o775, GID: 5})
	}
	fill(c)
	for _, sensor := range []string{telemetry.SensorConfig, telemetry.SensorFiles, telemetry.SensorAccounts, telemetry.SensorPackages, telemetry.SensorProcesses} {
		coverage := &telemetry.Coverage{State: telemetry.Complete, Records: c.records[sensor], Scope: []string{"/**"}}
		telemetry.Stamp(sensor, coverage)
		c.host.Add(coverage)
	}
	c.host.Seal()
	return c.host
}

func (c *crafted) sshd(text string) {
	c.add(telemetry.SensorFiles, &telemetry.File{Path: "/usr/sbin/sshd", Kind: telemetry.Regular, Mode: 0o755})
	c.add(telemetry.SensorPackages, &telemetry.Package{Manager: "dpkg", Name: "openssh-server", Version: "1:9.2p1-2", Source: "openssh", SourceVersion: "1:9.2p1-2", Status: "installed"})
	c.add(telemetry.SensorConfig, &telemetry.Text{Path: "/etc/ssh/sshd_config", Text: text, Size: int64(len(text))})
}

// TestCraftedHosts evaluates small telemetry that once took minutes to hours: it
// has to end, and to say where it gave up.
func TestCraftedHosts(t *testing.T) {
	for name, c := range map[string]struct {
		fill    func(*crafted)
		rule    string
		verdict rules.Verdict
		reason  string
	}{
		"many accounts and groups": {func(c *crafted) {
			for i := range 20_000 {
				name := fmt.Sprint("u", i)
				c.add(telemetry.SensorAccounts, &telemetry.User{Name: name, UID: uint32(i + 1000), GID: uint32(i), Password: telemetry.PasswordShadowed})
				c.add(telemetry.SensorAccounts, &telemetry.Group{Name: name, GID: uint32(i), Members: []string{name}})
			}
		}, "system-directories-writable", rules.Failed, "/etc"},
		"a long access control list": {func(c *crafted) {
			f := &telemetry.File{Path: "/usr/local", Kind: telemetry.Directory, Mode: 0o775}
			for i := range 50_000 {
				f.ACL = append(f.ACL, telemetry.ACL{Tag: "user", ID: uint32(i + 5), Perm: 7})
			}
			c.add(telemetry.SensorFiles, f)
		}, "system-directories-writable", rules.NotEvaluated, "too many"},
		"a long link": {func(c *crafted) {
			c.add(telemetry.SensorFiles, &telemetry.File{Path: "/bin", Kind: telemetry.Symlink, Target: strings.Repeat("usr/../", 500_000) + "bin"})
		}, "system-directories-writable", rules.Failed, "/etc"},
		"many patterns and names": {func(c *crafted) {
			for i := range 2_000 {
				c.add(telemetry.SensorConfig, &telemetry.Text{Path: fmt.Sprintf("/etc/ssh/%s%d", strings.Repeat("a", 240), i)})
			}
			c.sshd(strings.Repeat("Include /etc/ssh/*"+strings.Repeat("a", 100)+"b\n", 1900))
		}, "root-login-over-ssh", rules.NotEvaluated, "Include patterns"},
		"a long pattern and a long name": {func(c *crafted) {
			c.add(telemetry.SensorConfig, &telemetry.Text{Path: "/etc/ssh/" + strings.Repeat("a", 1<<20)})
			c.sshd("Include /etc/ssh/*" + strings.Repeat("a", 20_000) + "b\n")
		}, "root-login-over-ssh", rules.NotEvaluated, "longer than"},
		"a pattern of wild cards": {func(c *crafted) {
			c.add(telemetry.SensorConfig, &telemetry.Text{Path: "/etc/ssh/" + strings.Repeat("a", 1<<20)})
			c.sshd("Include /etc/ssh/" + strings.Repeat("*a?", 1_000) + "b\n")
		}, "root-login-over-ssh", rules.NotEvaluated, "more files than can be gone through"},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := Package{}.Evaluate(t.Context(), craft(c.fill), rules.Input{Now: time.Unix(1_800_000_000, 0)})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if r.Rule == c.rule && (r.Verdict != c.verdict || !strings.Contains(r.Reason, c.reason)) {
					t.Errorf("%s is %s: %s; want %s with %q", r.Rule, r.Verdict, r.Reason, c.verdict, c.reason)
				}
			}
		})
	}
}

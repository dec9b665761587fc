package practices

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// some is a rules package of some of the checks.
type some []check

func (p some) Describe() rules.Description {
	d := Package{}.Describe()
	d.Rules = nil
	for _, c := range p {
		d.Rules = append(d.Rules, c.rule)
	}
	return d
}

func (p some) Evaluate(ctx context.Context, h *host.Host, in rules.Input) ([]rules.Result, error) {
	var results []rules.Result
	for _, c := range p {
		results = append(results, run(ctx, c, h, in)...)
	}
	return results, nil
}

var sshChecks = some{rootLogin, sshProtocol, passwordAuthentication}

var wanted = regexp.MustCompile(`(?m)^# want: (.*)$`)

// TestSSHOfDistributions: the configurations that distributions ship.
func TestSSHOfDistributions(t *testing.T) {
	files, err := filepath.Glob("testdata/ssh/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no hosts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := hosttest.Parse(t, string(text))
			checkSSH(t, s, wanted.FindStringSubmatch(string(text))[1])
		})
	}
}

func checkSSH(t *testing.T, s *hosttest.Snapshot, want string) {
	t.Helper()
	got, results := sshVerdicts(s)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
		for _, r := range results {
			t.Log(r.Verdict, r.Reason, r.Evidence)
		}
	}
	rulestest.Sound(t, sshChecks, s, rules.Input{})
	rulestest.CitedMatters(t, sshChecks, s, rules.Input{})
}

// TestSSHOfThisDebian takes Debian 12's files from the package itself.
func TestSSHOfThisDebian(t *testing.T) {
	const shipped = "/usr/share/openssh/sshd_config"
	text, err := os.ReadFile(shipped)
	if err != nil {
		testenv.Missing(t, shipped+" (apt-get install openssh-server)")
	}
	s := hosttest.Parse(t, sshHost).Text("/etc/ssh/sshd_config", string(text))
	for _, name := range []string{"/usr/lib/systemd/system/ssh.service", "/lib/systemd/system/ssh.service"} {
		if unit, err := os.ReadFile(name); err == nil {
			s = s.Text(name, string(unit))
		}
	}
	checkSSH(t, s, "root=failed/Low password=failed protocol=passed")
}

// TestSSHServers is about which server there is, of which release, and how it is
// started.
func TestSSHServers(t *testing.T) {
	const shut = "PermitRootLogin no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
	const unit = "/usr/lib/systemd/system/ssh.service"
	const none = "root=not applicable password=not applicable protocol=not applicable"
	const unknown = "root=not evaluated password=not evaluated protocol=not evaluated"
	const passed = "root=passed password=passed protocol=passed"
	base := hosttest.Parse(t, sshHost)
	bare := base.Absent("package:dpkg/openssh-server")
	binary := &telemetry.File{Path: "/usr/sbin/sshd", Kind: telemetry.Regular, Mode: 0o755}
	dropbear := &telemetry.Package{Manager: "dpkg", Name: "dropbear", Version: "2022.83-1", Status: "installed"}
	gone := &telemetry.Package{Manager: "dpkg", Name: "openssh-server", Version: "1:9.2p1-2", Status: "config-files"}
	config := func(s *hosttest.Snapshot, text string) *hosttest.Snapshot {
		return s.Text("/etc/ssh/sshd_config", text)
	}
	for _, tt := range []struct {
		name string
		s    *hosttest.Snapshot
		want string
	}{
		{"none", bare, none},
		{"removed", bare.Add(telemetry.SensorPackages, gone), none},
		{"packages not known", bare.Partial(telemetry.SensorPackages), unknown},
		{"no file system seen", bare.Dropped(telemetry.SensorFiles), unknown},
		{"configuration not there", base, "root=not evaluated password=not evaluated protocol=passed"},
		{"configuration not collected", config(base, shut).Lost("text:/etc/ssh/sshd_config"), "root=not evaluated password=not evaluated protocol=passed"},
		{"configuration out of scope", base.Narrow(telemetry.SensorConfig, "/etc/pam.d/*"), "root=not evaluated password=not evaluated protocol=passed"},
		{"without a package", config(bare.Add(telemetry.SensorFiles, binary), "PermitRootLogin no\nPasswordAuthentication no\nUsePAM no\n"), passed},
		{"without a package, by default", config(bare.Add(telemetry.SensorFiles, binary), "PasswordAuthentication no\nUsePAM no\n"), "root=failed/Low password=passed protocol=passed"},
		{"dropbear", bare.Add(telemetry.SensorPackages, dropbear), "root=not evaluated password=not evaluated protocol=not applicable"},
		{"both", config(base, shut).Add(telemetry.SensorPackages, dropbear), "root=passed root=not evaluated password=passed password=not evaluated protocol=passed"},
		{"options of the unit", config(base, shut).Text(unit, "[Service]\nExecStart=/usr/sbin/sshd -D -oPermitRootLogin=yes -o 'PasswordAuthentication yes'\n"), "root=failed password=failed protocol=passed"},
		{"another file", config(base, shut).Text("/etc/ssh/other", "PermitRootLogin yes\n").Text(unit, "[Service]\nExecStart=/usr/sbin/sshd -Df /etc/ssh/other\n"), "root=failed password=failed protocol=passed"},
		{"a drop-in that takes back", config(base, shut).Text(unit, "[Service]\nExecStart=/usr/sbin/sshd -D -oPermitRootLogin=yes\n").
			Text("/etc/systemd/system/ssh.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D\n"), passed},
		{"options in a variable", config(base, shut).Text(unit, "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n").
			Text("/etc/default/ssh", "SSHD_OPTS='-o PermitRootLogin=yes -p 2222'\n"), "root=failed/Low password=passed protocol=passed"},
		{"variables not collected", config(base, shut).Text(unit, "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n").
			Add(telemetry.SensorConfig, &telemetry.Text{Path: "/etc/default/ssh", Problem: "permission denied"}), "root=not evaluated password=not evaluated protocol=passed"},
		{"without systemd", config(base, shut).Text("/etc/default/ssh", "SSHD_OPTS=\"-oPermitRootLogin=yes\"\n"), "root=failed/Low password=passed protocol=passed"},
		{"masked", config(base, shut).Text(unit, "[Service]\nExecStart=/usr/sbin/sshd -D -oPermitRootLogin=yes\n").
			Add(telemetry.SensorConfig, &telemetry.Text{Path: "/etc/systemd/system/ssh.service", Problem: "not a regular file"}).
			Add(telemetry.SensorFiles, &telemetry.File{Path: "/etc/systemd/system/ssh.service", Kind: telemetry.Symlink, Target: "/dev/null"}), passed},
		{"two units", config(base, shut).Text(unit, "[Service]\nExecStart=/usr/sbin/sshd -D\n").
			Text("/etc/systemd/system/ssh@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i \\\n  -o PermitRootLogin=yes\n"), "root=failed/Low password=passed protocol=passed"},
		{"an include that was lost", config(base, "Include /etc/ssh/sshd_config.d/*.conf\n"+shut).Text("/etc/ssh/sshd_config.d/a.conf", "").Lost("text:/etc/ssh/sshd_config.d/a.conf"),
			"root=not evaluated password=not evaluated protocol=passed"},
		{"includes itself", config(base, "Include /etc/ssh/sshd_config\n"), "root=not evaluated password=not evaluated protocol=passed"},
	} {
		t.Run(tt.name, func(t *testing.T) { checkSSH(t, tt.s, tt.want) })
	}
}

package behavior_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/practices"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

var ofRule = map[string]string{
	"login": "insecure-client-protocols-login", "general": "insecure-client-protocols-general", "unused": "unused-listening-tcp-ports",
	"servers": "insecure-server-protocols", "dep": "software-without-dep", "modules": "root-process-insecure-modules",
}

func evaluate(t testing.TB, h *host.Host) []rules.Result {
	t.Helper()
	results, err := behavior.Package{}.Evaluate(context.Background(), h, rules.Input{})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// said are the subjects of a rule that failed, or its verdict; after "; " that it was
// not evaluated in full.
func said(results []rules.Result, rule string) string {
	var words []string
	full := ""
	for _, r := range results {
		switch {
		case r.Rule != rule:
		case r.Verdict == rules.Failed:
			words = append(words, r.Subject)
		case r.Verdict == rules.NotEvaluated && len(words) > 0:
			full = "; not in full"
		default:
			words = append(words, "<"+string(r.Verdict)+">")
		}
	}
	return strings.Join(words, ", ") + full
}

const people = "user root 0 0\nuser alice 1000 1000\nuser bob 1001 50\ngroup root 0\ngroup staff 50\ngroup ops 60 alice,root\ngroup none 70 root\n"

func TestRules(t *testing.T) {
	for name, c := range map[string]struct{ rule, host, want string }{
		"telnet":                        {"login", "observation\nconnection /usr/bin/telnet 192.0.2.1 23 package=telnet\n", "/usr/bin/telnet tcp/23"},
		"each port by itself":           {"login", "observation\nconnection /usr/bin/x 192.0.2.1 21\nconnection /usr/bin/x 192.0.2.1 513\n", "/usr/bin/x tcp/21, /usr/bin/x tcp/513"},
		"hosts and users together":      {"login", "observation\nconnection /usr/bin/x 192.0.2.1 21\nconnection /usr/bin/x 192.0.2.2 21 uid=7\n", "/usr/bin/x tcp/21"},
		"rsh is no general one":         {"general", "observation\nconnection /usr/bin/rsh 192.0.2.1 514\n", "<passed>"},
		"within the host":               {"login", "observation\nconnection /usr/bin/telnet 127.0.0.1 23 local=true\n", "<passed>"},
		"the agent's own":               {"general", "observation\nconnection /opt/assay-agent/bin/assay-agent 192.0.2.1 80 agent=true\n", "<passed>"},
		"SSH":                           {"login", "observation\nconnection /usr/bin/ssh 192.0.2.1 22\n", "<passed>"},
		"no program any more":           {"login", "observation\nconnection telnet 192.0.2.1 23\n", "telnet tcp/23"},
		"in a container":                {"login", "container c1 debian 12\nobservation\nconnection /usr/bin/ftp 192.0.2.1 21 container=c1\n", "container:/usr/bin/ftp tcp/21"},
		"HTTP":                          {"general", "observation\nconnection /usr/bin/curl 2001:db8::1 80\nconnection /usr/bin/curl 192.0.2.1 443\n", "/usr/bin/curl tcp/80"},
		"VNC and LDAP":                  {"general", "observation\nconnection /v 192.0.2.1 5901\nconnection /l 192.0.2.1 389\nconnection /m 192.0.2.1 5910\n", "/l tcp/389, /v tcp/5901"},
		"not observed":                  {"login", "", "<not evaluated>"},
		"not to the end":                {"login", "connection /usr/bin/telnet 192.0.2.1 23\n", "/usr/bin/telnet tcp/23; not in full"},
		"connections were missed":       {"login", "observation\npartial activity/connections\n", "<not evaluated>"},
		"executions were missed":        {"login", "observation\npartial activity\nconnection /t 192.0.2.1 23\n", "/t tcp/23; not in full"},
		"the agent may not":             {"login", "denied activity\n", "<not evaluated>"},
		"unused":                        {"unused", "process a 0 /usr/sbin/a pid=9\nobservation\nsocket tcp 0.0.0.0 111 pid=9\n", "tcp/111 /usr/sbin/a"},
		"used":                          {"unused", "observation\nsocket tcp 0.0.0.0 111\naccepting 111 3 1\n", "<passed>"},
		"used by the host only":         {"unused", "observation\nsocket tcp 0.0.0.0 111\naccepting 111 3 0\n", "tcp/111"},
		"used over IPv4":                {"unused", "process a 0 /a pid=9\nobservation\nsocket tcp :: 111 pid=9\nsocket tcp 0.0.0.0 111 pid=9\naccepting 111 3 1\n", "<passed>"},
		"there since a while":           {"unused", "observation\nsocket tcp 0.0.0.0 111\naccepting 111 0 0 listens=1\n", "<passed>"},
		"there all the time":            {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,last\naccepting 111 0 0 listens=0\n", "tcp/111"},
		"begun before the first look":   {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,last\naccepting 111 0 0 listens=1\n", "<passed>"},
		"there all the time, not alone": {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,last inode=1\nsocket tcp 0.0.0.0 111 seen=late,last inode=2\naccepting 111 0 0 listens=1\n", "tcp/111"},
		"begun within the run":          {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=late,last\n", "<passed>"},
		"closed within the run":         {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,over\n", "<passed>"},
		"opened anew within the run":    {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,over inode=1\nsocket tcp 0.0.0.0 111 seen=late,last inode=2\n", "<passed>"},
		"another address opened anew":   {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,last inode=1\nsocket tcp :: 111 seen=late,last inode=2\n", "tcp/111"},
		"used, and there all the time":  {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first,last\naccepting 111 3 1\n", "<passed>"},
		"to the end is not known":       {"unused", "observation\nsocket tcp 0.0.0.0 111 seen=first\n", "<not evaluated>"},
		"loopback":                      {"unused", "observation\nsocket tcp 127.0.0.1 111\nsocket tcp ::1 111\nsocket tcp ::ffff:127.0.0.9 111\n", "<passed>"},
		"a listener was missed":         {"unused", "observation\nsocket tcp 0.0.0.0 111\npartial activity/listeners\n", "<not evaluated>"},
		"a connection was missed":       {"unused", "observation\nsocket tcp 0.0.0.0 111\npartial activity/connections\n", "tcp/111"},
		"sockets were missed":           {"unused", "observation\nsocket tcp 0.0.0.0 111\npartial sockets\n", "<not evaluated>"},
		"conversations were missed":     {"unused", "observation\nsocket tcp 0.0.0.0 111\npartial sockets/conversations\n", "<not evaluated>"},
		"observed in pieces":            {"unused", "observation\nobservation\nsocket tcp 0.0.0.0 111\n", "<not evaluated>"},
		"in use since before":           {"unused", "observation\nsocket tcp 0.0.0.0 111\nsocket tcp 192.0.2.1 111 state=established remote=192.0.2.2\n", "<passed>"},
		"in use by IPv4 since before":   {"unused", "observation\nsocket tcp :: 111\nsocket tcp ::ffff:192.0.2.1 111 state=close_wait remote=::ffff:192.0.2.2\n", "<passed>"},
		"the host itself since before":  {"unused", "observation\nsocket tcp 0.0.0.0 111\nsocket tcp 192.0.2.1 111 state=established remote=192.0.2.1\nsocket tcp 127.0.0.1 111 state=established remote=127.0.0.1\n", "tcp/111"},
		"knocked at only":               {"unused", "observation\nsocket tcp 0.0.0.0 111\nsocket tcp 192.0.2.1 111 state=syn_recv remote=192.0.2.2\n", "tcp/111"},
		"a published port":              {"unused", "process docker-proxy 0 /usr/bin/docker-proxy pid=9\nobservation\nsocket tcp 0.0.0.0 111 pid=9\n", "<passed>"},
		"UDP has no connections":        {"unused", "observation\nsocket udp 0.0.0.0 111\n", "<passed>"},
		"servers":                       {"servers", "process a 0 /usr/sbin/a pid=9\nsocket tcp 0.0.0.0 21 pid=9\nsocket tcp :: 80 pid=9\nsocket udp 0.0.0.0 161 pid=9\n", "tcp/21 /usr/sbin/a, tcp/80 /usr/sbin/a, udp/161 /usr/sbin/a"},
		"a server for a while":          {"servers", "process a 0 /usr/sbin/a pid=9 seen=first,over\nsocket tcp 0.0.0.0 21 pid=9 seen=late,over\n", "tcp/21 /usr/sbin/a"},
		"a server in a container":       {"servers", "container c1 debian 12\nprocess a 0 /usr/sbin/a pid=9 container=c1\nsocket tcp 0.0.0.0 21 pid=9\n", "container:tcp/21 /usr/sbin/a"},
		"syslog is not rsh":             {"servers", "socket udp 0.0.0.0 514\nsocket tcp 0.0.0.0 443\n", "<passed>"},
		"mail of the host's own":        {"servers", "socket tcp 127.0.0.1 25\n", "<not applicable>"},
		"sockets not seen in full":      {"servers", "partial sockets\n", "<not evaluated>"},
		"protected":                     {"dep", "program /usr/bin/x 0755 0 0\n", "<passed>"},
		"an executable stack":           {"dep", "program /usr/bin/x 0755 0 0 elf=stack:executable\n", "/usr/bin/x"},
		"a library without the header":  {"dep", "program /opt/lib.so 0755 0 0 elf=stack:missing,kind:shared mapped=true\n", "/opt/lib.so"},
		"32 bits":                       {"dep", "program /opt/x 0755 0 0 elf=stack:missing,machine:x86\n", "/opt/x"},
		"no header on arm64":            {"dep", "program /opt/x 0755 0 0 elf=stack:missing,machine:arm64\n", "<passed>"},
		"executable on arm64":           {"dep", "program /opt/x 0755 0 0 elf=stack:executable,machine:arm64\n", "/opt/x"},
		"Go":                            {"dep", "program /opt/x 0755 0 0 elf=stack:missing,go\n", "<passed>"},
		"an object file":                {"dep", "program /opt/x.o 0755 0 0 elf=stack:missing,kind:other\n", "<passed>"},
		"writable code":                 {"dep", "program /opt/x 0755 0 0 elf=writable\n", "/opt/x"},
		"a script's data":               {"dep", "program /opt/x.dat 0755 0 0 elf=none\nprogram /b 0755 0 0\n", "<passed>"},
		"not read":                      {"dep", "program /opt/x 0755 0 0 problem=away\n", "<not evaluated>"},
		"programs not seen in full":     {"dep", "program /opt/x 0755 0 0 elf=stack:executable\npartial programs\n", "/opt/x; not in full"},
		"open memory":                   {"dep", "program /usr/bin/node 0755 0 0\nprocess node 5 /usr/bin/node open=3\n", "/usr/bin/node memory"},
		"open memory of one that ended": {"dep", "program /usr/bin/node 0755 0 0\nprocess node 5 /usr/bin/node open=3 seen=late,over\n", "/usr/bin/node memory"},
		"a stack of one that ended":     {"dep", "program /x 0755 0 0 elf=stack:executable seen=first,over\n", "/x"},
		"root's that ended":             {"modules", "program /usr/lib/x root 0757 0 0 mapped=true seen=late,over\n", "/usr/lib/x"},
		"open memory, and told":         {"dep", "program /x 0755 0 0 elf=stack:executable\nprocess x 5 /x open=1\n", "/x"},
		"root's":                        {"modules", "program /usr/bin/x root 0755 0 0\n", "<passed>"},
		"nobody's":                      {"modules", "program /usr/bin/x 0777 0 0\n", "<not applicable>"},
		"anybody can write":             {"modules", "program /usr/lib/x root 0757 0 0 mapped=true\n", "/usr/lib/x"},
		"it need not be executable":     {"modules", "program /usr/lib/x root 0646 0 0 mapped=true\n", "/usr/lib/x"},
		"an owner":                      {"modules", "program /opt/x root 0555 1000 0\n", "/opt/x"},
		"a group":                       {"modules", "program /opt/x root 0775 0 60\n", "/opt/x"},
		"a group of root's":             {"modules", "program /opt/x root 0775 0 70\n", "<passed>"},
		"a group that may have more":    {"modules", "program /opt/x root 0775 0 70\npartial accounts\n", "<not evaluated>"},
		"a folder":                      {"modules", "above /opt 0777 0 0\nprogram /opt/a/x root 0755 0 0\nprogram /opt/b/x root 0755 0 0\n", "/opt"},
		"a folder's owner":              {"modules", "above /opt/a 0755 1000 0\nprogram /opt/a/x root 0755 0 0\n", "/opt/a"},
		"a folder out of reach":         {"modules", "above /opt/a 0777 0 0\nabove /opt 0700 0 0\nprogram /opt/a/x root 0777 0 0\n", "<passed>"},
		"a sticky folder":               {"modules", "above /tmp 1777 0 0\nprogram /tmp/x root 0755 0 0\n", "<passed>"},
		"a sticky folder's owner":       {"modules", "above /tmp 1777 1000 0\nprogram /tmp/x root 0755 0 0\n", "/tmp"},
		"owned in a sticky folder":      {"modules", "above /tmp 1777 0 0\nprogram /tmp/x root 0755 1000 0\n", "/tmp/x"},
		"a list":                        {"modules", "program /opt/x root 0775 0 0\nacl /opt/x user::rwx user:1000:rw- group::r-x mask::rwx other::r-x\n", "/opt/x"},
		"a masked list":                 {"modules", "program /opt/x root 0755 0 0\nacl /opt/x user::rwx user:1000:rwx group::r-x mask::r-x other::r-x\n", "<passed>"},
		"a folder's list":               {"modules", "above /opt 0775 0 0\nacl /opt user::rwx user:1000:rwx group::r-x mask::rwx other::r-x\nprogram /opt/x root 0755 0 0\n", "/opt"},
		"deleted":                       {"modules", "program /opt/x root 0777 0 0 deleted=true\nprogram /opt/y root 0755 0 0\n", "<passed>"},
		"deleted in an open folder":     {"modules", "above /opt 0777 0 0\nprogram /opt/x root 0755 0 0 deleted=true\n", "/opt"},
		"root in a container":           {"modules", "container c1 debian 12\nprogram /opt/x root 0757 0 0 container=c1\n", "container:/opt/x"},
		"a folder that was not seen":    {"modules", "above /opt 0 0 0 \"permission denied\"\nprogram /opt/x root 0757 0 0\n", "<not evaluated>"},
		"a file that was not seen":      {"modules", "program /opt/x root 0755 0 0 problem=away\n", "<not evaluated>"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.Parse(t, "system debian 12\n"+people+c.host)
			results := evaluate(t, s.Host())
			if got := said(results, ofRule[c.rule]); got != c.want {
				t.Errorf("got %q, want %q: %+v", got, c.want, results)
			}
			rulestest.Sound(t, behavior.Package{}, s, rules.Input{})
			rulestest.CitedMatters(t, behavior.Package{}, s, rules.Input{})
		})
	}
}

// That some process does not show its sockets takes nothing from what is known of
// conversations, where the sensor says so; listeners are judged.
func TestUnusedWhereAHolderIsNotKnown(t *testing.T) {
	s := hosttest.Parse(t, "observation\nsocket tcp 0.0.0.0 111\nsocket tcp 0.0.0.0 112\nsocket tcp 192.0.2.1 112 state=established remote=192.0.2.2\n").
		Partial(telemetry.SensorSockets).Cover(telemetry.SensorSockets, "conversations", telemetry.Complete, "")
	if got := said(evaluate(t, s.Host()), ofRule["unused"]); got != "tcp/111; not in full" {
		t.Error(got)
	}
}

func TestSeverities(t *testing.T) {
	d := behavior.Package{}.Describe()
	want := map[string]inspector.Severity{
		"login": inspector.Medium, "general": inspector.Low, "unused": inspector.Informational,
		"servers": inspector.Informational, "dep": inspector.Medium, "modules": inspector.High,
	}
	if len(d.Rules) != len(want) || !d.Observe || d.ID != inspector.PackageBehavior {
		t.Errorf("%+v", d)
	}
	for word, severity := range want {
		for _, r := range d.Rules {
			if r.ID == ofRule[word] && r.Severity != severity {
				t.Errorf("%s is %s", r.ID, r.Severity)
			}
		}
	}
	for _, r := range evaluate(t, hosttest.Host(t, "program /usr/bin/node 0755 0 0\nprocess node 5 /usr/bin/node open=3\n")) {
		if r.Verdict == rules.Failed && r.Severity != inspector.Low {
			t.Errorf("memory of an engine: %+v", r)
		}
	}
}

// On a kernel that cannot be observed exactly one finding says so, whatever else the
// host has, and nothing is said to be not evaluated beside it.
func TestUnsupportedKernel(t *testing.T) {
	const refusal = "the kernel does not take the eBPF programs"
	if telemetry.KernelRefused != refusal {
		t.Errorf("the sensor words it %q, and agents from before %q", telemetry.KernelRefused, refusal)
	}
	const bad = "socket tcp 0.0.0.0 21\nprogram /x root 0777 0 0 elf=stack:executable\n"
	results := evaluate(t, hosttest.Host(t, "system debian 8 kernel=3.16\n"+bad+"failed activity \""+refusal+": no BTF\"\n"))
	findings, exclusions := rules.Derive(behavior.Package{}.Describe(), rules.Subject{Key: []byte("k")}, results)
	if len(findings) != 1 || findings[0].Title != inspector.TitleUnsupported || findings[0].Severity != inspector.Informational || len(exclusions) != 0 ||
		!strings.Contains(findings[0].Description, "3.16") || len(findings[0].Evidence) != 1 {
		t.Errorf("%+v, %+v", findings, exclusions)
	}
	// Other failures are not the kernel's: what needs no observation is told.
	for _, cover := range []string{"failed activity \"read the kernel's clock\"\n", "denied activity \"" + refusal + "; run the agent as root\"\n", "not_collected activity\n"} {
		results := evaluate(t, hosttest.Host(t, "system debian 12\n"+bad+cover))
		if said(results, ofRule["dep"]) != "/x" || said(results, ofRule["servers"]) == "<not evaluated>" || said(results, ofRule["login"]) != "<not evaluated>" {
			t.Errorf("%s: %+v", cover, results)
		}
	}
}

// That a lesser tier observed is for other packages: of the kernel there is still exactly
// one finding, with the observation as its evidence, and others say what they say without.
func TestUnsupportedKernelThatWasObserved(t *testing.T) {
	const host = "system debian 12 kernel=4.19\nsocket tcp 0.0.0.0 21\nprogram /x root 0777 0 0 elf=stack:executable\n"
	const saw = "execution /usr/bin/ftp 1000\nconnection /usr/bin/ftp 192.0.2.1 21\npartial activity/executions\npartial activity/connections\npartial activity/listeners\n"
	for _, tier := range []string{"fanotify", "connector", "poll"} {
		h := hosttest.Host(t, host+saw+"observation tier="+tier+" \"unsupported=the kernel does not take the eBPF programs: it has no BTF\"\n-- /etc/ssh/sshd_config --\nPermitRootLogin yes\n")
		results := evaluate(t, h)
		findings, exclusions := rules.Derive(behavior.Package{}.Describe(), rules.Subject{Key: []byte("k")}, results)
		if len(findings) != 1 || findings[0].Title != inspector.TitleUnsupported || len(exclusions) != 0 || len(findings[0].Evidence) != 1 || findings[0].Evidence[0].Record != "observation:"+tier ||
			!strings.Contains(findings[0].Description, "4.19") || !strings.Contains(findings[0].Description, "no BTF") || !strings.Contains(findings[0].Recommendation, "kernel-versions.json") {
			t.Errorf("%s: %+v, %+v", tier, findings, exclusions)
		}
		with, err := practices.Package{}.Evaluate(t.Context(), h, rules.Input{})
		if err != nil {
			t.Fatal(err)
		}
		without, err := practices.Package{}.Evaluate(t.Context(), hosttest.Host(t, host+"-- /etc/ssh/sshd_config --\nPermitRootLogin yes\n"), rules.Input{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(without, with); diff != "" {
			t.Error(diff)
		}
		// The same tier on a kernel that could be observed: the rules judge by what it saw.
		results = evaluate(t, hosttest.Host(t, host+saw+"observation tier="+tier+"\n"))
		if said(results, ofRule["login"]) != "/usr/bin/ftp tcp/21; not in full" || said(results, ofRule["unused"]) != "<not evaluated>" {
			t.Errorf("%s: %+v", tier, results)
		}
	}
}

func TestNothingCollected(t *testing.T) {
	for _, r := range evaluate(t, host.New("i-1")) {
		if r.Verdict != rules.NotEvaluated || r.Reason == "" || r.Remedy == "" {
			t.Errorf("%s: %+v", r.Rule, r)
		}
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (behavior.Package{}).Evaluate(ctx, hosttest.New().Host(), rules.Input{}); err == nil {
		t.Error("no error from an evaluation that was called off")
	}
}

// A finding has the same id in the next run, where other hosts were connected to by
// other users, other processes listen, and a library was updated.
func TestFindingsStay(t *testing.T) {
	ids := func(description string) map[string]bool {
		findings, _ := rules.Derive(behavior.Package{}.Describe(), rules.Subject{Key: []byte("k")}, evaluate(t, hosttest.Host(t, description)))
		all := map[string]bool{}
		for _, f := range findings {
			all[f.ID] = true
		}
		return all
	}
	one := ids("container c1 debian 12\nprocess a 0 /a pid=7\nsocket tcp 0.0.0.0 21 pid=7\nobservation\nconnection /b 192.0.2.1 23 container=c1\nabove /opt 0777 0 0\nprogram /opt/x root 0755 0 0\n")
	two := ids("container c2 debian 12\nprocess a 5 /a pid=9\nsocket tcp :: 21 pid=9\nobservation\nconnection /b 192.0.2.7 23 uid=5 count=70 container=c2\nabove /opt 0777 0 0\nprogram /opt/y root 0755 0 0\n")
	if len(one) != 4 || len(two) != 4 {
		t.Fatalf("%d and %d findings", len(one), len(two))
	}
	for id := range one {
		if !two[id] {
			t.Errorf("the finding %s went away", id)
		}
	}
}

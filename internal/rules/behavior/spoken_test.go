package behavior_test

import (
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

// What was seen to be spoken counts before what a port suggests. Want says by "!" that something was refuted by what was seen: where that is
// lost, what it refuted stands, as if nobody had looked.
func TestSpoken(t *testing.T) {
	for name, c := range map[string]struct{ rule, host, want string }{
		"telnet is seen":              {"login", "observation\nconnection /t 192.0.2.1 23\nspoken telnet 23 192.0.2.1\n", "/t tcp/23"},
		"telnet on another port":      {"login", "observation\nconnection /t 192.0.2.1 2323\nspoken telnet 2323 192.0.2.1\n", "/t tcp/2323"},
		"telnet to another host":      {"login", "observation\nconnection /t 192.0.2.1 2323\nspoken telnet 2323 192.0.2.2\n", "<passed>"},
		"telnet on the host itself":   {"login", "observation\nconnection /t 127.0.0.1 2323 local=true\nspoken telnet 2323 127.0.0.1\n", "<passed>"},
		"SSH on Telnet's port":        {"login", "observation\nconnection /t 192.0.2.1 23\nspoken ssh 23 192.0.2.1\n", "!<passed>"},
		"SSH, and something":          {"login", "observation\nconnection /t 192.0.2.1 23\nspoken ssh 23 192.0.2.1\nspoken unknown 23 192.0.2.1\n", "/t tcp/23"},
		"SSH, at times":               {"login", "observation\nconnection /t 192.0.2.1 23 count=2\nspoken ssh 23 192.0.2.1\n", "/t tcp/23"},
		"SSH of two programs":         {"login", "observation\nconnection /t 192.0.2.1 23\nconnection /tt 192.0.2.1 23\nspoken ssh 23 192.0.2.1\n", "/t tcp/23, /tt tcp/23"},
		"SSH, but not all was seen":   {"login", "observation\nconnection /t 192.0.2.1 23\nspoken ssh 23 192.0.2.1\npartial protocols\n", "/t tcp/23; not in full"},
		"HTTP on another port":        {"general", "observation\nconnection /c 192.0.2.1 8080\nspoken http 8080 192.0.2.1\n", "/c tcp/8080"},
		"a tunnel by a proxy":         {"general", "observation\nconnection /c 192.0.2.1 3128\nspoken http-connect 3128 192.0.2.1\n", "<passed>"},
		"TLS on IMAP's port":          {"general", "observation\nconnection /c 192.0.2.1 143 count=3\nspoken tls 143 192.0.2.1 count=3\n", "!<passed>"},
		"HTTP on Telnet's port":       {"general", "observation\nconnection /c 192.0.2.1 23\nspoken http 23 192.0.2.1\n", "!/c tcp/23"},
		"HTTP, and no Telnet":         {"login", "observation\nconnection /c 192.0.2.1 23\nspoken http 23 192.0.2.1\n", "!<passed>"},
		"FTP is seen":                 {"servers", "socket tcp 0.0.0.0 2121\nspoken ftp 2121\n", "tcp/2121"},
		"HTTP is seen":                {"servers", "socket tcp 0.0.0.0 9090\nspoken http 9090\n", "tcp/9090"},
		"HTTP of those who err":       {"servers", "socket tcp 0.0.0.0 8443\nspoken http 8443\nspoken tls 8443\n", "!<passed>"},
		"HTTP and TLS on HTTP's port": {"servers", "socket tcp 0.0.0.0 80\nspoken http 80\nspoken tls 80\n", "tcp/80"},
		"SSH on FTP's port":           {"servers", "socket tcp 0.0.0.0 21\nspoken ssh 21\n", "!<passed>"},
		"TLS, but not all was seen":   {"servers", "socket tcp 0.0.0.0 25\nspoken tls 25\npartial protocols\n", "tcp/25; not in full"},
		"TLS, and something":          {"servers", "socket tcp 0.0.0.0 25\nspoken tls 25\nspoken unknown 25\n", "tcp/25"},
		"TLS elsewhere":               {"servers", "socket tcp 0.0.0.0 25\nspoken tls 25 192.0.2.1\n", "tcp/25"},
		"FTP within the host":         {"servers", "socket tcp 127.0.0.1 2121\nspoken ftp 2121\n", "<not applicable>"},
		"UDP is not heard":            {"servers", "socket udp 0.0.0.0 161\nspoken tls 161\n", "udp/161"},
	} {
		t.Run(name, func(t *testing.T) {
			want, refuted := strings.CutPrefix(c.want, "!")
			p := behavior.Package{FirstBytes: true}
			s := hosttest.Parse(t, "system debian 12\n"+c.host)
			results, err := p.Evaluate(t.Context(), s.Host(), rules.Input{})
			if err != nil {
				t.Fatal(err)
			}
			if got := said(results, ofRule[c.rule]); got != want {
				t.Errorf("got %q, want %q: %+v", got, want, results)
			}
			rulestest.CitedMatters(t, p, s, rules.Input{})
			if !refuted {
				rulestest.Sound(t, p, s, rules.Input{})
			}
		})
	}
}

// Whoever does not ask for first bytes has the sensors and the answers of before.
func TestFirstBytesAreAskedFor(t *testing.T) {
	has := func(p behavior.Package) bool {
		for _, name := range p.Describe().Sensors {
			if name == telemetry.SensorProtocols {
				return true
			}
		}
		return false
	}
	if has(behavior.Package{}) || !has(behavior.Package{FirstBytes: true}) {
		t.Error("the sensor is not asked for as the operator says")
	}
	const quiet = "observation\nsocket tcp 0.0.0.0 443\n"
	for _, rule := range []string{"login", "general", "servers"} {
		if got := said(evaluate(t, hosttest.Host(t, quiet)), ofRule[rule]); got != "<passed>" {
			t.Errorf("not asked for: %s", got)
		}
		results, err := behavior.Package{FirstBytes: true}.Evaluate(t.Context(), hosttest.Host(t, quiet), rules.Input{})
		if got := said(results, ofRule[rule]); err != nil || got != "<not evaluated>" {
			t.Errorf("asked for, and not seen: %s", got)
		}
	}
}

// A finding says whether its protocol was seen.
func TestSeenOrSuggested(t *testing.T) {
	const imap = "observation\nconnection /c 192.0.2.1 143\n"
	for host, want := range map[string]string{
		imap: "TCP port 143, which suggests IMAP, of 192.0.2.1: once, from 2026-03-01 12:30:00 to 2026-03-01 13:00:00 UTC. " +
			"Of this protocol, it can be encrypted after it has begun (STARTTLS), which the port does not tell.",
		imap + "spoken imap 143 192.0.2.1\n": "TCP port 143, where IMAP was seen to be spoken, of 192.0.2.1: once, from 2026-03-01 12:30:00 to 2026-03-01 13:00:00 UTC. " +
			"Of this protocol, it can be encrypted after it has begun (STARTTLS), which its first bytes do not tell.",
	} {
		found := false
		for _, r := range evaluate(t, hosttest.Host(t, host)) {
			if r.Rule == ofRule["general"] && r.Verdict == rules.Failed {
				found = true
				if !strings.HasSuffix(r.Reason, want) {
					t.Errorf("%s", r.Reason)
				}
			}
		}
		if !found {
			t.Errorf("no finding of %q", host)
		}
	}
}

package practices

import (
	"context"
	"fmt"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/sshd"
)

// sshProtocol is about version 1 of the protocol, which OpenSSH's server spoke
// until 7.3.
var sshProtocol = check{
	rule: rules.Rule{
		ID: "ssh-protocol-1", Title: "Use SSH version 2 only", Severity: inspector.Medium,
		Description: "Version 1 of the SSH protocol has faults that no implementation can repair: what is sent can be read and changed on the way.",
		Recommendation: "Set \"Protocol 2\" in /etc/ssh/sshd_config and restart sshd; better, update to a release of OpenSSH " +
			"that does not know version 1 any more (7.4 or later).",
	},
	evaluate: func(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
		return evaluateProtocol(h)
	},
}

// withoutProtocol1 is the first release whose server does not know version 1,
// perhaps1 the first that knows it only if it was built so.
const (
	withoutProtocol1 sshd.Version = 704
	perhaps1         sshd.Version = 700
)

func evaluateProtocol(h *host.Host) []rules.Result {
	found, _ := sshd.Find(h)
	if found.OK() && found.Value.Version >= withoutProtocol1 {
		// No configuration can bring version 1 back, whatever it says.
		s := &sshServer{Server: found.Value}
		e := s.installed(&sshd.Config{Version: found.Value.Version})
		return []rules.Result{{Verdict: rules.Passed, Evidence: []rules.Evidence{e},
			Reason: fmt.Sprintf("The SSH server is OpenSSH %s, which speaks only version 2 of the protocol.", found.Value.Version)}}
	}
	return sshRule{judgeProtocol, dropbearProtocol, false}.evaluate(h)
}

func judgeProtocol(s *sshServer, c *sshd.Config) rules.Result {
	if c.Version >= withoutProtocol1 {
		return rules.Result{Verdict: rules.Passed, Evidence: []rules.Evidence{s.installed(c)},
			Reason: "The SSH server speaks only version 2 of the protocol."}
	}
	value, at := c.Value(c.Effective(nil), "protocol")
	evidence := []rules.Evidence{s.cite(c, sshd.Because{Keyword: "protocol", Value: value, Setting: at}, "2")}
	switch {
	case !strings.Contains(value, "1"):
		return rules.Result{Verdict: rules.Passed, Evidence: evidence, Reason: "The SSH server is configured to speak only version 2 of the protocol."}
	case c.Version >= perhaps1:
		return notEvaluated(fmt.Sprintf("sshd is configured to speak version 1 of the protocol; whether this OpenSSH %s was built with it is not known.", c.Version),
			"Set \"Protocol 2\" in /etc/ssh/sshd_config.")
	}
	return rules.Result{Verdict: rules.Failed, Evidence: evidence,
		Title:  "Instance <id> is configured to support SSH protocol version 1",
		Reason: "The SSH server is configured to speak version 1 of the protocol."}
}

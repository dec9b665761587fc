package practices

import (
	"errors"
	"fmt"
	"slices"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/sshd"
	"assay/internal/telemetry"
)

// sshRule is a rule about what sshd's configuration lets happen.
type sshRule struct {
	judge func(s *sshServer, c *sshd.Config) rules.Result
	// dropbear is what the rule says where Dropbear serves SSH.
	dropbear func(found []rules.Evidence) rules.Result
	others   bool // what other servers do matters to the rule
}

// sshServer is what a judge knows beside the configuration.
type sshServer struct {
	sshd.Server
	accounts accounts
}

// evaluate gives the rule's verdict on the host's sshd, over all the ways in
// which it is started.
func (r sshRule) evaluate(h *host.Host) []rules.Result {
	var results []rules.Result
	found, err := sshd.Find(h)
	switch {
	case err != nil:
		results = append(results, unreadable(err))
	case found.OK():
		s := &sshServer{found.Value, accountsOf(h)}
		results = append(results, r.overCommands(h, s))
	case found.Presence == host.NotCollected:
		results = append(results, notEvaluated("Whether the host has an SSH server is not known: "+found.Reason+".", remedyCollect))
	}
	packages := h.Packages()
	switch others := sshd.Others(h); {
	case len(others) > 0:
		results = append(results, r.dropbear(others))
	case found.OK() && !packages.Complete && r.others:
		lost := notEvaluated("Whether there is another SSH server beside OpenSSH is not known: "+packages.Reason+".", remedyCollect)
		lost.Subject = "other servers"
		results = append(results, lost)
	}
	if len(results) == 0 {
		return []rules.Result{{Verdict: rules.NotApplicable, Reason: "The host has no SSH server: no package of one is installed, and there is no " + sshd.Binary + "."}}
	}
	return results
}

// overCommands judges every way in which sshd is started; the worst counts.
func (r sshRule) overCommands(h *host.Host, s *sshServer) rules.Result {
	var results []rules.Result
	for _, cmd := range s.Commands {
		results = append(results, r.overVersions(h, s, cmd))
	}
	return worst(results)
}

// releases stand for all where it is not known which is installed.
var releases = []sshd.Version{606, 704, 800, 807, 902, sshd.Latest}

// overVersions judges one way in which sshd is started. Where the release is not
// known, all releases that would start with the configuration must agree.
func (r sshRule) overVersions(h *host.Host, s *sshServer, cmd sshd.Command) rules.Result {
	if cmd.Version != 0 {
		c, err := sshd.Parse(h, cmd)
		if err != nil {
			return unreadable(err)
		}
		return r.judge(s, c)
	}
	var results []rules.Result
	var refused error
	for _, v := range releases {
		cmd.Version = v
		c, err := sshd.Parse(h, cmd)
		if err != nil {
			refused = err
			continue
		}
		results = append(results, r.judge(s, c))
	}
	if len(results) == 0 {
		return unreadable(refused)
	}
	for _, other := range results[1:] {
		if other.Verdict != results[0].Verdict || other.Severity != results[0].Severity {
			return notEvaluated("The release of the SSH server is not known, and it depends on it.",
				"Install sshd from a package of the system, or set the options that matter in its configuration.")
		}
	}
	return results[len(results)-1]
}

// worst is the result that counts of several about the same thing.
func worst(results []rules.Result) rules.Result {
	order := []rules.Verdict{rules.Failed, rules.Error, rules.NotEvaluated, rules.Passed, rules.NotApplicable}
	return slices.MinFunc(results, func(a, b rules.Result) int {
		if d := slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict); d != 0 {
			return d
		}
		severities := inspector.Severities()
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
}

const remedyCollect = "Let the agent run as root and collect the sensors that this package names; `assay-agent status` tells what it could not read."

func notEvaluated(reason, remedy string) rules.Result {
	return rules.Result{Verdict: rules.NotEvaluated, Reason: reason, Remedy: remedy}
}

// unreadable is the result where sshd's configuration gives no answer.
func unreadable(err error) rules.Result {
	var refused *sshd.Refused
	if errors.As(err, &refused) {
		return notEvaluated("sshd would not start with its configuration: "+refused.Error()+".",
			"Repair the configuration; `sshd -t` on the host names what is wrong with it.")
	}
	return notEvaluated("The configuration of sshd is not known: "+err.Error()+".", remedyCollect)
}

// keywordNames are keywords as people write them.
var keywordNames = map[string]string{
	"permitrootlogin": "PermitRootLogin", "passwordauthentication": "PasswordAuthentication",
	"kbdinteractiveauthentication": "KbdInteractiveAuthentication", "usepam": "UsePAM",
	"challengeresponseauthentication": "ChallengeResponseAuthentication", "authenticationmethods": "AuthenticationMethods",
	"protocol": "Protocol",
}

// cite is the evidence of a value that counts: the line, or that there is none
// and what the installed release then does.
func (s *sshServer) cite(c *sshd.Config, b sshd.Because, expected string) rules.Evidence {
	if b.Setting != nil {
		return citeLine(*b.Setting, expected)
	}
	e := s.installed(c)
	e.Found = fmt.Sprintf("%s is not set, and %s takes it for %q", keywordNames[b.Keyword], e.Found, b.Value)
	e.Expected = expected
	return e
}

func citeLine(line sshd.Setting, expected string) rules.Evidence {
	return rules.Evidence{Sensor: telemetry.SensorConfig, Record: line.Record, File: line.File, Line: line.Line,
		Found: line.Text, Expected: expected}
}

// installed is the evidence of the server itself.
func (s *sshServer) installed(c *sshd.Config) rules.Evidence {
	if s.Package == nil {
		return rules.Evidence{Sensor: telemetry.SensorFiles, Record: telemetry.Key(s.Binary), File: s.Binary.Path,
			Found: "OpenSSH of a release that no package names"}
	}
	return rules.Evidence{Sensor: telemetry.SensorPackages, Record: telemetry.Key(s.Package),
		Found: fmt.Sprintf("OpenSSH %s (%s %s)", c.Version, s.Package.Name, s.Package.Version)}
}

// maxSSHEvidence bounds how many lines a result cites.
const maxSSHEvidence = 12

func addEvidence(list []rules.Evidence, e rules.Evidence) []rules.Evidence {
	if len(list) < maxSSHEvidence && !slices.Contains(list, e) {
		list = append(list, e)
	}
	return list
}

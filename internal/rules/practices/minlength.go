package practices

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/pam"
	"assay/internal/telemetry"
)

// passwordMinimumLength is about the shortest password that a user can give
// himself, whatever module refuses shorter ones and however (package pam). Only
// a demand that somebody configured counts: what pam_unix does by itself is not
// a decision.
var passwordMinimumLength = check{
	rule: rules.Rule{
		ID:       "password-minimum-length",
		Title:    "Configure password minimum length",
		Finding:  "Instance <id> is not configured for a minimum length for passwords",
		Severity: inspector.Medium,
		Description: "This rule helps determine whether a minimum length of passwords is configured and enforced on the host: " +
			"short passwords are found by trying.",
		Recommendation: "Require passwords of at least 8 characters: set minlen in /etc/security/pwquality.conf, set credits to 0 or less, " +
			"and have pam_pwquality.so as requisite before pam_unix.so with use_authtok in the password stack.",
	},
	evaluate: evaluateMinimumLength,
}

// setting reads a positive whole number that the operator has set.
func setting(in rules.Input, name string, byDefault int) (int, error) {
	text, ok := in.Settings[name]
	if !ok {
		return byDefault, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("the setting %s is %q, which is not a whole number above 0", name, text)
	}
	return n, nil
}

func evaluateMinimumLength(_ context.Context, h *host.Host, in rules.Input) []rules.Result {
	want, err := setting(in, "password-minimum-length", 8)
	if err == nil && want > pam.LongestSearched {
		err = fmt.Errorf("the setting password-minimum-length is above %d, the longest that can be told", pam.LongestSearched)
	}
	if err != nil {
		return untold(err, "Correct the setting.")
	}
	return eachPolicy(h, func(p passwordPolicy) rules.Result { return judgeLength(p, want) })
}

// judgeLength finds the way that asks least of a password.
func judgeLength(p passwordPolicy, want int) rules.Result {
	worst, size := p.ways[0], 0
	for i, w := range p.ways {
		has := w.Shortest
		if !configured(w) {
			has = 0
		}
		if i == 0 || has < size {
			worst, size = w, has
		}
	}
	expected := fmt.Sprintf("at least %d characters", want)
	r := rules.Result{Verdict: rules.Passed, Evidence: wayEvidence(worst, expected)}
	switch {
	case size == 0:
		r.Verdict = rules.Failed
		r.Reason = fmt.Sprintf("No minimum length of passwords is configured that is in force when %s stores one: %s.", worst.Service, builtIn(worst))
	case size < want:
		r.Verdict = rules.Failed
		r.Reason = fmt.Sprintf("Through %s a user can set a password of %s; at least %d are expected.", worst.Service, characters(worst.Shortest), want)
	default:
		r.Reason = fmt.Sprintf("The shortest password that a user can set has %s, through %s.", characters(worst.Shortest), worst.Service)
	}
	if len(worst.Bypassed) > 0 && r.Verdict == rules.Failed {
		r.Reason += " The refusal of " + worst.Bypassed[0].Module + " does not prevent that."
	}
	return r
}

// configured tells whether somebody has decided on the demands of a way.
func configured(w pam.Way) bool {
	for _, c := range w.Checks {
		if c.Configured {
			return true
		}
	}
	return false
}

func builtIn(w pam.Way) string {
	return fmt.Sprintf("only %s's own minimum holds, %s", w.Store.Module, characters(w.Shortest))
}

func characters(n int) string {
	switch {
	case n == 1:
		return "1 character"
	case n >= pam.LongestSearched:
		return fmt.Sprintf("%d characters or more", n)
	}
	return fmt.Sprintf("%d characters", n)
}

// eachPolicy judges what the PAM stacks accept. Where the host may be one of
// several systems, all have to give the same verdict.
func eachPolicy(h *host.Host, judge func(passwordPolicy) rules.Result) []rules.Result {
	systems, err := pamSystems(h)
	if err == nil {
		var without *rules.Result
		if without, err = passwdWithoutPAM(h); without != nil {
			return []rules.Result{*without}
		}
	}
	if err != nil {
		return untold(err, collectAgain)
	}
	var first rules.Result
	var asked pam.Asked
	for i, s := range systems {
		if i > 0 && !differ(s, systems[0], asked) {
			continue
		}
		s.Asked = &asked
		p, err := readPolicy(h, s)
		if err != nil {
			return untold(err, collectAgain)
		}
		r := judgePolicy(h, p, judge)
		if i == 0 {
			first = r
		}
		if r.Verdict != first.Verdict {
			return untold(fmt.Errorf("the version of the module that checks passwords is not known, and what it demands depends on it"),
				"Collect the sensor packages, or set minlen and the credits explicitly.")
		}
	}
	return []rules.Result{first}
}

// differ tells whether two systems differ in a version that was asked for.
func differ(a, b pam.System, asked pam.Asked) bool {
	return asked.Pwquality && a.OldPwquality != b.OldPwquality || asked.Passwdqc && a.OldPasswdqc != b.OldPasswdqc
}

// passwdWithoutPAM judges Alpine where passwd is busybox's, which does not ask
// PAM: it refuses fewer than 6 characters, and nothing else can be configured.
func passwdWithoutPAM(h *host.Host) (*rules.Result, error) {
	if host.FamilyOf(h.System().Value) != host.FamilyAlpine {
		return nil, nil
	}
	packages := h.Packages()
	for _, p := range packages.Values {
		if p.Name == "shadow" {
			return nil, nil
		}
	}
	if !packages.Complete {
		return nil, fmt.Errorf("whether passwd is busybox's or shadow's is not known: %s", packages.Reason)
	}
	c := h.Coverage(telemetry.SensorPackages)
	return &rules.Result{Verdict: rules.Failed, Reason: "The host's passwd is busybox's, which does not use PAM: nothing can be configured that passwords must comply with.",
		Evidence: []rules.Evidence{{Sensor: telemetry.SensorPackages, Record: telemetry.Key(&c), Found: "no package shadow", Expected: "the package shadow, and a password stack with pam_pwquality.so"}}}, nil
}

// collectAgain is the remedy where telemetry is missing.
const collectAgain = "Collect the sensors config, files, packages and system of this host in full, as root."

func untold(err error, remedy string) []rules.Result {
	return []rules.Result{{Verdict: rules.NotEvaluated, Reason: sentence(err.Error()), Remedy: remedy}}
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// judgePolicy deals with the hosts where nobody can set a password through PAM,
// and leaves the others to judge.
func judgePolicy(h *host.Host, p passwordPolicy, judge func(passwordPolicy) rules.Result) rules.Result {
	for _, w := range p.ways {
		if len(w.Unknown) > 0 {
			u := w.Unknown[0]
			return untold(fmt.Errorf("%s:%d has the PAM module %s, of which it is not known what passwords it accepts", u.File, u.Line, u.Module),
				"Check by hand what the module demands of new passwords.")[0]
		}
	}
	switch {
	case len(p.ways) > 0:
		return judge(p)
	case p.noPAM:
		c := h.Coverage(telemetry.SensorConfig)
		return rules.Result{Verdict: rules.Failed, Reason: "The host has no PAM configuration: nothing is configured that passwords must comply with.",
			Evidence: []rules.Evidence{{Sensor: telemetry.SensorConfig, Record: telemetry.Key(&c), File: "/etc/pam.d", Found: "no such configuration", Expected: "a password stack with pam_pwquality.so"}}}
	case len(p.refusals) > 0:
		return untold(fmt.Errorf("%s", strings.Join(p.refusals, "; ")), "Repair the PAM configuration, and run the assessment again.")[0]
	}
	r := rules.Result{Verdict: rules.Passed, Reason: "No user can set a password: the PAM stacks refuse every change."}
	for _, d := range p.denial[:min(len(p.denial), maxEvidence)] {
		r.Evidence = append(r.Evidence, rules.Evidence{Sensor: telemetry.SensorConfig, Record: "text:" + d.File, File: d.File, Line: d.Line, Found: excerpt(d.Text)})
	}
	return r
}

package practices

import (
	"context"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/practices/pam"
)

// passwordComplexity is about the classes of characters that every password must
// have: lower case (lcredit), upper case (ucredit), digits (dcredit), others
// (ocredit). A class is demanded if no password without it is stored, however
// long: by a credit of -1 or less, by minclass=4, or by another module's rule to
// the same effect. A credit above zero demands nothing, it rewards. All four are
// expected.
var passwordComplexity = check{
	rule: rules.Rule{
		ID:       "password-complexity",
		Title:    "Configure password complexity",
		Finding:  "Instance <id> does not demand complex passwords",
		Severity: inspector.Medium,
		Description: "This rule helps determine whether a password complexity mechanism is configured on the host: " +
			"lcredit, ucredit, dcredit and ocredit of pam_pwquality or pam_cracklib.",
		Recommendation: "Set lcredit, ucredit, dcredit and ocredit to -1 or less (or minclass to 4) in /etc/security/pwquality.conf, " +
			"and have pam_pwquality.so as requisite before pam_unix.so with use_authtok in the password stack.",
	},
	evaluate: func(_ context.Context, h *host.Host, _ rules.Input) []rules.Result {
		return eachPolicy(h, judgeComplexity)
	},
}

// classNames are the options by which modules demand the classes.
var classNames = []struct {
	class pam.Class
	name  string
}{{pam.Lower, "lower-case letters (lcredit)"}, {pam.Upper, "upper-case letters (ucredit)"}, {pam.Digit, "digits (dcredit)"}, {pam.Other, "other characters (ocredit)"}}

func judgeComplexity(p passwordPolicy) rules.Result {
	worst := p.ways[0]
	for _, w := range p.ways {
		if count(w.Demanded) < count(worst.Demanded) {
			worst = w
		}
	}
	r := rules.Result{Verdict: rules.Passed, Reason: "Every password must have lower-case and upper-case letters, digits and other characters.",
		Evidence: wayEvidence(worst, "lcredit, ucredit, dcredit and ocredit at -1 or less, or minclass=4")}
	if worst.Demanded == pam.AllClasses {
		return r
	}
	var missing []string
	for _, c := range classNames {
		if worst.Demanded&c.class == 0 {
			missing = append(missing, c.name)
		}
	}
	r.Verdict = rules.Failed
	r.Reason = "Through " + worst.Service + " a user can set a password without " + strings.Join(missing, ", without ") + "."
	if len(worst.Bypassed) > 0 {
		r.Reason += " The refusal of " + worst.Bypassed[0].Module + " does not prevent that."
	}
	return r
}

func count(set pam.Class) int {
	n := 0
	for _, c := range classNames {
		if set&c.class != 0 {
			n++
		}
	}
	return n
}

package assess

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"assay/internal/inspector"
)

// cause is why something could not be checked. The wording is that of a person
// to a person; the titles follow those of Inspector Classic.
type cause struct {
	name           string // part of the exclusion's id
	title          string
	description    string // %s is what it is about
	recommendation string
	err            bool
}

var (
	causeNoHosts = cause{
		name: "no-hosts", err: true,
		title:          "No hosts in assessment target",
		description:    "When the run started, no host belonged to the assessment target %s, so nothing was checked.",
		recommendation: "Compare the tags of the target's resource group with those of the agents, and enrol an agent on each host that is to be assessed.",
	}
	causeNotFound = cause{
		name: "agent-not-found", err: true,
		title:          "Agent not found",
		description:    "The host %s was enrolled, but its agent has never been heard of. The host was not checked.",
		recommendation: "Start the agent on the host (systemctl start assay-agent), and see with `assay-agent status` whether it reaches the service. If the host is gone, remove its agent.",
	}
	causeUnhealthy = cause{
		name: "agent-unhealthy", err: true,
		title:          "Agent unhealthy",
		description:    "The agent of the host %s was not heard of. What it had not sent by then was not checked.",
		recommendation: "See with `assay-agent status` on the host whether the agent runs and reaches the service, then assess again. If the host is gone, remove its agent.",
	}
	causeTooLate = cause{
		name: "agent-too-late", err: true,
		title:          "Collection not finished in time",
		description:    "The agent of the host %s had not sent all of its telemetry when the collection ended. What is missing was not checked.",
		recommendation: "Give the template a longer duration, or see with `assay-agent status` on the host what keeps the agent.",
	}
	causeRefused = cause{
		name: "agent-refused", err: true,
		title:          "Instruction refused by the agent",
		description:    "The agent of the host %s refused to collect for the run. The host was not checked.",
		recommendation: "Update the agent: one that does not know a sensor refuses the whole instruction.",
	}
	causeCollection = cause{
		name: "collection-failed", err: true,
		title:          "Collection failed",
		description:    "The agent of the host %s could not collect its telemetry. What is missing was not checked.",
		recommendation: "Look into the agent's log on the host for what went wrong, then assess again.",
	}
	causeUnsupported = cause{
		name:           "unsupported-system",
		title:          "Unsupported operating system",
		description:    "The rules package %s has no rules for the operating system of the host.",
		recommendation: "Assess hosts with this operating system with other rules packages.",
	}
	causeNoPackage = cause{
		name: "package-unavailable", err: true,
		title:          "Rules package not available",
		description:    "The rules package %s is not part of this service, so none of its rules was checked.",
		recommendation: "Use a template with rules packages that ListRulesPackages names, or update the service.",
	}
	causeEvaluation = cause{
		name: "evaluation-error", err: true,
		title:          "Evaluation error for one host",
		description:    "The telemetry of the host %s could not be evaluated, so nothing is known about it from this run.",
		recommendation: "Assess the host again. If that fails too, look into the service's log.",
	}
)

// about makes the exclusion of a cause for a host and, where it is about one, a
// rules package. The detail says in a sentence what happened. The same
// exclusion made again has the same id.
func (c cause) about(run inspector.Run, agent, packageARN, detail string) inspector.Exclusion {
	e := inspector.Exclusion{
		Run:            run.ID,
		ID:             exclusionID(run.ID, c.name, agent, packageARN),
		Title:          c.title,
		Description:    c.description,
		Recommendation: c.recommendation,
		Error:          c.err,
	}
	subject := run.Target
	if agent != "" {
		subject = agent
		e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeInstance, Value: agent})
		e.Attributes = append(e.Attributes, inspector.Attribute{Key: "INSTANCE_ID", Value: agent})
	}
	if packageARN != "" {
		subject = packageARN
		e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeRulesPackage, Value: packageARN})
		e.Attributes = append(e.Attributes, inspector.Attribute{Key: "RULES_PACKAGE_ARN", Value: packageARN})
	}
	if strings.Contains(e.Description, "%s") {
		e.Description = fmt.Sprintf(e.Description, subject)
	}
	if detail != "" {
		e.Description += " " + sentence(detail)
	}
	return e
}

// wholeRun is the exclusion of a cause that is about no host: its scopes are the
// run's rules packages.
func (c cause) wholeRun(run inspector.Run) inspector.Exclusion {
	e := c.about(run, "", "", "")
	for _, arn := range run.Packages {
		e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeRulesPackage, Value: arn})
	}
	return e
}

func exclusionID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return inspector.IDFrom(sum[:])
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

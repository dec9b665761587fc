package assess

import (
	"crypto/sha256"
	"strings"

	"assay/internal/inspector"
)

// exclusion makes the exclusion of a kind for a host and, where it is about one, a
// rules package; without either it is about the run's target, and its scopes are
// all of the run's packages. The detail says in a sentence what happened. The same
// exclusion made again has the same id.
func exclusion(kind inspector.ExclusionKind, run inspector.Run, agent, packageARN, detail string) inspector.Exclusion {
	cause := kind.Cause()
	e := inspector.Exclusion{
		Run: run.ID, ID: exclusionID(run.ID, string(kind), agent, packageARN), Kind: kind,
		Title: cause.Title, Description: cause.Description, Recommendation: cause.Recommendation, Error: cause.Error,
	}
	subject, packages := run.Target, run.Packages
	if agent != "" {
		subject, packages = agent, nil
		e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeInstance, Value: agent})
		e.Attributes = append(e.Attributes, inspector.Attribute{Key: "INSTANCE_ID", Value: agent})
	}
	if packageARN != "" {
		subject, packages = packageARN, []string{packageARN}
		e.Attributes = append(e.Attributes, inspector.Attribute{Key: "RULES_PACKAGE_ARN", Value: packageARN})
	}
	for _, arn := range packages {
		e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeRulesPackage, Value: arn})
	}
	e.Description = strings.ReplaceAll(e.Description, "%s", subject)
	if detail != "" {
		e.Description += " " + sentence(detail)
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

package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
)

func agentActions() []action {
	return []action{
		{"list", "", "list the hosts' agents and how they are", (*Command).listAgents},
		{"token", "", "make a token with which hosts enrol, and tell what to type on them", (*Command).token},
		{"revoke", "AGENT", "shut an agent out; to come back it has to enrol again", (*Command).revokeAgent},
	}
}

func (c *Command) listAgents(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all := []operator.Agent{}
	if err := client.agents(ctx, func(a operator.Agent) { all = append(all, a) }); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "AGENT\tHOST\tHEALTH\tSEEN\tVERSION\tSYSTEM\tKERNEL\tOBSERVES BY\tTAGS", func(row func(...any)) {
		for _, a := range all {
			health := strings.ToLower(a.Health)
			if a.Revoked {
				health = "revoked"
			}
			row(a.ID, a.Hostname, health, ago(a.SeenAt), a.Version, a.OS, a.Kernel, tiers(a.Tiers), tags(a.Tags))
		}
	})
}

func (c *Command) revokeAgent(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	if err := client.operator(ctx, operator.RevokeAgent, operator.RevokeRequest{ID: set.Arg(0)}, nil); err != nil {
		return err
	}
	return c.done(*asJSON, "The agent %s is shut out; to come back it has to enrol again.", set.Arg(0))
}

// agents calls fn with every agent.
func (c *client) agents(ctx context.Context, fn func(operator.Agent)) error {
	return list(func(token string) (string, error) {
		var answer operator.AgentsResponse
		err := c.operator(ctx, operator.ListAgents, operator.PageRequest{MaxResults: page, NextToken: token}, &answer)
		for _, a := range answer.Agents {
			fn(a)
		}
		return answer.NextToken, err
	})
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

// tiers words by which ways an agent's sensors observe.
func tiers(all []inspector.SensorTier) string {
	var words []string
	for _, t := range all {
		word := cmp.Or(t.Tier, "none")
		if t.Expected {
			word += " (expected)"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func tags(all []inspector.Tag) string {
	var words []string
	for _, t := range all {
		words = append(words, t.Key+"="+t.Value)
	}
	return strings.Join(words, " ")
}

// tagFlag is a repeated -tag key=value.
type tagFlag []inspector.Tag

func (t *tagFlag) String() string { return tags(*t) }

func (t *tagFlag) Set(value string) error {
	key, value, ok := strings.Cut(value, "=")
	if !ok || key == "" {
		return fmt.Errorf("a tag is key=value")
	}
	*t = append(*t, inspector.Tag{Key: key, Value: value})
	return nil
}

func (c *Command) tokenRequest(set *flag.FlagSet, args []string) (operator.TokenRequest, error) {
	var tags tagFlag
	set.Var(&tags, "tag", "a tag `key=value` that the hosts get; may be repeated")
	valid := set.Duration("valid", 24*time.Hour, "how long the token can be used (at most 90 days)")
	uses := set.Int("uses", 0, "how many hosts can enrol with it; 0: any number")
	if err := c.parse(set, args, 0, 0); err != nil {
		return operator.TokenRequest{}, err
	}
	if *valid < time.Second || *valid > operator.MaxValidity {
		return operator.TokenRequest{}, usagef("a token is valid for 1s to 2160h (90 days), not %v", *valid)
	}
	if *uses < 0 {
		return operator.TokenRequest{}, usagef("a token cannot have %d uses", *uses)
	}
	return operator.TokenRequest{Tags: tags, Seconds: int64(*valid / time.Second), Uses: *uses}, nil
}

// token makes an enrolment token and tells how to use it.
func (c *Command) token(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	request, err := c.tokenRequest(set, args)
	if err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	var answer operator.TokenResponse
	if err := client.operator(ctx, operator.CreateEnrollmentToken, request, &answer); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, answer)
	}
	fmt.Fprintln(c.Stdout, answer.Token) // alone, so that a script can take it
	fmt.Fprintf(c.Stderr, `
On each host, as root, until %s:
  ASSAY_AGENT_TOKEN=... assay-agent enroll -server %s -ca-pin %s
  assay-agent run
`, answer.ExpiresAt.Local().Format(time.DateTime), answer.Gateway, answer.Pin)
	return nil
}

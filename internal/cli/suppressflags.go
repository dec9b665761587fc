package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
)

// suppressFlags are the flags of assay suppress add.
type suppressFlags struct {
	finding, pkg, rule, subject, host string
	attributes, tags                  tagFlag
	reason, until, from, run          string
	forever, anyHost, preview         bool
}

func (f *suppressFlags) register(set *flag.FlagSet) {
	set.StringVar(&f.finding, "finding", "", "what the finding's id is, such as a CVE: a `pattern` in which * stands for any characters")
	set.StringVar(&f.finding, "cve", "", "the same as -finding, a `pattern`: CVE-2024-1234, 'CVE-2024-*'")
	set.StringVar(&f.pkg, "package", "", "the rules `package`: cve, cis, practices, behavior, reachability")
	set.StringVar(&f.rule, "rule", "", "the `rule`, as assay results names it")
	set.StringVar(&f.subject, "subject", "", "what the rule's result is about, as assay results -json tells it: a `pattern`")
	set.Var(&f.attributes, "attribute", "an attribute `key=value` that the finding has: package_name=openssl; may be repeated, each has to be so")
	set.StringVar(&f.host, "host", "", "only on this `host`: an agent's id, or a host's name, in which * stands for any characters")
	set.Var(&f.tags, "tag", "only on hosts with this tag `key=value`; may be repeated, each has to be so")
	set.StringVar(&f.reason, "reason", "", "`why`: for whoever meets it later; required")
	set.StringVar(&f.until, "until", "", "when it ends: a `time` such as 2027-01-31 or 2027-01-31T12:00 (UTC), or after how long: 90d, 12h")
	set.BoolVar(&f.forever, "forever", false, "it has no end")
	set.StringVar(&f.from, "from", "", "select this `finding`, by its ARN or the last part of it, on its host; other flags change the selection")
	set.BoolVar(&f.anyHost, "any-host", false, "with -from: on any host")
	set.BoolVar(&f.preview, "preview", false, "add nothing: show which findings of a run it would suppress")
	set.StringVar(&f.run, "run", "", "the `run` of -preview, and of a finding that is named by the last part of its ARN; default the last one that is over")
}

// check tells what can be seen to be wrong without the service.
func (f *suppressFlags) check(now time.Time) error {
	if f.anyHost && f.from == "" {
		return usagef("-any-host says something about -from: without it a suppression is for any host anyway")
	}
	if f.preview {
		return nil
	}
	if (f.until == "") == !f.forever {
		return usagef("it takes either -until or -forever: see assay suppress add -help")
	}
	if strings.TrimSpace(f.reason) == "" {
		return usagef("it takes a -reason: whoever meets the suppression later has to know why it is there")
	}
	if _, err := endTime(f.until, now); err != nil {
		return usageError{err}
	}
	return nil
}

// request makes the request of flags: what -from selects, and over it what the others
// say.
func (f *suppressFlags) request(ctx context.Context, client *client, now time.Time) (operator.AddSuppressionRequest, error) {
	var r operator.AddSuppressionRequest
	if f.from != "" {
		if err := f.fill(ctx, client, &r.SuppressionSelector); err != nil {
			return r, err
		}
	}
	f.override(&r.SuppressionSelector)
	r.Reason, r.Forever = f.reason, f.forever
	end, err := endTime(f.until, now)
	r.Until = end
	if f.preview { // it is not what matters now
		r.Reason, r.Until = cmp.Or(r.Reason, "a preview"), time.Time{}
	}
	if err == nil {
		err = r.Suppression().Check(now)
	}
	if err != nil {
		return r, usageError{err}
	}
	return r, nil
}

func (f *suppressFlags) override(s *operator.SuppressionSelector) {
	s.Finding = cmp.Or(inspector.Pattern(f.finding), s.Finding)
	s.Package = cmp.Or(inspector.PackageID(f.pkg), s.Package)
	s.Rule = cmp.Or(f.rule, s.Rule)
	s.Subject = cmp.Or(inspector.Pattern(f.subject), s.Subject)
	for _, a := range f.attributes {
		s.Attributes = append(s.Attributes, inspector.Attribute(a))
	}
	s.Tags = f.tags
	switch {
	case agentID.MatchString(f.host):
		s.Agent, s.Hostname = f.host, ""
	case f.host != "":
		s.Agent, s.Hostname = "", inspector.Pattern(f.host)
	case f.anyHost || len(f.tags) > 0:
		s.Agent = ""
	}
}

// agentID is what the ids of agents look like.
var agentID = regexp.MustCompile(`^i-[0-9a-f]{17}$`)

// fill selects a finding, and nothing else.
func (f *suppressFlags) fill(ctx context.Context, client *client, s *operator.SuppressionSelector) error {
	arn, err := client.findingARN(ctx, f.from, f.run)
	if err != nil {
		return err
	}
	found, err := client.describe(ctx, []string{arn})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no finding %s", arn)
	}
	d := found[0]
	if d.why.Rule == "" {
		return fmt.Errorf("the finding %s says that nothing was found, or that nothing could be: there is nothing to suppress", arn)
	}
	s.Package, s.Rule, s.Finding, s.Subject = d.why.Package, d.why.Rule, inspector.Literally(d.Id), inspector.Literally(d.why.Subject)
	if d.AssetAttributes != nil {
		s.Agent = d.AssetAttributes.AgentId
	}
	return nil
}

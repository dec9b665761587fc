package cli

import (
	"context"
	"errors"
	"slices"

	"assay/internal/api/model"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// leftOut is a rules package by which an assessment does not judge.
type leftOut struct {
	Package string `json:"rules_package"` // its name
	Reason  string `json:"reason"`
	Remedy  string `json:"remedy"` // what to type to have it
}

// sayLeftOut tells what is left out.
func (c *Command) sayLeftOut(all []leftOut) {
	for _, l := range all {
		c.say("%s is left out: %s. With it: %s", l.Package, l.Reason, l.Remedy)
	}
}

// selection is some of the rules packages that a service has.
type selection struct {
	arns []string
	left []string // the names of those that are left out
}

// packagesFor are the rules packages of an assessment: all of them where hosts are to
// be observed, else those that are done when they have looked.
func (c *client) packagesFor(ctx context.Context, observe bool) (selection, error) {
	var listed model.ListRulesPackagesResponse
	if err := c.inspector(ctx, "ListRulesPackages", map[string]any{"maxResults": 500}, &listed); err != nil {
		return selection{}, err
	}
	var some selection
	for _, arn := range listed.RulesPackageArns {
		if name, observes := observing(arn); observes && !observe {
			some.left = append(some.left, name)
			continue
		}
		some.arns = append(some.arns, arn)
	}
	switch {
	case observe && !slices.ContainsFunc(some.arns, observesHosts):
		return some, errors.New("the service has no rules package that observes hosts: leave out -observe")
	case len(some.arns) == 0 && len(some.left) > 0:
		return some, errors.New("the service has only rules packages that observe hosts: -observe 3m assesses with them")
	}
	return some, nil
}

// observing tells whether a rules package needs the whole duration, as far as this
// program knows it, and its name.
func observing(arn string) (name string, observes bool) {
	id, ok := inspector.ResolvePackage(arn)
	if !ok {
		return "", false
	}
	d := describe(id)
	return d.Name, d.Observe
}

func observesHosts(arn string) bool {
	_, observes := observing(arn)
	return observes
}

// forSnapshot are those of the rules packages that judge a snapshot. Those that observe
// need a host that was: one that is off, an image, never can be.
func forSnapshot(all []rules.Package, h *host.Host) (some []rules.Package, left []leftOut) {
	observed := h.Coverage(telemetry.SensorActivity).State != telemetry.NotCollected
	for _, p := range all {
		if d := p.Describe(); d.Observe && !observed {
			left = append(left, leftOut{d.Name, "not evaluated, since the host was not observed", "assay-agent collect -observe 3m -o FILE, on the host"})
			continue
		}
		some = append(some, p)
	}
	return some, left
}

package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// selection is some of the rules packages that a service has.
type selection struct {
	arns []string
	left string // the names of those that are left out
}

// packagesFor are the rules packages of an assessment: all of them where hosts are to
// be observed, else those that are done when they have looked.
func (c *client) packagesFor(ctx context.Context, observe bool) (selection, error) {
	var listed model.ListRulesPackagesResponse
	if err := c.inspector(ctx, "ListRulesPackages", map[string]any{"maxResults": 500}, &listed); err != nil {
		return selection{}, err
	}
	var some selection
	var left []string
	for _, arn := range listed.RulesPackageArns {
		if name, observes := observing(arn); observes && !observe {
			left = append(left, name)
			continue
		}
		some.arns = append(some.arns, arn)
	}
	some.left = strings.Join(left, ", ")
	switch {
	case observe && !slices.ContainsFunc(some.arns, observesHosts):
		return some, errors.New("the service has no rules package that observes hosts: leave out -observe")
	case len(some.arns) == 0 && len(left) > 0:
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

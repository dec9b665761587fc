package assess

import (
	"slices"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// plannedPackage is a rules package under the ARN by which a template names it.
type plannedPackage struct {
	rules.Package
	arn string
}

// plan is what a run's rules packages mean for the hosts.
type plan struct {
	packages []plannedPackage
	missing  []string // ARNs of packages that this service does not have
}

// platforms lists the systems of packages that are not for all of them (the
// product's table of rules packages).
var platforms = map[inspector.PackageID][]string{
	inspector.PackagePractices: {"linux"},
	inspector.PackageBehavior:  {"linux"}, // Windows' share of its rules is to come
}

// planOf resolves ARNs. A package that is named twice, by two of its ARNs, is
// evaluated once, under the first.
func (s *Service) planOf(arns []string) plan {
	var p plan
	seen := map[inspector.PackageID]bool{}
	for _, arn := range arns {
		id, ok := s.resolve(arn)
		pkg := s.packages[id]
		switch {
		case !ok || pkg == nil:
			p.missing = append(p.missing, arn)
		case !seen[id]:
			seen[id] = true
			p.packages = append(p.packages, plannedPackage{pkg, arn})
		}
	}
	return p
}

// observe tells whether a package needs the whole duration.
func (p plan) observe() bool {
	return slices.ContainsFunc(p.packages, func(pkg plannedPackage) bool { return pkg.Describe().Observe })
}

// on splits the packages into those for the platform and the others. A platform
// that is not known is left to the rules, which see the telemetry.
func (p plan) on(platform string) (for_, not []plannedPackage) {
	for _, pkg := range p.packages {
		supported, limited := platforms[pkg.Describe().ID]
		if limited && platform != "" && !slices.Contains(supported, platform) {
			not = append(not, pkg)
		} else {
			for_ = append(for_, pkg)
		}
	}
	return for_, not
}

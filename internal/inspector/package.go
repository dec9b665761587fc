package inspector

import "crypto/sha256"

// PackageID names a rules package inside Assay, whatever its ARN.
type PackageID string

// The rules packages.
const (
	PackageCVE          PackageID = "cve"
	PackageCIS          PackageID = "cis"
	PackagePractices    PackageID = "practices"
	PackageBehavior     PackageID = "behavior"
	PackageReachability PackageID = "reachability"
)

// RulesPackage is what clients are told of a rules package.
type RulesPackage struct {
	ID      PackageID
	Name    string // as Inspector names it: "Security Best Practices"
	Version string
	Text    string // one paragraph
}

// Packages lists the ids of the rules packages that Inspector has, whether or not
// a deployment offers them.
func Packages() []PackageID {
	return []PackageID{PackageCVE, PackageCIS, PackagePractices, PackageBehavior, PackageReachability}
}

// Retired tells whether AWS had withdrawn a rules package before Inspector Classic
// ended. Its ARNs stay valid names of it where a deployment evaluates it.
func Retired(id PackageID) bool { return id == PackageBehavior }

// publication is what AWS published in a region.
type publication struct {
	region, account string
	ids             map[PackageID]string
}

// PackageARN is the ARN under which a deployment in this scope lists a rules
// package: the one that AWS published in its region, so that configurations that
// name it stay valid, else one of the deployment's own.
func (s Scope) PackageARN(id PackageID) ARN {
	for _, p := range published {
		if p.region == s.Region && p.ids[id] != "" {
			return Scope{p.region, p.account}.RulesPackage(p.ids[id])
		}
	}
	return s.RulesPackage(ownPackage(id))
}

// PackageARNs lists every ARN that names a package in this scope: the published
// ones of all regions, and the scope's own.
func (s Scope) PackageARNs(id PackageID) []string {
	arns := []string{}
	for _, p := range published {
		if p.ids[id] != "" {
			arns = append(arns, Scope{p.region, p.account}.RulesPackage(p.ids[id]).String())
		}
	}
	return append(arns, s.RulesPackage(ownPackage(id)).String())
}

// ResolvePackage tells which rules package an ARN names: one that AWS published
// in any region, or a deployment's own, of whatever region and account, so that
// templates may move between deployments. It is false for every other string.
func ResolvePackage(arn string) (PackageID, bool) {
	a, err := ParseARN(arn)
	if err != nil || a.Kind != KindRulesPackage || a.Partition != a.Scope.partition() {
		return "", false
	}
	for _, id := range Packages() {
		if a.ID == ownPackage(id) {
			return id, true
		}
		for _, p := range published {
			if a.ID == p.ids[id] && a.Scope == (Scope{p.region, p.account}) {
				return id, true
			}
		}
	}
	return "", false
}

// ownPackage is the id in a deployment's own ARN of a package. It is the same in
// all deployments and releases.
func ownPackage(id PackageID) string {
	sum := sha256.Sum256([]byte("assay rules package " + id))
	return IDFrom(sum[:])
}
